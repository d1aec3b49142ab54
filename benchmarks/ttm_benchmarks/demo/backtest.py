"""A rolling backtest of one series.

Shape suffixes: W windows, H horizon, L quantile levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_benchmarks.demo.metrics import mase, seasonal_error, weighted_quantile_loss
from ttm_benchmarks.demo.seasonal_naive import seasonal_naive
from ttm_benchmarks.demo.series import DemoSeries
from ttm_estimators import Forecaster

Array = npt.NDArray[np.float64]

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_WINDOWS = 10


class Scores(NamedTuple):
    """Errors over all windows, less is better."""

    mase: float
    wql: float


@dataclass(frozen=True)
class Backtest:
    """Forecasts of the windows at the end of a series, and their scores."""

    series: DemoSeries
    model_WHL: Array
    naive_WH: Array
    model: Scores
    naive: Scores

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.naive_WH)


def rolling_windows(values: Array, horizon: int) -> tuple[list[Array], Array]:
    """Cut non-overlapping windows from the end: a fifth of the series, ten windows at most.

    Returns
    -------
    tuple
        The history before each window, and the windows of shape (W, H), oldest first.
    """
    count = min(MOST_WINDOWS, max(1, len(values) // (5 * horizon)))
    cutoffs = [len(values) - i * horizon for i in range(count, 0, -1)]
    return [values[:cutoff] for cutoff in cutoffs], values[cutoffs[0] :].reshape(count, horizon)


def backtest(series: DemoSeries, forecaster: Forecaster) -> Backtest:
    """Forecast every window from all that came before it, with the model and seasonal naive."""
    values = np.asarray(series.values, dtype=np.float64)
    histories, truth_WH = rolling_windows(values, series.horizon)
    forecast = forecaster.forecast(histories, series.horizon, quantile_levels=LEVELS)
    naive = [seasonal_naive(one, series.horizon, series.season, LEVELS) for one in histories]
    naive_WH = np.stack([point for point, _ in naive])
    naive_WHL = np.stack([quantiles for _, quantiles in naive])
    scale_W = np.array([seasonal_error(history, series.season) for history in histories])
    return Backtest(
        series,
        forecast.quantiles,
        naive_WH,
        model=Scores(
            mase(truth_WH, forecast.point, scale_W),
            weighted_quantile_loss(truth_WH, forecast.quantiles, LEVELS),
        ),
        naive=Scores(
            mase(truth_WH, naive_WH, scale_W),
            weighted_quantile_loss(truth_WH, naive_WHL, LEVELS),
        ),
    )
