import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.demo.backtest import LEVELS, backtest, rolling_windows
from ttm_benchmarks.demo.seasonal_naive import seasonal_naive
from ttm_benchmarks.demo.series import DemoSeries
from ttm_estimators import Forecast, load


@pytest.fixture
def monthly() -> DemoSeries:
    rng = np.random.default_rng(0)
    values = 10 + np.sin(np.arange(150) * np.pi / 6) + rng.normal(size=150)
    values[[20, 100, 145]] = np.nan
    index = pd.date_range("2001-01-01", periods=150, freq="MS")
    return DemoSeries("made", "Made", pd.Series(values, index))


class SeasonalNaiveForecaster:
    """Stands in for a model and forecasts what seasonal naive does."""

    def forecast(self, series, horizon, *, quantile_levels):
        both = [seasonal_naive(one, horizon, 12, quantile_levels) for one in series]
        return Forecast(
            np.stack([quantiles for _, quantiles in both]),
            quantile_levels,
            np.stack([point for point, _ in both]),
        )


def test_windows_follow_each_other_to_the_end_and_know_all_that_came_before():
    values = np.arange(100.0)
    histories, truth = rolling_windows(values, 7)
    assert truth.shape == (2, 7)
    for history, window in zip(histories, truth, strict=True):
        np.testing.assert_array_equal(np.concatenate([history, window]), np.arange(window[-1] + 1))
    assert truth[-1, -1] == 99


@pytest.mark.parametrize(("steps", "windows"), [(20, 1), (100, 2), (10_000, 10)])
def test_windows_are_a_fifth_of_the_series_between_one_and_ten(steps, windows):
    assert len(rolling_windows(np.arange(float(steps)), 10)[1]) == windows


def test_a_model_that_is_seasonal_naive_scores_as_it_does(monthly):
    result = backtest(monthly, SeasonalNaiveForecaster())
    assert result.model == result.naive
    assert np.isfinite(result.naive).all()


def test_a_real_model_is_scored_on_every_window(monthly, model_folder):
    result = backtest(monthly, load(model_folder))
    assert result.windows == 2
    assert result.model_WHL.shape == (2, 12, len(LEVELS))
    assert np.isfinite(result.model).all()
    assert result.model != result.naive
