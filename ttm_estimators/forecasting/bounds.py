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

POINTS = 8
"""Least points at a bound."""

PARTS = 3
"""A series was at its bound in each of so many parts of its history: one that rises, or wanders
from one rounded value to the next, was not."""


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
    channels = [column_T[~np.isnan(column_T)] for column_T in history_TC.T]
    low_C = np.array([_lowest(values_T) for values_T in channels])
    high_C = -np.array([_lowest(-values_T) for values_T in channels])
    return low_C, high_C


def _lowest(values_T: Array) -> float:
    """The lowest of some values if it is a bound, else minus infinity."""
    lowest = values_T.min(initial=np.inf)
    at_T = values_T == lowest
    points = np.count_nonzero(at_T)
    if points < POINTS or points < SHARE * len(at_T):
        return -np.inf
    visits = int(at_T[0]) + np.count_nonzero(at_T[1:] & ~at_T[:-1])
    lasting = all(part.any() for part in np.array_split(at_T, PARTS))
    return float(lowest) if visits >= VISITS and lasting else -np.inf
