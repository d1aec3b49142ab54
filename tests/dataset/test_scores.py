import numpy as np
import pandas as pd
import pytest

import ttm_estimators
from ttm_estimators.backtest.comparison import student_quantile
from ttm_estimators.backtest.evaluation import Scores
from ttm_estimators.dataset.scores import Moments, Totals, series_scores
from ttm_estimators.tables.dataframes import as_table
from ttm_estimators.tables.panel import read_panel

MODELS = ["naive", "seasonal_naive"]
LEVELS = (0.1, 0.5, 0.9)


@pytest.fixture(scope="module")
def backtest():
    """A table where a series did not move and one lacks windows, and its forecasts."""
    random = np.random.default_rng(0)
    lengths = [40, 60, 60, 20, 60]
    df = pd.concat(
        pd.DataFrame(
            {
                "id": f"s{i}",
                "ds": pd.date_range("2024-01-01", periods=length),
                "y": 0.0 if i == 2 else random.normal(10, 3, length).cumsum(),
            }
        )
        for i, length in enumerate(lengths)
    )
    with pytest.warns(ttm_estimators.TableWarning, match="'s3' in 1"):
        frame = ttm_estimators.cross_validation(
            df, 7, windows=3, models=MODELS, season=7, quantile_levels=LEVELS
        )
    return df, frame


@pytest.fixture(scope="module")
def table(backtest):
    df, frame = backtest
    return series_scores(frame, read_panel(as_table(df, "df")[0]), 7)


@pytest.fixture(scope="module")
def evaluation(backtest):
    df, frame = backtest
    with pytest.warns(ttm_estimators.TableWarning, match="'s2' did not change"):
        return ttm_estimators.evaluate(frame, df, season=7)


def totals_of(table, batch):
    totals = Totals(MODELS, "seasonal_naive")
    for first in range(0, len(table), batch):
        totals.add(table[first : first + batch], 3)
    return totals


def test_the_scores_of_series_are_those_of_evaluate(table, evaluation):
    columns = ["series", "model", "windows", "MASE", "WQL", "coverage", "bias"]
    expected = evaluation.series[columns].sort_values(["series", "model"], ignore_index=True)
    pd.testing.assert_frame_equal(
        table[columns].sort_values(["series", "model"], ignore_index=True), expected
    )


@pytest.mark.parametrize("batch", [2, 4, 100])
def test_totals_are_those_of_evaluate_however_the_series_come(table, evaluation, batch):
    totals = totals_of(table, batch)
    found = Scores(**totals.scores(LEVELS))
    pd.testing.assert_frame_equal(found.models, evaluation.models)
    assert found.advice == evaluation.advice
    assert found.band == evaluation.band
    assert found.best == evaluation.best
    assert list(found.worst.index) == list(evaluation.worst.index)
    np.testing.assert_allclose(found.worst["MASE"], evaluation.worst["MASE"])
    (one,), (other,) = found.comparisons, evaluation.comparisons
    assert (one.model, one.other, one.blocks, one.of) == (other.model, other.other, 4, "series")
    np.testing.assert_allclose([one.ratio, one.low, one.high], [other.ratio, other.low, other.high])


def test_totals_count_series_that_lack_windows_or_a_scale(table):
    totals = totals_of(table, 4)
    assert (totals.series, totals.left_out, totals.short, totals.still) == (5, 0, 1, 1)


def test_a_series_without_any_window_has_a_row_and_no_weight(backtest, table):
    df, frame = backtest
    short = df[df["id"] == "s0"].tail(3).assign(id="s9")
    panel = read_panel(as_table(pd.concat([df, short]), "df")[0])
    more = series_scores(frame, panel, 7)
    assert more["windows"].tail(2).tolist() == [0, 0]
    pd.testing.assert_frame_equal(more[:-2], table)
    totals = totals_of(more, 4)
    assert (totals.series, totals.left_out, totals.short, totals.still) == (6, 1, 1, 1)
    few = Scores(**totals_of(table, 4).scores(LEVELS))
    found = Scores(**totals.scores(LEVELS))
    pd.testing.assert_frame_equal(found.models, few.models)
    assert found.comparisons == few.comparisons


def test_totals_hold_no_more_of_many_series_than_of_few(table):
    many = totals_of(pd.concat([table] * 50, ignore_index=True), 100)
    assert many.series == 250
    assert all(len(rows) == 5 for rows in many._worst.values())
    few = Scores(**totals_of(table, 100).scores(LEVELS))
    pd.testing.assert_frame_equal(Scores(**many.scores(LEVELS)).models, few.models)


def test_moments_leave_nan_out_and_have_no_error_of_one_number():
    moments = Moments()
    moments.add(np.array([[1.0, np.nan], [3.0, np.nan]]))
    moments.add(np.array([[5.0, 2.0]]))
    np.testing.assert_array_equal(moments.mean, [3.0, 2.0])
    np.testing.assert_allclose(moments.standard_error, [np.std([1, 3, 5], ddof=1) / 3**0.5, np.nan])


def test_the_t_distribution_of_a_billion_series_is_normal():
    assert student_quantile(0.975, 10**9 - 1) == pytest.approx(1.959964, abs=1e-4)
