"""Values that a series comes to rest at, which its forecast does not pass (ours).

Night has no sun, a dry day no rain, a full tank no more room. A network that forecasts a smooth
distribution puts quantiles past such a value, where nothing has ever been.

Shape suffixes: T time, C channels.
"""

from __future__ import annotations

import numpy as np

from ttm_estimators.forecasting.series import Array

SHARE = 0.01
"""Least share of the observed points that lie exactly at a bound."""

VISITS = 3
"""Least times that a series came to its bound: a staircase that climbs is on its highest step for
long, and once."""

POINTS = 4
"""Least points at a bound."""


def find_bounds(history_TC: Array) -> tuple[Array, Array]:
    """Find the lowest and highest values of channels that they come to rest at.

    Parameters
    ----------
    history_TC : array
        History, NaN where missing.

    Returns
    -------
    low_C, high_C : array
        The bounds, minus and plus infinity where there is none.
    """
    channels = np.ascontiguousarray(history_TC.T)
    low_C = np.array([_lowest(values_T) for values_T in channels])
    high_C = -np.array([_lowest(values_T) for values_T in -channels])
    return low_C, high_C


def _lowest(values_T: Array) -> float:
    """The lowest value if it is a bound, else minus infinity."""
    lowest = np.fmin.reduce(values_T)
    at_T = values_T == lowest
    points = np.count_nonzero(at_T)
    if points < POINTS or points < SHARE * np.count_nonzero(~np.isnan(values_T)):
        return -np.inf
    visits = int(at_T[0]) + np.count_nonzero(at_T[1:] & ~at_T[:-1])
    return float(lowest) if visits >= VISITS else -np.inf
