"""Single readings that can not be, such as the -999 of a sensor that failed (ours).

One of them sets the mean and the scale of a whole history. What a network was trained on has none,
so they are found before it and become missing. Real series keep what is theirs: all that is asked
is whether a reading lies out of all proportion to everything else in its series.

Shape suffixes: T time, K candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ttm_estimators.forecasting.series import Array, Mask

FEWEST = 8
"""Readings that differ from the median, at least, before another can be told to be impossible."""

CODE_DISTANCE = 3.0
"""An error code lies as many times as far from the median as the farthest of all others."""

MOST_CODES = 0.05
"""Error codes of all other readings, as a share; one is never too many."""

DISTANCE = 40.0
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

    An error code is -99, a number of three or more nines (-999, 9999.9), or a limit of integers
    (65535).
    It is impossible where it lies three times as far from the median as the farthest of all other
    readings. Another reading has to lie forty times as far, more where the others have a heavy
    tail, there may be three of them, and the series has to return after each: the last reading may
    begin a new level. A series that is one value for more than half of its time has no scale to
    judge by: what lies on the side of its other values is kept, unless it is an error code.

    Parameters
    ----------
    values_T : array
        A series, NaN where missing.

    Returns
    -------
    array of bool
        True at impossible readings, of the same shape.
    """
    low, high = np.fmin.reduce(values_T), np.fmax.reduce(values_T)
    if not low < high:
        return np.zeros(len(values_T), dtype=bool)
    some = values_T[:: max(1, len(values_T) // SAMPLED)]
    some = np.sort(some[~np.isnan(some)])
    middle, width = low, 0.0
    if len(some):
        middle, outer = some[len(some) // 2], min(1 + len(some) // 16, (len(some) - 1) // 2)
        width = max(some[-1 - outer] - middle, middle - some[outer])
    farthest = max(high - middle, middle - low)
    # Not three times: this median may lie a little beside that of all readings.
    if farthest <= 2.5 * width:
        return np.zeros(len(values_T), dtype=bool)
    codes_T = _codes(values_T, np.abs(values_T - middle) > 2.5 * width)
    if farthest <= DISTANCE / 2 * width or (width == 0 and middle in (low, high)):
        return codes_T
    return codes_T | _singles(np.where(codes_T, np.nan, values_T))


def _singles(values_T: Array) -> Mask:
    """Find up to three readings of any value that the series returns after."""
    nothing_T = np.zeros(len(values_T), dtype=bool)
    place_K = np.flatnonzero(~np.isnan(values_T))
    x_K = values_T[place_K]
    if len(x_K) <= FEWEST + MOST:
        return nothing_T
    middle = np.median(x_K)
    distance_K = np.abs(x_K - middle)
    typical = np.median(distance_K)
    order = np.argpartition(distance_K, -MOST - 1)[-MOST - 1 :]
    order = order[np.argsort(distance_K[order])]
    for first in range(1, MOST + 1):
        farthest = distance_K[order[first - 1]]
        tail = max(1.0, farthest / (LIGHT_TAIL * typical)) if typical > 0 else 1.0
        if distance_K[order[first]] > DISTANCE * tail * farthest > 0:
            break
    else:
        return nothing_T
    found_K = np.zeros(len(x_K), dtype=bool)
    found_K[order[first:]] = True
    rest_K = x_K[~found_K]
    if found_K[-1] or np.count_nonzero(rest_K != middle) < FEWEST:
        return nothing_T
    if typical == 0:  # more than half are one value
        found_K &= (x_K < middle) & (rest_K.min() >= middle) | (x_K > middle) & (
            rest_K.max() <= middle
        )
    nothing_T[place_K[found_K]] = True
    return nothing_T


def _codes(values_T: Array, far_T: Mask) -> Mask:
    """Find the error codes among the readings that lie far away."""
    codes = [value for value in np.unique(values_T[far_T]) if _is_code(value)]
    code_T = np.isin(values_T, codes) if codes else np.zeros(len(values_T), dtype=bool)
    rest = values_T[~code_T & ~np.isnan(values_T)]
    if not codes or len(rest) < FEWEST or (code_T.sum() > max(1, MOST_CODES * len(rest))):
        return np.zeros(len(values_T), dtype=bool)
    middle = np.median(rest)
    if np.count_nonzero(rest != middle) < FEWEST:
        return np.zeros(len(values_T), dtype=bool)
    code_T &= np.abs(values_T - middle) > CODE_DISTANCE * np.abs(rest - middle).max()
    return code_T


def _is_code(value: float) -> bool:
    """Whether a number is one that stands for an error."""
    size = abs(value)
    digits = f"{size:.7g}".replace(".", "")
    nines = set(digits) == {"9"} and (len(digits) >= 3 or value == -99)
    return nines or size in INTEGER_LIMITS
