"""A rolling backtest of one series.

Shape suffixes: N windows, H horizon, Q quantile levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_benchmarks.demo.metrics import mase, seasonal_error, weighted_quantile_loss
from ttm_benchmarks.demo.series import DemoSeries
from ttm_estimators import Forecaster
from ttm_estimators.backtest.seasonal_naive import seasonal_naive
from ttm_estimators.network.presets import DECILES

Array = npt.NDArray[np.float64]

MAX_WINDOWS = 10


class Scores(NamedTuple):
    """Errors over all windows, less is better."""

    mase: float
    wql: float


@dataclass(frozen=True)
class Backtest:
    """Forecasts of the windows at the end of a series, and their scores."""

    series: DemoSeries
    cutoffs: list[int]
    """Where each window's history ends."""

    model_NHQ: Array
    naive_NH: Array
    model: Scores
    naive: Scores

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.naive_NH)


def rolling_cutoffs(steps: int, horizon: int) -> list[int]:
    """Ends of the histories: ten, evenly spaced over the last fifth of the series.

    Windows of a short series overlap, and a series of few steps has fewer than ten. The last window
    ends with the series.
    """
    latest = steps - horizon
    earliest = min(latest, steps - steps // 5)
    return sorted({round(cutoff) for cutoff in np.linspace(earliest, latest, MAX_WINDOWS)})


def backtest(series: DemoSeries, forecaster: Forecaster) -> Backtest:
    """Forecast every window from all that came before it, with the model and seasonal naive."""
    values = np.asarray(series.values, dtype=np.float64)
    cutoffs = rolling_cutoffs(len(values), series.horizon)
    histories = [values[:cutoff] for cutoff in cutoffs]
    truth_NH = np.stack([values[cutoff : cutoff + series.horizon] for cutoff in cutoffs])
    forecast = forecaster.forecast(histories, series.horizon, quantile_levels=DECILES)
    naive = [seasonal_naive(one, series.horizon, series.season, DECILES) for one in histories]
    naive_NH = np.stack([point for point, _ in naive])
    naive_NHQ = np.stack([quantiles for _, quantiles in naive])
    scale_N = np.array([seasonal_error(history, series.season) for history in histories])
    return Backtest(
        series,
        cutoffs,
        forecast.quantiles,
        naive_NH,
        model=Scores(
            mase(truth_NH, forecast.point, scale_N),
            weighted_quantile_loss(truth_NH, forecast.quantiles, DECILES),
        ),
        naive=Scores(
            mase(truth_NH, naive_NH, scale_N),
            weighted_quantile_loss(truth_NH, naive_NHQ, DECILES),
        ),
    )
