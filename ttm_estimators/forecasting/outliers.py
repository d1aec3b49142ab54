"""Single readings that can not be, such as the -999 of a sensor that failed (ours).

One of them sets the mean and the scale of a whole history. What a network was trained on has none,
so they are found before it and become missing. Real series keep what is theirs: all that is asked
is whether a reading lies out of all proportion to everything else in its series.

Shape suffixes: T time, K candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ttm_estimators.forecasting.series import Array, Mask

FEWEST = 8
"""Readings that differ from the median, at least, before another can be told to be impossible."""

CODE_DISTANCE = 3.0
"""An error code lies as many times as far from the median as the farthest of all others."""

MOST_CODES = 0.25
"""Error codes of all other readings, as a share; one is never too many."""

DISTANCE = 100.0
"""So does any other impossible reading, and farther where the others have a heavy tail."""

LIGHT_TAIL = 6.0
"""Median distances from the median within which all of a series without a heavy tail lies: a
thousand normal numbers lie within five, waves within two."""

MOST = 3
"""Impossible readings that are no error codes. What comes again is a part of its series."""

INTEGER_LIMITS = {32767, 32768, 65535, 2147483647, 2147483648, 4294967295}
"""Largest sizes of 16 and 32 bits, with and without a sign."""

SAMPLED = 128
"""Readings by which most series are told to be whole, as that takes no time."""


class OutlierWarning(UserWarning):
    """Readings were taken as missing."""


class Outlier(NamedTuple):
    """A reading that was taken as missing."""

    series: int
    """Its number among the series."""

    channel: int
    """Its column, 0 for a series without columns."""

    step: int
    """Where it stands, counted from the end: -1 is the last reading."""

    value: float


def without_outliers(
    values: Array, series: int, latest: int | None = None
) -> tuple[Array, list[Outlier]]:
    """Make impossible readings missing.

    Parameters
    ----------
    values : array
        A series of shape (time,) or (time, channels). Every channel is judged by itself.
    series : int
        Its number among the series.
    latest : int, optional
        Readings that are looked at, to the last that is not missing. Default: all.

    Returns
    -------
    tuple of array and list of Outlier
        The series itself where all of it is possible, or a changed copy.
    """
    outliers: list[Outlier] = []
    if np.isnan(values).all():  # so is an empty one
        return values, outliers
    values_TC = values.reshape(len(values), -1)
    observed = np.flatnonzero(~np.isnan(values_TC).all(axis=1))
    end = int(observed[-1]) + 1
    start = 0 if latest is None else max(0, end - latest)
    for channel, column_T in enumerate(values_TC[start:end].T):
        for place in np.flatnonzero(find_outliers(column_T)):
            step = start + int(place) - len(values)
            outliers.append(Outlier(series, channel, step, float(column_T[place])))
    if outliers:
        values_TC = values_TC.copy()
        for outlier in outliers:
            values_TC[outlier.step, outlier.channel] = np.nan
    return values_TC.reshape(values.shape), outliers


def describe(outliers: Sequence[Outlier], names: Sequence[str], keep: str) -> str:
    """What a user is told of the readings that were taken as missing.

    Parameters
    ----------
    outliers : sequence of Outlier
        At least one.
    names : sequence of str
        How the user calls the series.
    keep : str
        What the user has to do to keep them.
    """
    first = outliers[0]
    found = len({outlier.series for outlier in outliers})
    return (
        f"{len(outliers)} reading{'s' * (len(outliers) > 1)} of {found} of {len(names)} series "
        f"{'are' if len(outliers) > 1 else 'is'} impossible by the rest of the series and taken as "
        f"missing, such as {first.value:g}, number {-first.step} from the end of "
        f"{names[first.series]}: {keep} to keep {'them' if len(outliers) > 1 else 'it'}"
    )


def find_outliers(values_T: Array) -> Mask:
    """Find the readings of a series that can not be.

    An error code is -99, -99.9, a number of three or more nines before its point and at most one
    behind it (-999, 9999.9), or a limit of integers (65535). It is impossible where it lies three
    times as far from the median as the farthest of all other readings. Another reading has to lie
    a hundred times as far, more where the others have a heavy tail, there may be three of them,
    and the series has to return after each: the last reading may begin a new level. A series that
    is one value for more than half of its time has no scale to judge by: what lies on the side of
    its other values is kept, unless it is an error code.

    Parameters
    ----------
    values_T : array
        A series, NaN where missing.

    Returns
    -------
    array of bool
        True at impossible readings, of the same shape.
    """
    found_T = np.zeros(len(values_T), dtype=bool)
    observed_T = ~np.isnan(values_T)
    x_K = values_T if observed_T.all() else values_T[observed_T]
    if len(x_K) > FEWEST:
        found_K = _find(x_K)
        if found_K.any():
            found_T[observed_T] = found_K
    return found_T


def _find(x_K: Array) -> Mask:
    """Find impossible readings among all of a series. Most series are whole, which some tell."""
    some = np.sort(x_K[:: max(1, len(x_K) // SAMPLED)])
    middle, outer = some[len(some) // 2], 1 + len(some) // 16
    # The smaller of both sides: error codes lie on one, as a rule.
    width = min(some[-1 - outer] - middle, middle - some[outer])
    low, high = x_K.min(), x_K.max()
    farthest = max(high - middle, middle - low)
    # Less than three and a hundred times: this median may lie a little beside that of all readings.
    if farthest <= CODE_DISTANCE / 1.2 * width:
        return np.zeros(len(x_K), dtype=bool)
    found_K = _codes(x_K, middle)
    if farthest > DISTANCE / 2 * width and not (width == 0 and middle in (low, high)):
        found_K[~found_K] = _singles(x_K[~found_K], middle)
    return found_K


def _codes(x_K: Array, middle: float) -> Mask:
    """Find the error codes that lie farther away than all else."""
    found_K = np.zeros(len(x_K), dtype=bool)
    distance_K = np.abs(x_K - middle)
    while distance_K.any() and _is_code(farthest := x_K[distance_K.argmax()]):
        found_K |= x_K == farthest
        distance_K[found_K] = 0.0
    if not found_K.any():
        return found_K
    rest = x_K[~found_K]
    if len(rest) < FEWEST or len(x_K) - len(rest) > max(1, MOST_CODES * len(rest)):
        return np.zeros(len(x_K), dtype=bool)
    distance = np.abs(rest - np.median(rest))
    if np.count_nonzero(distance) < FEWEST:
        return np.zeros(len(x_K), dtype=bool)
    found_K &= np.abs(x_K - np.median(rest)) > CODE_DISTANCE * distance.max()
    return found_K


def _singles(x_K: Array, middle: float) -> Mask:
    """Find up to three readings of any value that the series returns after."""
    found_K = np.zeros(len(x_K), dtype=bool)
    distance_K = np.abs(x_K - middle)
    far = np.count_nonzero(distance_K > 2 / DISTANCE * distance_K.max())
    if len(x_K) < FEWEST + MOST or far > MOST:
        return found_K
    middle = float(np.median(x_K))
    distance_K = np.abs(x_K - middle)
    typical = np.median(distance_K)
    order = np.argsort(distance_K)[-MOST - 1 :]
    for last, first in pairwise(order):
        least = distance_K[last]
        tail = max(1.0, least / (LIGHT_TAIL * typical)) if typical > 0 else 1.0
        if distance_K[first] > DISTANCE * tail * least > 0:
            found_K = distance_K >= distance_K[first]
            break
    rest = x_K[~found_K]
    if found_K[-1] or np.count_nonzero(rest != middle) < FEWEST:
        return np.zeros(len(x_K), dtype=bool)
    if typical == 0:  # more than half are one value
        found_K &= (x_K < middle) & (rest.min() >= middle) | (x_K > middle) & (rest.max() <= middle)
    return found_K


def _is_code(value: float) -> bool:
    """Whether a number is one that stands for an error. 99.99 is a price."""
    size = abs(value)
    whole, _, behind = f"{size:.7g}".partition(".")
    nines = set(whole + behind) == {"9"} and len(behind) <= 1
    return size in INTEGER_LIMITS or (nines and (size >= 999 or value <= -99))
