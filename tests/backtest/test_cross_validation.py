"""On the weights that ship, unless a test says otherwise."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import ttm_estimators
from tests.tiny import tiny_network
from ttm_estimators import Forecaster, TableError, TableWarning, cross_validation
from ttm_estimators.backtest import cross_validation as module
from ttm_estimators.backtest import models
from ttm_estimators.backtest.models import Naive, ZeroShot
from ttm_estimators.tables import fine_tune as fine_tuning

LEVELS = [0.1, 0.5, 0.9]
LEARNS = "ttm-finetuned(steps=60, learning_rate=2e-2, batch_size=32)"
QUICK = "ttm-finetuned(steps=5, learning_rate=1e-3, windows=64)"


def until(df: pd.DataFrame, frame: pd.DataFrame, name: str, cutoff: object) -> pd.DataFrame:
    return df[(df["unique_id"] == name) & (df["ds"] <= cutoff)]


def with_reading(df: pd.DataFrame, row: int, value: float) -> pd.DataFrame:
    changed = df.copy()
    changed.loc[row, "y"] = value
    return changed


def test_the_frame_is_that_of_nixtla(sales):
    frame = cross_validation(sales, 7, windows=2, models=["ttm", "naive"], quantile_levels=LEVELS)
    levels = ("", "-0.1", "-0.5", "-0.9")
    columns = [f"{name}{level}" for name in ("ttm", "naive") for level in levels]
    assert list(frame) == ["unique_id", "cutoff", "ds", "y", *columns]
    assert len(frame) == 3 * 2 * 7
    assert frame["unique_id"].unique().tolist() == ["north", "south", "new"]
    ends = sales.groupby("unique_id")["ds"].max()
    for name, part in frame.groupby("unique_id"):
        assert part["ds"].max() == ends[name]
        cutoffs = part["cutoff"].unique()
        assert list(ends[name] - cutoffs) == [pd.Timedelta(days=14), pd.Timedelta(days=7)]
        assert (part["ds"] - part["cutoff"]).dt.days.tolist() == [*range(1, 8)] * 2
    truth = frame.merge(sales, on=["unique_id", "ds"])
    np.testing.assert_array_equal(truth["y_x"], truth["y_y"])
    assert frame.notna().all(axis=None)


def test_forecasts_are_those_of_the_table_up_to_the_cutoff(sales):
    frame = cross_validation(sales, 7, windows=3, step=4, models="ttm", quantile_levels=LEVELS)
    model = ttm_estimators.load()
    for (name, cutoff), part in frame.groupby(["unique_id", "cutoff"]):
        alone = model.forecast_df(until(sales, frame, name, cutoff), 7, quantile_levels=LEVELS)
        assert list(alone["ds"]) == list(part["ds"])
        np.testing.assert_allclose(part["ttm"], alone["median"], rtol=1e-5)
        np.testing.assert_allclose(part["ttm-0.9"], alone["0.9"], rtol=1e-5)


@pytest.mark.parametrize(
    ("freq", "zone"),
    [
        *(("MS", None), ("ME", None), ("B", None), ("W-WED", None), ("15min", None), ("YS", None)),
        *(("h", "Europe/Berlin"), ("D", "Europe/Berlin"), ("MS", "America/New_York")),
    ],
)
def test_cutoffs_and_times_are_rows_of_the_table(freq, zone, make_series):
    times = pd.date_range("2023-09-01", periods=80, freq=freq, tz=zone)
    df = make_series("a", times).rename(columns={"ds": "when"})
    frame = cross_validation(df, 5, windows=3, step=3, models=["naive"])
    assert frame["when"].dtype == frame["cutoff"].dtype == df["when"].dtype
    expected = [(times[end - 1], time) for end in (69, 72, 75) for time in times[end : end + 5]]
    assert list(zip(frame["cutoff"], frame["when"], strict=True)) == expected


@pytest.mark.parametrize("kind", ["period", "text", "date", "number", "counted"])
def test_times_of_other_types_stay_what_they_are(kind, make_series):
    days = pd.date_range("2024-01-01", periods=40)
    df = make_series("a", days)
    options = {}
    if kind == "period":
        df["ds"] = df["ds"].dt.to_period("D")
    elif kind == "text":
        df["ds"] = df["ds"].dt.strftime("%d.%m.%Y")
    elif kind == "date":
        df["ds"] = df["ds"].dt.date
    elif kind == "number":
        df["ds"] = np.arange(1900, 1940)
    else:
        df, options = df[["y"]], {"no_time": True}
    frame = cross_validation(df, 4, windows=2, models=["naive"], **options)
    time = "step" if kind == "counted" else "ds"
    at = [*range(32, 36), *range(36, 40)]
    if kind == "counted":
        assert frame["cutoff"].tolist() == [31] * 4 + [35] * 4
        assert frame[time].tolist() == at
    else:
        wanted = pd.Series(days) if kind == "text" else df["ds"]
        assert frame[time].tolist() == wanted.iloc[at].tolist()
        assert frame["cutoff"].tolist() == wanted.iloc[[31] * 4 + [35] * 4].tolist()
    assert ttm_estimators.evaluate(frame, df, **options).best == "naive"


def test_a_wide_table_has_its_columns_as_series():
    days = pd.date_range("2024-01-01", periods=40)
    wide = pd.DataFrame({"ds": days, 1: np.arange(40.0), 2: np.arange(40.0) ** 1.1})
    frame = cross_validation(wide, 4, windows=2, models=["naive"])
    assert list(frame)[:4] == ["variable", "cutoff", "ds", "y"]
    assert frame["variable"].unique().tolist() == [1, 2]
    np.testing.assert_array_equal(frame["y"][8:12], wide[2][32:36])
    assert len(ttm_estimators.evaluate(frame, wide).series) == 2


@pytest.mark.parametrize("models", [["ttm"], ["seasonal_naive", "naive"], [QUICK]])
def test_values_after_a_cutoff_change_none_of_its_forecasts(sales, models):
    changed = sales.copy()
    last = changed.groupby("unique_id").cumcount(ascending=False) < 7
    changed.loc[last, "y"] = 1e4 * np.random.default_rng(0).normal(size=last.sum())
    before, after = (
        cross_validation(df, 7, windows=2, models=models, season=7) for df in (sales, changed)
    )
    forecasts = [name for name in before if name not in ("unique_id", "cutoff", "ds", "y")]
    pd.testing.assert_frame_equal(before[forecasts], after[forecasts])
    assert (before["y"] != after["y"]).sum() == 3 * 7


def test_fine_tuning_sees_what_lies_before_the_first_cutoff_alone(sales):
    changed = sales.copy()
    windows = changed.groupby("unique_id").cumcount(ascending=False) < 14
    changed.loc[windows, "y"] *= -5
    first = [
        cross_validation(df, 7, windows=2, models=[QUICK]).groupby("unique_id").head(7)
        for df in (sales, changed)
    ]
    pd.testing.assert_frame_equal(*(part.drop(columns="y") for part in first))


@pytest.mark.parametrize("models", [["ttm"], [LEARNS]])
def test_later_values_of_other_series_change_no_forecast(sales, models):
    # The price drives sales, more so after "south" ended.
    random = np.random.default_rng(0)
    df = sales.assign(price=random.normal(size=len(sales)))
    df["y"] -= 3 * df["price"]
    last = df.loc[df["unique_id"] == "south", "ds"].max()
    first = last - pd.Timedelta(days=14)
    changed, later = df.copy(), (df["unique_id"] != "south") & (df["ds"] > first)
    changed.loc[later, "y"] += 20 * changed.loc[later, "price"]
    options = {"windows": 2, "models": models, "known": "price"}
    frames = [cross_validation(each, 7, **options) for each in (df, changed)]
    one, two = (each[each["cutoff"] <= first].drop(columns="y") for each in frames)
    assert one["unique_id"].unique().tolist() == ["south"]
    pd.testing.assert_frame_equal(one, two)
    assert not frames[0].drop(columns="y").equals(frames[1].drop(columns="y"))


def test_series_that_begin_after_the_earliest_cutoff_are_not_trained_on(sales):
    late = sales[(sales["unique_id"] != "new") | (sales["ds"] >= "2024-03-28")]
    with pytest.warns(TableWarning, match="up to 2024-03-26, the earliest cutoff.*'new'"):
        frame = cross_validation(late, 7, windows=2, models=[QUICK])
    assert set(frame["unique_id"]) == {"north", "south", "new"}
    assert frame.notna().all(axis=None)


def test_unequal_lengths_leave_short_series_out_of_early_windows(sales):
    short = sales[(sales["unique_id"] != "new") | (sales["ds"] >= "2024-04-20")]
    with pytest.warns(TableWarning, match="'new' in 2"):
        frame = cross_validation(short, 7, windows=3, models=["ttm", "seasonal_naive"])
    windows = frame.groupby("unique_id", sort=False)["cutoff"].nunique()
    assert windows.to_dict() == {"north": 3, "south": 3, "new": 1}


def test_missing_values_are_taken_and_given(sales):
    gaps = sales.copy()
    gaps.loc[::5, "y"] = np.nan
    frame = cross_validation(gaps, 7, windows=2)
    assert frame["y"].isna().any()
    assert frame.drop(columns="y").notna().all(axis=None)


@pytest.mark.parametrize("freq", [None, "YS"])
def test_where_no_season_is_known_seasonal_naive_says_so(sales, freq, make_series):
    df, options = make_series("a", np.arange(60))[["y"]], {"no_time": True}
    if freq:
        df, options = make_series("a", pd.date_range("1950", periods=60, freq=freq)), {}
    with pytest.warns(TableWarning, match="no season known: give season=7, or season=1"):
        frame = cross_validation(df, 7, models=["seasonal_naive", "naive"], **options)
    np.testing.assert_array_equal(frame["seasonal_naive"], frame["naive"])
    cross_validation(df, 7, models=["seasonal_naive"], season=7, **options)
    cross_validation(df, 7, models=["ttm", "naive"], **options)


def test_an_impossible_reading_is_told_once(sales):
    broken = sales.copy()
    broken.loc[30, "y"] = -999
    with pytest.warns(ttm_estimators.OutlierWarning, match="-999 at .* 'north'") as told:
        cross_validation(broken, 7, windows=3, models=["ttm"])
    assert len(told) == 1


def test_impossible_readings_are_kept_for_all_models_where_asked_for(sales):
    broken = with_reading(sales, 90, -999)
    frame = cross_validation(broken, 7, windows=3, models=["naive", "ttm"], keep_outliers=True)
    blank = cross_validation(with_reading(sales, 90, np.nan), 7, windows=3, models="naive,ttm")
    assert (frame["naive-0.1"] < blank["naive-0.1"] - 10).any()
    assert (frame["ttm"] != blank["ttm"]).any()


def test_a_reading_that_is_impossible_by_later_ones_alone_counts_at_an_earlier_cutoff(sales):
    broken = with_reading(sales[sales["unique_id"] == "north"], 7, -999)
    frame = cross_validation(broken, len(broken) - 8, windows=1, models="naive")
    assert (frame["naive"] == -999).all()
    with pytest.warns(ttm_estimators.OutlierWarning, match="1 reading"):
        frame = cross_validation(broken, len(broken) - 30, windows=1, models="naive")
    assert (frame["naive"] > 0).all()


def test_fine_tuning_learns_from_no_impossible_reading(sales, monkeypatch):
    learned, fine_tune = [], fine_tuning.fine_tune_panel

    def listening(network, panel, *rest, **options):
        learned.append(panel.series[0].values)
        return fine_tune(network, panel, *rest, **options)

    monkeypatch.setattr(fine_tuning, "fine_tune_panel", listening)
    with pytest.warns(ttm_estimators.OutlierWarning):
        cross_validation(with_reading(sales, 30, -999), 7, windows=1, models=[QUICK])
    assert np.flatnonzero(np.isnan(learned[0])).tolist() == [30]


def test_readings_that_are_not_scored_are_counted_in_the_one_warning(sales):
    broken = with_reading(with_reading(sales, 30, -999), 115, -999)
    with pytest.warns(ttm_estimators.OutlierWarning, match="2 readings are impossible") as told:
        frame = cross_validation(broken, 7, windows=2, models=["naive"])
    (one,) = told
    assert str(one.message).endswith("; 1 in what is forecast, which does not count in the scores")
    assert frame["y"].isna().sum() == 1


# Parts in a folder


def test_a_run_that_was_killed_goes_on_and_gives_the_same_frame(sales, tmp_path, monkeypatch):
    models = ["ttm", "seasonal_naive", QUICK]
    whole = cross_validation(sales, 7, windows=3, models=models, quantile_levels=LEVELS)
    sales.to_parquet(tmp_path / "sales.parquet")
    program = f"""
import os, pandas as pd, ttm_estimators
from ttm_estimators.backtest import cross_validation as module
from ttm_estimators.backtest import models
write = module.write_part
def dying(path, values):
    write(path, values)
    if len(list(path.parent.glob("*.npy"))) == 5:
        os.kill(os.getpid(), 9)
module.write_part = dying
sales = pd.read_parquet({str(tmp_path / "sales.parquet")!r})
ttm_estimators.cross_validation(sales, 7, windows=3, models={models!r},
    quantile_levels={LEVELS!r}, folder={str(tmp_path / "parts")!r})
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    assert len(list((tmp_path / "parts").glob("*.npy"))) == 5
    forecasts = []
    monkeypatch.setattr(
        ZeroShot,
        "forecast",
        lambda self, task, advance, forecast=ZeroShot.forecast: (
            forecasts.append(task) or forecast(self, task, advance)
        ),
    )
    options = {"windows": 3, "models": models, "quantile_levels": LEVELS}
    options["folder"] = tmp_path / "parts"
    again = cross_validation(sales, 7, **options)
    pd.testing.assert_frame_equal(again, whole)
    assert len(forecasts) == 3 + 3 - 3  # two of ttm and one fine-tuned were there
    forecasts.clear()
    pd.testing.assert_frame_equal(cross_validation(sales, 7, **options), whole)
    assert not forecasts


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 6},
        {"step": 3},
        {"quantile_levels": [0.2, 0.5, 0.9]},
        {"season": 3},
        {"model": "tiny"},
        {"sales": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_in_one_folder_never_mix(sales, tmp_path, change):
    base = {
        "horizon": 7,
        "windows": 2,
        "models": ["ttm", "seasonal_naive"],
        "quantile_levels": LEVELS,
    }
    cross_validation(sales, **base, folder=tmp_path)
    other = {**base, **change}
    df = sales.assign(y=sales["y"] + other.pop("sales", 0.0))
    if "model" in other:
        other["model"] = Forecaster(tiny_network())
    kept = cross_validation(df, **other, folder=tmp_path)
    pd.testing.assert_frame_equal(kept, cross_validation(df, **other))
    pd.testing.assert_frame_equal(
        cross_validation(sales, **base, folder=tmp_path), cross_validation(sales, **base)
    )


def test_more_windows_reuse_those_that_are_there(sales, tmp_path, monkeypatch):
    cross_validation(sales, 7, windows=2, models=["naive"], folder=tmp_path)
    there = set(tmp_path.iterdir())
    cross_validation(sales, 7, windows=3, models=["naive"], folder=tmp_path)
    assert len(set(tmp_path.iterdir()) - there) == 1


def test_a_seed_makes_parts_of_their_own_only_where_it_counts(sales, tmp_path):
    names = []
    for seed in (0, 1):
        options = {"windows": 1, "models": ["ttm", "naive", QUICK], "seed": seed}
        cross_validation(sales, 7, **options, folder=tmp_path)
        names.append({part.name for part in tmp_path.iterdir()})
    assert [name.rpartition("-")[0] for name in names[1] - names[0]] == ["ttm-finetuned"] * 2


@pytest.mark.parametrize(
    "content", [None, np.zeros((3, 6, 10)), np.zeros((3, 7, 1)), np.full((3, 7, 10), np.nan)]
)
def test_a_damaged_part_is_told_and_made_anew(sales, tmp_path, content):
    whole = cross_validation(sales, 7, windows=1, models=["naive"], folder=tmp_path)
    (part,) = tmp_path.iterdir()
    if content is None:
        part.write_bytes(b"nothing")
    else:
        np.save(part, content)
    with pytest.warns(TableWarning, match=rf"{part.name} is damaged and is made anew: "):
        again = cross_validation(sales, 7, windows=1, models=["naive"], folder=tmp_path)
    pd.testing.assert_frame_equal(again, whole)
    pd.testing.assert_frame_equal(
        cross_validation(sales, 7, windows=1, models=["naive"], folder=tmp_path), whole
    )


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"nothing"])
def test_a_damaged_fine_tuned_model_is_told_and_made_anew(sales, tmp_path, name, content):
    options = {"windows": 1, "models": [QUICK], "folder": tmp_path}
    cross_validation(sales, 7, **options)
    (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
    for part in tmp_path.glob("*.npy"):
        part.unlink()
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.warns(TableWarning, match=rf"{folder.name} is damaged and is made anew: ") as told:
        cross_validation(sales, 7, **options)
    assert told[0].filename == __file__
    cross_validation(sales, 7, **options)


def test_processes_that_train_in_one_folder_end_with_one_model(sales, tmp_path, monkeypatch):
    options = {"windows": 1, "models": [QUICK], "folder": tmp_path}
    fine_tune = fine_tuning.fine_tune_panel
    checkpoints, frames = [], []

    def slower(*given, checkpoint, **others):
        checkpoints.append(checkpoint)
        if len(checkpoints) == 1:  # another process begins later and is done first
            frames.append(cross_validation(sales, 7, **options))
        return fine_tune(*given, checkpoint=checkpoint, **others)

    monkeypatch.setattr(fine_tuning, "fine_tune_panel", slower)
    frames.append(cross_validation(sales, 7, **options))
    pd.testing.assert_frame_equal(*frames)
    assert len({*checkpoints}) == 2
    assert not [*tmp_path.glob("*.ckpt")]


def test_fine_tuning_goes_on_from_the_checkpoint_of_an_interrupted_process(tmp_path):
    folder = tmp_path / "part"
    assert not models._checkpoint(folder).exists()
    (tmp_path / "part.0.ckpt").write_bytes(b"where it was")
    assert models._checkpoint(folder).read_bytes() == b"where it was"


# Models


def test_one_of_our_models_is_given_by_name_folder_or_object(sales, tmp_path):
    tiny = Forecaster(tiny_network())
    ttm_estimators.save_network(tiny.network, tmp_path / "tiny")
    frame = cross_validation(
        sales, 7, windows=1, models={"a": "ttm", "b": f"ttm(model={tmp_path / 'tiny'})", "c": tiny}
    )
    np.testing.assert_array_equal(frame["b"], frame["c"])
    assert (frame["a"] != frame["c"]).all()
    given = cross_validation(sales, 7, windows=1, models=["ttm"], model=tiny)
    np.testing.assert_array_equal(given["ttm"], frame["c"])


def test_a_model_that_onnxruntime_runs_is_backtested_and_its_parts_are_its_own(sales, tmp_path):
    pytest.importorskip("onnxruntime")
    options = {"models": "ttm", "folder": tmp_path}
    frame = cross_validation(sales, 7, windows=2, model=ttm_estimators.load(), **options)
    onnx = ttm_estimators.load(runtime="onnx")
    by_onnx = cross_validation(sales, 7, windows=2, model=onnx, **options)
    np.testing.assert_allclose(by_onnx["ttm"], frame["ttm"], rtol=1e-4)
    assert len([*tmp_path.glob("*.npy")]) == 4
    with pytest.raises(ValueError, match="'ttm-finetuned' is fine-tuned by torch, and onnxruntime"):
        cross_validation(sales, 7, models="ttm-finetuned", model=onnx)


def test_a_model_that_fails_is_named_with_its_cutoff(sales, monkeypatch):
    def fail(self, task, advance):
        raise ValueError("no\nluck")

    monkeypatch.setattr(Naive, "forecast", fail)
    with pytest.raises(
        ttm_estimators.BacktestError,
        match=r"^model 'naive' failed at the cutoff 2024-04-15 of series 'north', and those of the "
        "others: no luck$",
    ):
        cross_validation(sales, 7, windows=2, models=["naive"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"models": []}, "models is empty"),
        ({"models": ["best"]}, "model 'best' is unknown: give ttm, ttm-finetuned"),
        ({"models": ["ttm", "ttm"]}, "model 'ttm' is given twice"),
        ({"models": ["ttm(modle=a)"]}, "takes no argument 'modle', only 'model'"),
        ({"models": ["ttm-finetuned(steps=0)"]}, "steps must be a whole number"),
        ({"models": ["naive(7)"]}, "can not be read"),
        ({"models": ["sktime.no.Thing"]}, "'sktime.no.Thing' can not be imported"),
        ({"models": ["pandas.DataFrame"]}, "is no forecaster"),
        ({"windows": 0}, "windows must be"),
        ({"step": 0}, "step must be"),
        ({"quantile_levels": [0.1, 0.1]}, "quantile_levels must differ"),
        ({"quantile_levels": [1.5]}, "1.5"),
        ({"horizon": 200}, "no series is long enough"),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(sales, options, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")) as error:
        cross_validation(sales, **{"horizon": 7, **options})
    assert "\n" not in str(error.value)


def test_a_column_that_has_the_name_of_a_model_is_refused(sales):
    with pytest.raises(TableError, match="column 'naive' has the name of a column of the result"):
        cross_validation(sales.rename(columns={"unique_id": "naive"}), 7, models=["naive"])


# Covariates


@pytest.fixture(scope="module")
def driven() -> pd.DataFrame:
    """Sales that follow a price, with the prices of a week more."""
    random, days = np.random.default_rng(0), pd.date_range("2024-01-01", periods=127)
    price = random.normal(size=(2, 127))
    parts = [
        pd.DataFrame(
            {
                "shop": name,
                "ds": days,
                "y": 20 - 3 * price[i] + 0.1 * random.normal(size=127),
                "price": price[i],
            }
        )
        for i, name in enumerate("ab")
    ]
    table = pd.concat(parts, ignore_index=True)
    table.loc[table["ds"] >= days[120], "y"] = np.nan
    return table


def test_a_future_of_covariates_is_no_window(driven):
    frame = cross_validation(driven, 7, windows=2, models=["naive"], known="price")
    assert frame["ds"].max() == pd.Timestamp("2024-04-29")
    assert frame["y"].notna().all()


def test_known_covariates_go_to_fine_tuning(driven):
    models = [LEARNS, "naive"]
    frame = cross_validation(driven, 7, windows=2, models=models, known="price")
    scores = ttm_estimators.evaluate(frame, driven, known="price").models["MASE"]
    assert scores["ttm-finetuned"] < 0.6 * scores["naive"]


def test_a_model_that_was_fine_tuned_with_covariates_finds_its_columns(driven, tmp_path):
    history = driven[driven["ds"] < "2024-04-01"]
    settings = ttm_estimators.FineTuneConfig(steps=5, learning_rate=1e-3)
    tuned = ttm_estimators.load().fine_tune_df(history, 7, known="price", settings=settings)
    tuned.save(tmp_path / "tuned")
    ours = f"ttm(model={tmp_path / 'tuned'})"
    frame = cross_validation(driven, 7, windows=1, models={"tuned": ours})
    past = driven.assign(y=driven["y"].where(driven["ds"] <= "2024-04-22"))
    past = past[past["ds"] <= "2024-04-29"]
    alone = ttm_estimators.load(tmp_path / "tuned").forecast_df(past, 7)
    np.testing.assert_allclose(frame["tuned"], alone["median"], rtol=1e-5)
    with pytest.warns(TableWarning, match="'calendar' is not used by model 'tuned'"):
        cross_validation(driven, 7, windows=1, models={"tuned": ours}, calendar=True)
    with pytest.raises(TableError, match="starts from weights that were fine-tuned"):
        cross_validation(driven, 7, models=["ttm-finetuned"], model=tmp_path / "tuned")


def test_a_calendar_stands_beside_known_covariates(driven):
    table = module.as_table(driven, "df")[0]
    panel = module.read_panel(table, module.Reading(known=["price"]))
    panel, names = module.with_calendar(panel, None)
    assert "weekday=Tue" in names
    for one in panel.series:
        assert list(one.covariates) == ["price", *names]
        assert len(one.covariates) == 127
        tuesdays = pd.date_range("2024-01-01", periods=127).day_of_week == 1
        np.testing.assert_array_equal(one.covariates["weekday=Tue"], tuesdays)


@pytest.mark.parametrize("models", ["ttm", "naive"])
def test_a_covariate_with_the_name_of_a_part_of_the_calendar_is_refused(driven, models):
    df = driven.rename(columns={"price": "weekday"})
    with pytest.raises(TableError, match="column 'weekday' has the name of a part of the calendar"):
        cross_validation(df, 7, models=models, known="weekday", calendar=True)


def test_numbers_have_no_calendar(make_series):
    df = make_series("a", pd.Index(np.arange(1900, 1960)))
    with pytest.raises(TableError, match="calendar"):
        cross_validation(df, 4, models=["naive"], calendar=True)


@pytest.mark.parametrize("calendar", [False, True])
def test_known_covariates_count_at_once_as_in_forecast_df(driven, calendar):
    options = {"known": "price", "calendar": calendar}
    frame = cross_validation(driven, 7, windows=2, models=["ttm", "naive"], **options)
    model = ttm_estimators.load()
    for cutoff, part in frame.groupby("cutoff"):
        ahead = driven[driven["ds"] <= cutoff + pd.Timedelta(days=7)].copy()
        ahead.loc[ahead["ds"] > cutoff, "y"] = np.nan
        alone = model.forecast_df(ahead, 7, **options)
        np.testing.assert_allclose(part["ttm"], alone["median"], rtol=1e-5)
        np.testing.assert_allclose(part["ttm-0.1"], alone["0.1"], rtol=1e-5)
    scores = ttm_estimators.evaluate(frame, driven, known="price").models["MASE"]
    assert scores["ttm"] < 0.5 * scores["naive"]
