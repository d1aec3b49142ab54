"""Seasonal naive forecasts with quantiles, and the season of a frequency."""

from __future__ import annotations

from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_estimators.tables.steps import Step, is_even
from ttm_estimators.tables.timetable import Timetable

Array = npt.NDArray[np.float64]

SEASONS = {"s": 3600, "min": 1440, "h": 24, "D": 7, "B": 5, "W": 52, "SM": 24, "M": 12, "Q": 4}
SEASONS |= dict.fromkeys(("WOM", "LWOM"), 12)
"""Steps in a season of each frequency: an hour of seconds, a day of minutes and hours, a week of
days, a year of all longer ones, as in statsmodels' ``freq_to_period``."""


def season_of(step: Step) -> int:
    """Steps in a season, 1 where a frequency has none.

    Those of several units have the season of one where it divides: 48 half hours.
    """
    if isinstance(step, int):
        return 1
    if isinstance(step, Timetable):
        return len(step.slots)
    if is_even(step):
        size = Fraction(step.nanos, 10**9)
        for unit, seconds in (("D", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
            if size >= seconds:
                return _whole(SEASONS[unit] * seconds / size)
        return 1
    months = step.kwds.get("months") or getattr(step, "months", 0)
    if months:
        return _whole(Fraction(12, int(months)))
    unit = step.base.freqstr.split("-")[0].removeprefix("B").rstrip("SE") or "B"
    if unit == "C":
        return len(str(getattr(step, "weekmask", "")).split()) or SEASONS["B"]
    return _whole(Fraction(SEASONS.get(unit, 1), step.n))


def _whole(steps: Fraction) -> int:
    return int(steps) if steps.denominator == 1 and steps >= 1 else 1


def naive_forecast(history: Array, horizon: int, season: int, levels: tuple[float, ...]) -> Array:
    """Median and quantiles of :func:`seasonal_naive`, whatever the history.

    A history that is too short for its season, or lacks values, gets those of season 1.

    Parameters
    ----------
    history : array
        Shape (time,), NaN where missing. At least two values are observed.
    horizon, season : int
        Steps to forecast and steps in a season.
    levels : tuple of float
        Quantile levels.

    Returns
    -------
    array
        Shape (horizon, 1 + levels).
    """
    filled: Any = pd.Series(history).ffill().dropna().to_numpy()
    for values, length in ((history, season), (history, 1), (filled, 1)):
        try:
            point, quantiles = seasonal_naive(values, horizon, length, levels)
        except ValueError:
            continue
        return np.column_stack([point, quantiles])
    raise ValueError("a naive forecast needs two observed values")


def seasonal_naive(
    history: Array, horizon: int, season: int, levels: tuple[float, ...]
) -> tuple[Array, Array]:
    """Repeat the last season, with normal bands.

    The point forecast is the latest observed value of the same step of the season. The forecast
    distribution is normal around it. Its standard deviation is the root mean square of the
    history's seasonal differences times the square root of the number of seasons ahead, as for a
    seasonal random walk.

    Parameters
    ----------
    history : array
        Shape (time,), NaN where missing.
    horizon, season : int
        Steps to forecast and steps in a season.
    levels : tuple of float
        Quantile levels.

    Returns
    -------
    tuple of array
        Point forecast of shape (horizon,) and quantiles of shape (horizon, levels).

    Raises
    ------
    ValueError
        When some step of the season was never observed, or no two values are one season apart.
    """
    padding = -len(history) % season
    seasons = np.concatenate([np.full(padding, np.nan), history]).reshape(-1, season)
    latest = pd.DataFrame(seasons).ffill().to_numpy()[-1]
    differences = history[season:] - history[:-season]
    if np.isnan(latest).any() or np.isnan(differences).all():
        raise ValueError(
            f"a history of {len(history)} steps has too few observed values for a seasonal naive "
            f"forecast of season {season}: give a longer one"
        )
    steps = np.arange(horizon)
    point = latest[steps % season]
    scores = np.array([NormalDist().inv_cdf(level) for level in levels])
    deviation = np.sqrt(np.nanmean(differences**2) * (steps // season + 1))
    return point, point[:, None] + deviation[:, None] * scores
