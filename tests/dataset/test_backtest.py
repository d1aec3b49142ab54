import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ttm_estimators
from ttm_estimators.dataset import backtest as module

HORIZON = 7
OPTIONS = {"windows": 3, "season": 7, "quantile_levels": (0.1, 0.5, 0.9)}
MODELS = ("ttm", "seasonal_naive", "naive")


def sales(first, lengths):
    random = np.random.default_rng(first)
    return pd.concat(
        pd.DataFrame(
            {
                "id": f"s{first + i:03d}",
                "ds": pd.date_range("2024-01-01", periods=length),
                "y": random.normal(10, 3, length).round(2),
            }
        )
        for i, length in enumerate(lengths)
    )


@pytest.fixture(scope="module")
def table():
    return pd.concat([sales(0, [60] * 4), sales(4, [50, 80, 41])])


@pytest.fixture(scope="module")
def source(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "sales"
    for region, rows in (("north", table[table["id"] < "s004"]), ("south", table)):
        (folder / f"region={region}").mkdir(parents=True)
        rows = rows[rows["id"] >= "s004"] if region == "south" else rows
        rows.to_parquet(folder / f"region={region}" / "part-0.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def done(source, tmp_path_factory):
    output = tmp_path_factory.mktemp("backtest") / "out"
    return output, ttm_estimators.cross_validation_dataset(
        source, output, HORIZON, models=MODELS, **OPTIONS
    )


def test_the_rows_are_those_of_cross_validation_in_the_folders_of_the_source(table, done):
    output, _ = done
    expected = ttm_estimators.cross_validation(table, HORIZON, models=MODELS, **OPTIONS)
    found = pd.concat(
        pd.read_parquet(output / f"region={region}" / "part-0.parquet", partitioning=None)
        for region in ("north", "south")
    )
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected, check_dtype=False, rtol=1e-5, atol=1e-5
    )


def test_the_scores_of_all_series_are_those_of_evaluate(table, done):
    _, result = done
    frame = ttm_estimators.cross_validation(table, HORIZON, models=MODELS, **OPTIONS)
    expected = ttm_estimators.evaluate(frame, table, season=7)
    pd.testing.assert_frame_equal(result.models, expected.models, rtol=1e-5)
    assert result.advice == expected.advice
    assert list(result.worst.index) == list(expected.worst.index)
    assert str(result) == str(expected)
    assert result.manifest["series"].sum() == 7


def test_a_reader_of_the_folder_sees_forecasts_and_one_of_scores_sees_scores(done):
    output, _ = done
    assert "ttm-0.1" in pd.read_parquet(output)
    scores = pd.read_parquet(output / "_scores")
    assert scores.groupby("model").size().to_dict() == dict.fromkeys(MODELS, 7)
    assert scores["rows"].eq(3 * HORIZON).all()


def test_a_second_run_forecasts_nothing_and_says_the_same(source, done, monkeypatch):
    output, result = done

    def fail(*_):
        raise AssertionError("a file was forecast again")

    monkeypatch.setattr(module.Backtest, "__call__", fail)
    again = ttm_estimators.cross_validation_dataset(
        source, output, HORIZON, models=MODELS, **OPTIONS
    )
    assert str(again) == str(result)


def test_scores_that_are_lost_are_told_of(source, tmp_path):
    output = tmp_path / "out"

    def run():
        return str(
            ttm_estimators.cross_validation_dataset(
                source, output, HORIZON, models="naive,seasonal_naive", **OPTIONS
            )
        )

    first = run()
    (output / "_scores" / "region=south" / "part-0.parquet").unlink()
    with pytest.raises(ttm_estimators.TableError, match=r"_scores.*missing: remove .*south"):
        run()
    (output / "region=south" / "part-0.parquet").unlink()
    assert run() == first


def test_other_windows_are_not_mixed_with_those_of_the_folder(source, done):
    output, _ = done
    with pytest.raises(ttm_estimators.TableError, match="windows"):
        ttm_estimators.cross_validation_dataset(
            source, output, HORIZON, models=MODELS, **{**OPTIONS, "windows": 2}
        )


@pytest.mark.parametrize(
    "name", ["ttm-finetuned", "gluonts.torch.model.patch_tst.PatchTSTEstimator(patch_len=4)"]
)
def test_models_that_are_trained_on_all_series_are_refused(source, tmp_path, name):
    if name.startswith("gluonts"):
        pytest.importorskip("gluonts")
    with pytest.raises(ValueError, match=r"trained on all series.*give the weights as model="):
        ttm_estimators.cross_validation_dataset(
            source, tmp_path / "out", HORIZON, models=[name, "naive"]
        )
    assert not (tmp_path / "out").exists()


def test_series_that_lack_windows_or_a_scale_are_counted(tmp_path):
    df = sales(0, [60, 20, 5, 60])
    df.loc[df["id"] == "s003", "y"] = 0.0
    df.to_parquet(tmp_path / "in.parquet", index=False)
    told = (
        "of 4 series: 1 too short for any window, 1 too short for some of 3 windows, 1 without "
        "MASE, as values did not change before a cutoff"
    )
    with pytest.warns(ttm_estimators.TableWarning, match=told):
        result = ttm_estimators.cross_validation_dataset(
            tmp_path / "in.parquet", tmp_path / "out", HORIZON, models="naive", **OPTIONS
        )
    assert result.models.loc["naive", "MASE"] > 0


def test_covariates_that_are_known_count(tmp_path):
    df = sales(0, [80] * 3)
    df["price"] = np.random.default_rng(9).normal(size=len(df))
    df["y"] += 5 * df["price"]
    df.to_parquet(tmp_path / "in.parquet", index=False)
    with_price, without = (
        ttm_estimators.cross_validation_dataset(
            tmp_path / "in.parquet",
            tmp_path / str(known),
            HORIZON,
            models="ttm",
            value="y",
            known=known,
            **OPTIONS,
        ).models.loc["ttm", "MASE"]
        for known in ("price", None)
    )
    assert with_price < 0.8 * without


def test_a_file_is_cut_only_where_series_share_no_coefficients(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_UNIT_ROWS", 150)
    table = pa.Table.from_pandas(sales(0, [80] * 4))
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=80)
    counts = [
        len(
            ttm_estimators.cross_validation_dataset(
                tmp_path / "in.parquet",
                tmp_path / str(calendar),
                HORIZON,
                models="ttm",
                calendar=calendar,
                **OPTIONS,
            ).manifest
        )
        for calendar in (False, True)
    ]
    assert counts == [2, 1]


def test_backtests_by_other_holidays_of_an_offset_are_not_mixed(tmp_path):
    df = sales(0, [60])
    df["ds"] = pd.bdate_range("2024-01-01", periods=60)
    df.to_parquet(tmp_path / "in.parquet", index=False)

    def run(day):
        freq = pd.offsets.CustomBusinessDay(holidays=[day])
        ttm_estimators.cross_validation_dataset(
            tmp_path / "in.parquet", tmp_path / "out", 3, models="naive", freq=freq, **OPTIONS
        )

    run("2024-12-25")
    with pytest.raises(ttm_estimators.TableError, match=r"freq='C holidays=2024-12-25 "):
        run("2024-12-26")


@pytest.mark.parametrize("keep", [False, True])
def test_impossible_readings_are_those_of_cross_validation(tmp_path, keep):
    broken = sales(0, [60, 60])
    broken["y"] = np.where(np.isin(np.arange(120), [30, 115]), -999, broken["y"])
    (tmp_path / "in").mkdir()
    broken.to_parquet(tmp_path / "in" / "a.parquet", index=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = ttm_estimators.cross_validation_dataset(
            tmp_path / "in", tmp_path / "out", HORIZON, models=MODELS, keep_outliers=keep, **OPTIONS
        )
        frame = ttm_estimators.cross_validation(
            broken, HORIZON, models=MODELS, keep_outliers=keep, **OPTIONS
        )
    expected = ttm_estimators.evaluate(frame, broken, season=7, keep_outliers=keep)
    pd.testing.assert_frame_equal(result.models, expected.models, rtol=1e-5)
    said = [str(one.message) for one in told if "impossible" in str(one.message)]
    assert len(said) == (0 if keep else 2)
    assert all("2 readings" in one and "1 in what is forecast" in one for one in said)
