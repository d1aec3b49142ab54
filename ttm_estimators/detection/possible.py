"""Readings that are impossible by those before them, and the range of the others.

The rule is that of a forecast, but for one thing: codes at the end of a series stay codes, however
long an outage is, until they are a quarter of its readings. A forecast has to choose a level to
start from, a detector has not (ours).

Shape suffixes: T time.
"""

from __future__ import annotations

import math

import numpy as np

from ttm_estimators.inputs.arrays import Array, Mask
from ttm_estimators.inputs.outliers import CodeLimits, find_outliers, may_be_code


def without_codes(values_T: Array) -> Array:
    """Make impossible readings missing, in outages of any length."""
    impossible_T = find_outliers(values_T, CodeLimits(at_end=math.inf))
    return np.where(impossible_T, np.nan, values_T) if impossible_T.any() else values_T


def impossible_points(values_T: Array, reach: int) -> Mask:
    """Find the points that are impossible by the ``reach`` points that end with each."""
    found_T = np.zeros(len(values_T), dtype=bool)
    for t, value in enumerate(values_T.tolist()):
        if may_be_code(value):  # the last reading can be no other outlier
            found_T[t] = np.isnan(without_codes(values_T[max(0, t + 1 - reach) : t + 1])[-1])
    return found_T


def range_before(
    values_T: Array, t: int, reach: int, *, keep_outliers: bool
) -> tuple[float, float]:
    """Find the lowest and highest of the ``reach`` points before one, NaN where there are none."""
    latest_T = values_T[max(0, t + 1 - reach) : t + 1]
    before_T = (latest_T if keep_outliers else without_codes(latest_T))[:-1]
    before_T = before_T[~np.isnan(before_T)]
    if not before_T.size:
        return np.nan, np.nan
    return float(before_T.min()), float(before_T.max())
