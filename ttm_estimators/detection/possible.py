"""Readings that are impossible by those before them, and the range of the others.

The rule is that of a forecast, but for one thing: codes at the end of a series stay codes, however
long an outage is, until they are a quarter of its readings. A forecast has to choose a level to
start from, a detector has not (ours).

Shape suffixes: T time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ttm_estimators.inputs.arrays import Array, Mask
from ttm_estimators.inputs.outliers import CodeLimits, find_outliers


class Possible(NamedTuple):
    """What is possible at each point of a series, by the points up to it."""

    impossible_T: Mask
    """Whether the point is none."""

    lowest_T: Array
    highest_T: Array
    """Of the points before it, NaN where there are none."""


def possible(values_T: Array, reach: int, *, keep_outliers: bool) -> Possible:
    """Judge each point by the ``reach`` points that end with it."""
    count = len(values_T)
    found = Possible(np.zeros(count, dtype=bool), np.full(count, np.nan), np.full(count, np.nan))
    for t in range(count):
        latest_T = values_T[max(0, t + 1 - reach) : t + 1]
        if not keep_outliers:
            latest_T = without_codes(latest_T)
        found.impossible_T[t] = np.isnan(latest_T[-1]) and not np.isnan(values_T[t])
        if not np.isnan(latest_T[:-1]).all():
            found.lowest_T[t] = np.nanmin(latest_T[:-1])
            found.highest_T[t] = np.nanmax(latest_T[:-1])
    return found


def without_codes(values_T: Array) -> Array:
    """Make impossible readings missing, in outages of any length."""
    impossible_T = find_outliers(values_T, CodeLimits(at_end=math.inf))
    return np.where(impossible_T, np.nan, values_T) if impossible_T.any() else values_T
