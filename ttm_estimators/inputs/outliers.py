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

from ttm_estimators.inputs.arrays import Array, Mask

FEWEST = 8
"""Readings that differ from the median, at least, before another can be told to be impossible."""

CODE_DISTANCE = 3.0
"""How far an error code has to lie from the median, in distances of the farthest other reading."""

MOST_CODES = 0.25
"""Largest number of error codes, as a share of all other readings. One is never too many."""

LONGEST_END = 24
"""Error codes that a series may end with. More of them are its new level."""

DISTANCE = 100.0
"""How far any other impossible reading has to lie, where the others have no heavy tail."""

LIGHT_TAIL = 6.0
"""Median distances from the median within which all of a series without a heavy tail lies: a
thousand normal numbers lie within five, waves within two."""

MOST = 3
"""Impossible readings that are no error codes. What comes again is a part of its series."""

LIMITS = {2.0**15, 2.0**16, 2.0**31, 2.0**32, 2.0**63}
"""Sizes that whole numbers of 16, 32 and 64 bits end at, with and without a sign."""

FILLS = (9.96921e36, 1e20, 3.4028235e38)
"""What stands for a missing value in files of netCDF, CMIP and float32, to six digits."""

SAMPLED = 128
"""Readings by which most series are told to be whole, as that takes no time."""

GOLDEN = 0.6180339887
"""Places of these readings are multiples of it, so that no season has all of them in one phase."""


class OutlierWarning(UserWarning):
    """Readings were taken as missing."""


class Outlier(NamedTuple):
    """A reading that was taken as missing."""

    series: int
    """Its number among the series."""

    channel: int | None
    """Its column, None where there is one only."""

    step: int
    """Where it stands, counted from the end: -1 is the last reading."""

    value: float


def without_outliers(
    values: Array, series: int, windows: Sequence[slice] | None = None
) -> tuple[Array, list[Outlier]]:
    """Make impossible readings missing.

    Parameters
    ----------
    values : array
        A series of shape (time,) or (time, channels). Every channel is judged by itself.
    series : int
        Its number among the series.
    windows : sequence of slice, optional
        Readings of each channel that are looked at. Default: all.

    Returns
    -------
    tuple of array and list of Outlier
        The series itself where all of it is possible, or a changed copy.
    """
    outliers: list[Outlier] = []
    if values.size == 0:
        return values, outliers
    values_TC = values.reshape(len(values), -1)
    found_TC = np.zeros(values_TC.shape, dtype=bool)
    for c, window in enumerate(windows or [slice(None)] * values_TC.shape[1]):
        found_TC[window, c] = find_outliers(values_TC[window, c])
        steps = np.flatnonzero(found_TC[:, c])
        channel = c if values_TC.shape[1] > 1 else None
        outliers += [
            Outlier(series, channel, step - len(values), value)
            for step, value in zip(steps.tolist(), values_TC[steps, c].tolist(), strict=True)
        ]
    if not outliers:
        return values, outliers
    return np.where(found_TC, np.nan, values_TC).reshape(values.shape), outliers


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
    channel = "" if first.channel is None else f", channel {first.channel}"
    found = len({outlier.series for outlier in outliers})
    readings, them = ("reading is", "it") if len(outliers) == 1 else ("readings are", "them")
    return (
        f"{len(outliers)} {readings} impossible by the rest of the series and taken as missing, in "
        f"{found} of {len(names)} series, such as {first.value:g}, number {-first.step} from the "
        f"end of {names[first.series]}{channel}: {keep} to keep {them}"
    )


def find_outliers(values_T: Array) -> Mask:
    """Find the readings of a series that can not be.

    An error code is a number of three or more nines before its point and at most one behind it
    (-999, 9999.9), a limit of whole numbers (65535), or the fill value of a file format. It is
    impossible where it lies three times as far from the median as the farthest of all other
    readings, or is negative where no other is. Another reading has to lie a hundred times as far,
    more where the others have a heavy tail, there may be three of them, and the series has to
    return after each: the last reading may begin a new level. A series that is one value for more
    than half of its time has no scale to judge by: what lies on the side of its other values is
    kept, unless it is an error code.

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
    if len(x_K) > FEWEST and _may_have_outliers(x_K):
        found_T[observed_T] = _find(x_K)
    return found_T


def _may_have_outliers(x_K: Array) -> bool:
    """Whether the outermost readings, and some others, are worth a closer look."""
    low, high = x_K.min(), x_K.max()
    if _is_code(low) or _is_code(high):
        return True
    some = x_K
    if len(x_K) > SAMPLED:
        some = x_K[(np.arange(SAMPLED) * GOLDEN % 1 * len(x_K)).astype(int)]
    some = np.sort(some)
    middle, outer = some[len(some) // 2], len(some) // 8
    width = min(some[-1 - outer] - middle, middle - some[outer])
    if width == 0 and middle in (low, high):
        return False
    # Half of the distance, as this median may lie a little beside that of all readings.
    least = max(high - middle, middle - low) / (DISTANCE / 2)
    return bool(least > width and np.count_nonzero(np.abs(x_K - middle) > least) <= MOST)


def _find(x_K: Array) -> Mask:
    """Find impossible readings among all of a series."""
    code_K = _outer_codes(x_K)
    single_K = np.zeros(len(x_K), dtype=bool)
    single_K[~code_K] = _singles(x_K[~code_K])
    impossible_K = _impossible_codes(x_K, code_K, x_K[~code_K & ~single_K])
    if (code_K & ~impossible_K).any():  # these are readings like all others
        single_K[:] = False
        single_K[~impossible_K] = _singles(x_K[~impossible_K])
    return impossible_K | single_K


def _outer_codes(x_K: Array) -> Mask:
    """Find the error codes that lie below or above all but a few other readings."""
    code_K = np.zeros(len(x_K), dtype=bool)
    for sign in (1.0, -1.0):
        left_K = sign * x_K
        others = 0
        while others <= MOST and np.isfinite(value := left_K.min()):
            same_K = left_K == value
            if _is_code(sign * value):
                code_K |= same_K
            else:
                others += int(same_K.sum())
            left_K[same_K] = np.inf
    return code_K


def _impossible_codes(x_K: Array, code_K: Mask, rest: Array) -> Mask:
    """Tell the error codes that are impossible by the rest from those that are numbers."""
    codes = int(code_K.sum())
    at_end = int((~code_K[::-1]).argmax())
    few = codes <= max(1, MOST_CODES * len(rest)) and at_end <= LONGEST_END
    if codes == 0 or not few or len(rest) < FEWEST:
        return np.zeros(len(x_K), dtype=bool)
    impossible_K = (x_K < 0) & (rest.min() >= 0)
    middle = np.median(rest)
    distance = np.abs(rest - middle)
    if np.count_nonzero(distance) >= FEWEST:
        impossible_K |= np.abs(x_K - middle) > CODE_DISTANCE * distance.max()
    return code_K & impossible_K


def _singles(x_K: Array) -> Mask:
    """Find up to three readings of any value that the series returns after."""
    found_K = np.zeros(len(x_K), dtype=bool)
    if len(x_K) < FEWEST + MOST:
        return found_K
    middle = np.median(x_K)
    distance_K = np.abs(x_K - middle)
    if np.count_nonzero(distance_K > distance_K.max() / DISTANCE) > MOST:
        return found_K
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
    size = abs(float(value))
    if size < 999:
        return False
    if size >= 1e16:
        return size in LIMITS or any(abs(size / fill - 1) < 1e-6 for fill in FILLS)
    text = f"{size:.0f}" if size.is_integer() else f"{size:.7g}"
    whole, _, behind = text.partition(".")
    nines = set(whole + behind) == {"9"} and len(behind) <= 1
    return nines or size in LIMITS or size + 1 in LIMITS
