"""Single readings that can not be, such as the -999 of a sensor that failed (ours).

One of them sets the mean and the scale of a whole history. What a network was trained on has none,
so they are found before it and become missing. Real series keep what is theirs: all that is asked
is whether a reading lies out of all proportion to everything else in its series.

Shape suffixes: T time, C channels, A other axes: the observed readings of a channel.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ttm_estimators.inputs.arrays import Array, Mask

MIN_OTHER_READINGS = 8
"""Readings that differ from the median, at least, before another can be told to be impossible."""

MIN_CODE_DISTANCE = 3.0
"""How far an error code has to lie from the median, in distances of the farthest other reading."""

MAX_CODES_FRACTION = 0.25
"""Largest number of error codes, as a fraction of all other readings. One is never too many."""

MAX_CODES_AT_END = 24
"""Error codes that a series may end with. After more of them they are its new values."""

MIN_SINGLE_DISTANCE = 100.0
"""How far any other impossible reading has to lie, where the others have no heavy tail."""

LIGHT_TAIL_DISTANCES = 6.0
"""Median distances from the median within which all of a series without a heavy tail lies: a
thousand normal numbers lie within five, waves within two."""

MAX_SINGLES = 3
"""Impossible readings that are no error codes. What comes again is a part of its series."""

INTEGER_LIMITS = {2.0**15, 2.0**16, 2.0**31, 2.0**32, 2.0**63}
"""Sizes that whole numbers of 16, 32 and 64 bits end at, with and without a sign."""

FILL_VALUES = (9.96921e36, 3.4028235e38, 1.70141e38)
"""What stands for a missing value in files of netCDF, float32 and Surfer, to six digits. CMIP's is
a power of ten."""

MIN_FILL_SIZE, MIN_FILL_RATIO = 1e15, 1e6
"""Size of a code, by itself and beside all others, that is no level however often it comes."""

MIN_POWER_OF_TEN, MIN_NEGATIVE_POWER = 1e10, 1e4
"""Powers of ten that may stand for an error."""

SAMPLED_READINGS = 128
"""Readings by which most series are told to be whole, as that takes no time."""

SAMPLED_FRACTIONS = np.arange(SAMPLED_READINGS) * 0.6180339887 % 1
"""Where they are in a series: multiples of the golden section, so that no season has all of them in
one phase."""


class CodeLimits(NamedTuple):
    """How many error codes a series may have. If there are more they are its values."""

    at_end: float = MAX_CODES_AT_END
    fraction: float = MAX_CODES_FRACTION


FEW_CODES, NO_LIMITS = CodeLimits(), CodeLimits(math.inf, math.inf)

TimeOf = Callable[[int, int], object]
"""The time of a reading by the number of its series and its step from the end: -1 is the last."""


class OutlierWarning(UserWarning):
    """Readings were taken as missing."""


class KeptCodesWarning(OutlierWarning):
    """Readings look like error codes, and were not taken as missing."""


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
        Readings of each channel that are checked. Default: all.

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


def warn_of_kept_codes(
    arrays: Sequence[Array],
    names: Sequence[str],
    windows: Sequence[Sequence[slice]] | None = None,
    *,
    stacklevel: int,
) -> None:
    """Warn of what would be error codes, but that they are too many.

    Parameters
    ----------
    arrays : sequence of array
        Series of shape (time,) or (time, channels), :func:`without_outliers`.
    names : sequence of str
        How the user calls them.
    windows : sequence of sequence of slice, optional
        Readings of each of their channels that are looked at. Default: all.
    stacklevel : int
        Of the warning.
    """
    told = []
    for i, values in enumerate(arrays):
        for c, values_T in enumerate(values.reshape(len(values), -1).T if values.size else ()):
            kept = _kept_codes(values_T[windows[i][c]] if windows else values_T)
            if kept:
                told.append(f"{names[i]}{'' if values.ndim == 1 else f', channel {c}'} {kept}")
    if told:
        more = f" (and {len(told) - 1} more series have such readings)" if len(told) > 1 else ""
        warnings.warn(
            f"{told[0]}{more}: put NaN, or an empty cell, in place of those that stand for a "
            "missing value, or set keep_outliers=True",
            KeptCodesWarning,
            stacklevel=stacklevel + 1,
        )


def _kept_codes(values_T: Array) -> str | None:
    """What is told of the error codes that a series has in spite of their number, if any."""
    x_A = values_T[~np.isnan(values_T)]
    code_A = find_outliers(x_A, NO_LIMITS)
    at_end = int((~code_A[::-1]).argmax()) if code_A.any() else 0
    codes = int(code_A.sum())
    if at_end > MAX_CODES_AT_END:
        return f"ends in {at_end} readings of {x_A[-1]:.10g}, taken as a new level"
    if codes > max(1, MAX_CODES_FRACTION * (len(x_A) - codes)):
        first = x_A[code_A][0]
        return f"has {codes} readings such as {first:.10g} among {len(x_A)}, taken as its values"
    return None


def describe(
    outliers: Sequence[Outlier], names: Sequence[str], keep: str, time_of: TimeOf | None = None
) -> str:
    """What a user is told of the readings that were taken as missing.

    Parameters
    ----------
    outliers : sequence of Outlier
        At least one.
    names : sequence of str
        How the user calls the series.
    keep : str
        What the user has to do to keep them.
    time_of : callable, optional
        The time of a reading. Default: it is counted.
    """
    first = outliers[0]
    where = f", number {-first.step} from the end of"
    if time_of is not None:
        where = f" at {str(time_of(first.series, first.step)).removesuffix(' 00:00:00')} in"
    channel = "" if first.channel is None else f", channel {first.channel}"
    found = len({outlier.series for outlier in outliers})
    readings, them = ("reading is", "it") if len(outliers) == 1 else ("readings are", "them")
    return (
        f"{len(outliers)} {readings} impossible by the rest of the series and taken as missing, in "
        f"{found} of {len(names)} series, such as {first.value:g}{where} "
        f"{names[first.series]}{channel}: {keep} to keep {them}"
    )


def find_outliers(values_T: Array, limits: CodeLimits = FEW_CODES) -> Mask:
    """Find the readings of a series that can not be.

    An error code is a number of three or more nines before its point and at most one behind it
    (-999, 9999.9; -999.25 and -999.99 where it is negative), a limit of whole numbers (65535), or
    the fill value of a file format. It is impossible where it lies three times as far from the
    median as the farthest of all other readings, or is negative where no other is. Too many are
    the values of the series, unless they are fill values that nothing else comes near to. Tenths of
    limits (6553.5), large powers of ten and negative eights are error codes where they lie a
    hundred times as far. Another reading has to lie a hundred times as far,
    more where the others have a heavy tail, there may be three of them, and the series has to
    return after each: the last reading may be the first of others like it. A series that is one
    value for more than half of its time has no scale to judge by: what lies on the side of its
    other values is kept, unless it is an error code.

    Parameters
    ----------
    values_T : array
        A series, NaN where missing.
    limits : CodeLimits
        How many error codes it may have. Default: 24 at its end, a quarter of all other readings.

    Returns
    -------
    array of bool
        True at impossible readings, of the same shape.
    """
    found_T = np.zeros(len(values_T), dtype=bool)
    observed_T = ~np.isnan(values_T)
    x_A = values_T if observed_T.all() else values_T[observed_T]
    if len(x_A) > MIN_OTHER_READINGS and _may_have_outliers(x_A):
        found_T[observed_T] = _find(x_A, limits)
    return found_T


def _may_have_outliers(x_A: Array) -> bool:
    """Whether the outermost readings, and some others, need to be checked."""
    low, high = x_A.min(), x_A.max()
    if may_be_code(low) or may_be_code(high):
        return True
    some = x_A
    if len(x_A) > SAMPLED_READINGS:
        some = x_A[(SAMPLED_FRACTIONS * len(x_A)).astype(int)]
    some = np.sort(some)
    middle, outer = some[len(some) // 2], len(some) // 8
    width = min(some[-1 - outer] - middle, middle - some[outer])
    if width == 0 and middle in (low, high):
        return False
    # Half of the distance, as this median may lie a little beside that of all readings.
    least = max(high - middle, middle - low) / (MIN_SINGLE_DISTANCE / 2)
    return bool(least > width and np.count_nonzero(np.abs(x_A - middle) > least) <= MAX_SINGLES)


def _find(x_A: Array, limits: CodeLimits) -> Mask:
    """Find impossible readings among all of a series."""
    code_A = _outer_codes(x_A, _is_code)
    single_A = np.zeros(len(x_A), dtype=bool)
    single_A[~code_A] = _singles(x_A[~code_A])
    impossible_A = _impossible_codes(x_A, code_A, x_A[~code_A & ~single_A], limits)
    if (code_A & ~impossible_A).any():  # these are readings like all others
        single_A[:] = False
        single_A[~impossible_A] = _singles(x_A[~impossible_A])
    found_A = impossible_A | single_A
    found_A[~found_A] = _rare_codes(x_A[~found_A], limits)
    return found_A


def _rare_codes(x_A: Array, limits: CodeLimits) -> Mask:
    """Find impossible readings that are rather numbers than error codes, so that they have to lie
    as far out as any other, but may come again.
    """
    code_A = _outer_codes(x_A, _is_rare_code)
    rest = x_A[~code_A]
    if not code_A.any() or not _few(code_A, limits):
        return np.zeros(len(x_A), dtype=bool)
    return code_A & _farther(x_A, rest, MIN_SINGLE_DISTANCE)


def _outer_codes(x_A: Array, is_code: Callable[[float], bool]) -> Mask:
    """Find the error codes that lie below or above all but a few other readings."""
    code_A = np.zeros(len(x_A), dtype=bool)
    for sign in (1.0, -1.0):
        left_A = sign * x_A
        others = 0
        while others <= MAX_SINGLES and np.isfinite(value := left_A.min()):
            same_A = left_A == value
            if is_code(sign * value):
                code_A |= same_A
            else:
                others += int(same_A.sum())
            left_A[same_A] = np.inf
    return code_A


def _impossible_codes(x_A: Array, code_A: Mask, rest: Array, limits: CodeLimits) -> Mask:
    """Tell the error codes that are impossible by the rest from those that are numbers."""
    impossible_A = np.zeros(len(x_A), dtype=bool)
    if not code_A.any() or len(rest) < MIN_OTHER_READINGS:
        return impossible_A
    size_A = np.abs(x_A)
    least = max(MIN_FILL_SIZE, MIN_FILL_RATIO * np.abs(rest).max())
    fill_A = code_A & (size_A >= least)
    if _few(code_A[~fill_A], limits):
        impossible_A = (x_A < 0) & (rest.min() >= 0) | _farther(x_A, rest, MIN_CODE_DISTANCE)
    return fill_A | code_A & impossible_A


def _few(code_A: Mask, limits: CodeLimits) -> bool:
    """Whether error codes are too few to be a part of their series."""
    codes = int(code_A.sum())
    at_end = int((~code_A[::-1]).argmax()) if codes else 0
    others = max(1, len(code_A) - codes)
    return codes <= max(1, limits.fraction * others) and at_end <= limits.at_end


def _farther(x_A: Array, rest: Array, times: float) -> Mask:
    """Find what lies so many times as far from the median as the farthest of all other readings."""
    if len(rest) < MIN_OTHER_READINGS:
        return np.zeros(len(x_A), dtype=bool)
    middle = np.median(rest)
    distance = np.abs(rest - middle)
    if np.count_nonzero(distance) < MIN_OTHER_READINGS:
        return np.zeros(len(x_A), dtype=bool)
    farther_A: Mask = np.abs(x_A - middle) > times * distance.max()
    return farther_A


def _singles(x_A: Array) -> Mask:
    """Find up to three readings of any value that the series returns after."""
    found_A = np.zeros(len(x_A), dtype=bool)
    if len(x_A) < MIN_OTHER_READINGS + MAX_SINGLES:
        return found_A
    middle = np.median(x_A)
    distance_A = np.abs(x_A - middle)
    if np.count_nonzero(distance_A > distance_A.max() / MIN_SINGLE_DISTANCE) > MAX_SINGLES:
        return found_A
    typical = np.median(distance_A)
    order = np.argsort(distance_A)[-MAX_SINGLES - 1 :]
    for last, first in pairwise(order):
        least = distance_A[last]
        tail = max(1.0, least / (LIGHT_TAIL_DISTANCES * typical)) if typical > 0 else 1.0
        if distance_A[first] > MIN_SINGLE_DISTANCE * tail * least > 0:
            found_A = distance_A >= distance_A[first]
            break
    rest = x_A[~found_A]
    if found_A[-1] or np.count_nonzero(rest != middle) < MIN_OTHER_READINGS:
        return np.zeros(len(x_A), dtype=bool)
    if typical == 0:  # more than half are one value
        found_A &= (x_A < middle) & (rest.min() >= middle) | (x_A > middle) & (rest.max() <= middle)
    return found_A


def may_be_code(value: float) -> bool:
    """Whether a number is an error code in some series."""
    return _is_code(value) or _is_rare_code(value)


def _is_code(value: float) -> bool:
    """Whether a number is one that stands for an error. 99.99 is a price, -999.99 is none."""
    size = abs(float(value))
    if not 999 <= size < math.inf:
        return False
    if size >= 1e16:
        fill = any(abs(size / fill - 1) < 1e-6 for fill in FILL_VALUES)
        return fill or size in INTEGER_LIMITS or _is_power_of_ten(size)
    whole, behind = _digits(size)
    nines = set(whole + behind) == {"9"} and len(behind) <= (2 if value < 0 else 1)
    well_log = value < 0 and set(whole) == {"9"} and behind == "25"
    return nines or well_log or size in INTEGER_LIMITS or size + 1 in INTEGER_LIMITS


def _is_rare_code(value: float) -> bool:
    """Whether a number stands for an error here and there: a limit of whole numbers of 16 bits that
    were tenths, a large power of ten, or negative eights.
    """
    size = abs(float(value))
    if not 888 <= size < 1e16:
        return False
    tenths = {round(10 * size, 2), round(10 * size, 2) + 1} & INTEGER_LIMITS
    least = MIN_NEGATIVE_POWER if value < 0 else MIN_POWER_OF_TEN
    eights = value < 0 and set("".join(_digits(size))) == {"8"}
    return bool(tenths) or eights or (size >= least and _is_power_of_ten(size))


def _digits(size: float) -> tuple[str, str]:
    """Those before and behind the point."""
    text = f"{size:.0f}" if size.is_integer() else f"{size:.7g}"
    whole, _, behind = text.partition(".")
    return whole, behind


def _is_power_of_ten(size: float) -> bool:
    return abs(size / 10.0 ** round(math.log10(size)) - 1) < 1e-6
