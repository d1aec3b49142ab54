"""Values that a series comes to rest at, which its forecast does not pass (ours).

Night has no sun, a dry day no rain, a full tank no more room. A network that forecasts a smooth
distribution puts quantiles past such a value, where nothing has ever been.

Shape suffixes: T time, C channels.
"""

from __future__ import annotations

import numpy as np

from ttm_estimators.inputs.arrays import Array

MIN_FRACTION_AT_BOUND = 0.01
"""Least fraction of the observed points that lie exactly at a bound."""

MIN_VISITS = 3
"""Least times that a series came to its bound: a staircase that climbs is on its highest step for
long, and once."""

MIN_POINTS_AT_BOUND = 8
"""Least points at a bound."""

HISTORY_PARTS = 3
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
    low_C, high_C = np.fmin.reduce(history_TC), np.fmax.reduce(history_TC)
    columns_CT = history_TC.T
    for end_C, nowhere in ((low_C, -np.inf), (high_C, np.inf)):
        rests = [_rests(column_T, end) for column_T, end in zip(columns_CT, end_C, strict=True)]
        end_C[~np.array(rests)] = nowhere
    return low_C, high_C


def _rests(column_T: Array, end: float) -> bool:
    """Whether a channel comes to rest at one of its ends."""
    at_T = column_T == end
    points = np.count_nonzero(at_T)
    if points < MIN_POINTS_AT_BOUND:  # most channels: no more is computed of them
        return False
    at_T = at_T[~np.isnan(column_T)]
    if points < MIN_FRACTION_AT_BOUND * len(at_T):
        return False
    visits = int(at_T[0]) + int(np.count_nonzero(at_T[1:] & ~at_T[:-1]))
    return visits >= MIN_VISITS and all(part.any() for part in np.array_split(at_T, HISTORY_PARTS))
