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
    low_C = np.array([_lowest(column_T) for column_T in history_TC.T])
    high_C = -np.array([_lowest(column_T) for column_T in -history_TC.T])
    return low_C, high_C


def _lowest(values_T: Array) -> float:
    """The lowest value if it is a bound, else minus infinity."""
    values_T = values_T[~np.isnan(values_T)]
    if not len(values_T):
        return -np.inf
    at_T = values_T == values_T.min()
    visits = int(at_T[0]) + np.count_nonzero(at_T[1:] & ~at_T[:-1])
    enough = at_T.sum() >= max(POINTS, SHARE * len(at_T)) and visits >= VISITS
    return float(values_T.min()) if enough else -np.inf
