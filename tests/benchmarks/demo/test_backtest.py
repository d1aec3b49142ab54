import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.demo.backtest import backtest, rolling_cutoffs
from ttm_benchmarks.demo.series import DemoSeries
from ttm_estimators import Forecast, load
from ttm_estimators.backtest.seasonal_naive import seasonal_naive
from ttm_estimators.network.presets import DECILES


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


@pytest.mark.parametrize(("steps", "windows"), [(10, 1), (13, 1), (100, 10), (10_000, 10)])
def test_windows_are_spread_over_the_last_fifth_and_end_with_the_series(steps, windows):
    cutoffs = rolling_cutoffs(steps, 8)
    assert len(cutoffs) == windows
    assert cutoffs[-1] == steps - 8
    assert cutoffs[0] == min(steps - 8, steps - steps // 5)
    assert np.ptp(np.diff(cutoffs)) <= 1 if windows > 1 else True


def test_a_model_that_is_seasonal_naive_scores_as_it_does(monthly):
    result = backtest(monthly, SeasonalNaiveForecaster())
    assert result.model == result.naive
    assert np.isfinite(result.naive).all()


def test_a_real_model_is_scored_on_every_window(monthly, model_folder):
    result = backtest(monthly, load(model_folder))
    assert result.model_NHQ.shape == (result.windows, 12, len(DECILES))
    assert np.isfinite(result.model).all()
    assert result.model != result.naive
