import numpy as np
import pandas as pd
import pytest

from ttm_estimators import TableError, TableWarning, cross_validation, evaluate
from ttm_estimators.backtest.scores import seasonal_error

LEVELS = [0.1, 0.5, 0.9]


@pytest.fixture(scope="module")
def frame(sales) -> pd.DataFrame:
    return cross_validation(sales, 7, windows=3, quantile_levels=LEVELS)


def test_scores_are_those_of_their_definitions(frame, sales):
    scores = evaluate(frame, sales).series.set_index(["series", "model"])
    part = frame[frame["unique_id"] == "south"]
    errors, size = [], part["y"].abs().sum()
    for cutoff, window in part.groupby("cutoff"):
        past = sales[(sales["unique_id"] == "south") & (sales["ds"] <= cutoff)]["y"].to_numpy()
        scale = np.abs(past[7:] - past[:-7]).mean()
        errors += [*(window["ttm"] - window["y"]).abs() / scale]
    loss = np.mean(
        [
            2 * np.maximum(q * (part["y"] - f), (q - 1) * (part["y"] - f)).sum() / size
            for q in LEVELS
            for f in [part[f"ttm-{q}"]]
        ]
    )
    row = scores.loc["south", "ttm"]
    assert row["MASE"] == pytest.approx(np.mean(errors))
    assert row["WQL"] == pytest.approx(loss)
    assert row["coverage"] == part["y"].between(part["ttm-0.1"], part["ttm-0.9"]).mean()
    assert row["bias"] == pytest.approx((part["ttm"] - part["y"]).sum() / size)
    assert row["windows"] == 3


@pytest.mark.parametrize(
    ("levels", "low", "high", "name"),
    [([0.05, 0.1, 0.5, 0.9], 0.1, 0.9, "80 %"), ([0.05, 0.5, 0.9], 0.05, 0.9, "85 %")],
)
def test_coverage_is_of_symmetric_levels_or_of_the_outermost(sales, levels, low, high, name):
    frame = cross_validation(sales, 7, windows=2, quantile_levels=levels)
    result = evaluate(frame, sales)
    inside = frame["y"].between(frame[f"ttm-{low}"], frame[f"ttm-{high}"])
    expected = inside.groupby(frame["unique_id"]).mean().mean()
    assert result.models.loc["ttm", "coverage"] == pytest.approx(expected)
    assert f"coverage of {name}" in str(result)


def test_scores_over_all_are_means_and_geometric_means_of_ratios(frame, sales):
    result = evaluate(frame, sales)
    each = result.series.pivot(index="series", columns="model", values="MASE")
    row = result.models.loc["ttm"]
    assert row["MASE"] == pytest.approx(each["ttm"].mean())
    ratios = each["ttm"] / each["seasonal_naive"]
    assert row["relative MASE"] == pytest.approx(np.exp(np.log(ratios).mean()))
    assert result.models.loc["seasonal_naive", "relative WQL"] == 1
    other = evaluate(frame, sales, baseline="naive")
    assert other.models.loc["naive", "relative MASE"] == 1
    assert result.best == result.models.index[0] == "ttm"
    assert "Relative to naive: " in str(other)


def test_gluonts_agrees_on_mase_and_weighted_quantile_loss(frame, sales):
    pytest.importorskip("gluonts")
    from gluonts.dataset.common import ListDataset
    from gluonts.dataset.split import split
    from gluonts.ev.metrics import MASE, MeanWeightedSumQuantileLoss
    from gluonts.model import evaluate_model
    from gluonts.model.seasonal_naive import SeasonalNaivePredictor

    rows = [
        {"item_id": name, "start": part["ds"].iloc[0], "target": part["y"].to_numpy()}
        for name, part in sales.groupby("unique_id", sort=False)
    ]
    data = ListDataset(rows, freq="D", one_dim_target=True)
    _, template = split(data, offset=-21)
    wanted = [MASE(), MeanWeightedSumQuantileLoss(LEVELS)]
    predictor = SeasonalNaivePredictor(prediction_length=7, season_length=7)
    theirs = evaluate_model(
        model=predictor,
        test_data=template.generate_instances(7, windows=3),
        metrics=wanted,
        seasonality=7,
        axis=None,
    )
    point = frame[["unique_id", "cutoff", "ds", "y", "seasonal_naive"]]
    ours = evaluate(
        point.assign(**{f"seasonal_naive-{q}": point["seasonal_naive"] for q in LEVELS}), sales
    )
    row = ours.models.loc["seasonal_naive"]
    assert row["MASE"] == pytest.approx(theirs["MASE[0.5]"].iloc[0], rel=1e-4)
    assert row["WQL"] == pytest.approx(theirs["mean_weighted_sum_quantile_loss"].iloc[0], rel=1e-4)


def test_the_worst_series_are_named(sales):
    wild = sales.copy()
    last = (wild["unique_id"] == "south") & (wild["ds"] > "2024-03-25")
    wild.loc[last, "y"] += 40
    result = evaluate(cross_validation(wild, 7, windows=2, models=["ttm", "naive"]), wild)
    assert result.worst.index[0] == "south"
    assert "Worst series of " in str(result)
    assert "by MASE: 'south' (" in str(result)


def test_a_single_series_is_not_named_as_the_worst(sales):
    alone = sales[sales["unique_id"] == "north"]
    result = evaluate(cross_validation(alone, 7, windows=2, models=["naive"]), alone)
    assert len(result.worst) == 1
    assert "Worst series" not in str(result)


def test_it_shows_itself_in_one_line(frame, sales):
    shown = repr(evaluate(frame, sales))
    assert "\n" not in shown
    assert "baseline='seasonal_naive'" in shown


@pytest.mark.parametrize(
    ("horizon", "windows", "said"),
    [
        (4, 2, "too few windows: give --windows 10 or more"),
        (10, 4, "too few windows: give --windows 5, which is all that the histories allow"),
        (
            7,
            40,
            "too few windows, and the histories allow no more than 8: give more history, or a ",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::ttm_estimators.TableWarning")
def test_where_windows_are_too_few_the_sentence_asks_for_what_there_may_be(horizon, windows, said):
    values = np.random.default_rng(3).standard_cauchy(60)  # no model is sure to be better
    wild = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60), "y": values})
    models = ["seasonal_naive", "naive"]
    frame = cross_validation(wild, horizon, windows=windows, models=models, keep_outliers=True)
    assert said in evaluate(frame, wild, keep_outliers=True).advice


def test_a_series_that_did_not_move_has_no_mase_and_is_told(sales):
    still = pd.concat([sales, sales.iloc[:60].assign(unique_id="still", y=3.0)])
    frame = cross_validation(still, 7, windows=2, models=["naive", "seasonal_naive"])
    with pytest.warns(TableWarning, match="'still' did not change before a cutoff"):
        result = evaluate(frame, still)
    rows = result.series[result.series["series"] == "still"]
    assert rows["MASE"].isna().all()
    assert (rows["WQL"] == 0).all()
    assert result.models["MASE"].notna().all()


@pytest.mark.parametrize(("history", "season"), [([1.0, 3, 1, 3, 1], 2), ([1.0, 3, 5], 7)])
def test_the_scale_is_of_neighbours_where_a_season_tells_nothing(history, season):
    assert seasonal_error(np.array(history), season) == 2


def test_a_table_that_never_moves_is_told_to_have_no_answer(make_series):
    still = make_series("a", pd.date_range("2024-01-01", periods=60)).assign(y=3.0)
    frame = cross_validation(still, 7, windows=2, models=["naive", "seasonal_naive"])
    with pytest.warns(TableWarning, match="did not change"):
        result = evaluate(frame, still)
    assert "no series changed before its cutoffs" in result.advice


def test_blocks_are_series_or_windows_where_these_are_more(frame, sales, make_series):
    (first, *_) = evaluate(frame, sales).comparisons
    assert (first.blocks, first.of) == (3, "series")
    alone = sales[sales["unique_id"] == "north"].drop(columns="unique_id")
    apart = evaluate(cross_validation(alone, 7, windows=4), alone).comparisons[0]
    assert (apart.blocks, apart.of) == (4, "windows")
    overlapping = evaluate(cross_validation(alone, 7, windows=8, step=1), alone).comparisons[0]
    assert (overlapping.blocks, overlapping.of) == (2, "windows")


def test_the_order_of_rows_does_not_count(frame, sales):
    report_content = pytest.importorskip("ttm_estimators.backtest.report").report_content
    shuffled = evaluate(frame.sample(frac=1, random_state=0), sales)
    pd.testing.assert_frame_equal(shuffled.models, evaluate(frame, sales).models)
    pictures = [
        [one["columns"] for one in report_content(each, "")["examples"]]
        for each in (evaluate(frame, sales), shuffled)
    ]
    assert pictures[0] == pictures[1]


def test_forecasts_of_others_are_scored_in_a_column_of_their_own(frame, sales):
    added = frame.assign(perfect=frame["y"])
    result = evaluate(added, sales)
    assert result.best == "perfect"
    assert result.models.loc["perfect", "MASE"] == 0
    assert result.advice.startswith("Use perfect")


def test_a_frame_that_was_written_and_read_is_scored_alike(frame, sales, tmp_path):
    frame.to_csv(tmp_path / "frame.csv", index=False)
    again = evaluate(pd.read_csv(tmp_path / "frame.csv"), sales)
    pd.testing.assert_frame_equal(again.models, evaluate(frame, sales).models)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="cutoff"), "frame has no column 'cutoff'"),
        (lambda frame: frame.head(0), "frame has no rows"),
        (
            lambda frame: frame.drop(index=[2]),
            "frame has 6 of 7 steps of series 'north' at the cutoff 2024-04-08",
        ),
        (
            lambda frame: pd.concat([frame, frame.tail(1)]),
            "frame has 7 of 7 steps of series 'new' at the cutoff 2024-04-22 .*, in 8 rows",
        ),
        (lambda frame: frame.iloc[:, :4], "no column with forecasts"),
        (lambda frame: frame.assign(unique_id="other"), "frame has series 'other'"),
        (
            lambda frame: frame.assign(cutoff=pd.Timestamp("2020-01-01")),
            "has the cutoff 2020-01-01",
        ),
        (lambda frame: frame.assign(ds=pd.Timestamp("2020-01-01")), "has 2020-01-01 .* 'north'"),
        (lambda frame: frame.assign(ttm=np.nan), "model 'ttm' has no forecast of"),
        (lambda frame: frame.drop(columns="ttm-0.9"), "model 'ttm' has other quantile levels"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(frame, sales, change, said):
    with pytest.raises(TableError, match=said):
        evaluate(change(frame), sales)


def test_a_baseline_that_is_not_there_is_refused(frame, sales):
    with pytest.raises(TableError, match="no model 'best' to compare with, only 'ttm'"):
        evaluate(frame, sales, baseline="best")


@pytest.mark.parametrize("row", [90, 110, 117])  # before all windows, before some, in the last
@pytest.mark.filterwarnings("ignore::ttm_estimators.OutlierWarning")
def test_an_impossible_reading_is_scored_as_a_missing_one_for_all_models(sales, row):
    scores = []
    for value in (-999, np.nan):
        df = sales.copy()
        df.loc[row, "y"] = value
        frame = cross_validation(df, 7, windows=3, quantile_levels=LEVELS)
        scores.append(evaluate(frame, df))
    pd.testing.assert_frame_equal(scores[0].models, scores[1].models)
    pd.testing.assert_frame_equal(scores[0].series, scores[1].series)


@pytest.mark.filterwarnings("ignore::ttm_estimators.OutlierWarning")
def test_impossible_readings_count_where_they_are_kept(sales):
    df = sales.copy()
    df.loc[[90, 117], "y"] = -999
    kept = {"keep_outliers": True}
    frame = cross_validation(df, 7, windows=3, models="naive", **kept)
    assert (frame["y"] == -999).sum() == 1
    result = evaluate(frame, df, **kept).series.set_index("series").loc["north"]
    other = evaluate(cross_validation(df, 7, windows=3, models="naive"), df)
    other = other.series.set_index("series").loc["north"]
    assert abs(result["bias"]) > 2 * abs(other["bias"])
    scale_of_all = evaluate(frame, df).series.set_index("series").loc["north"]
    assert result["MASE"] < scale_of_all["MASE"] / 2
