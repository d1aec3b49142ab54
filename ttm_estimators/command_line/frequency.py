"""Frequencies of time columns: which one it is, whether dates keep to it, how they go on.

Times are sorted and unique: dates, or whole numbers such as years. A step is what lies between two
of them: a pandas offset, or a whole number.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset

from ttm_estimators.command_line.errors import InputError

Step: TypeAlias = int | pd.offsets.BaseOffset
Integers: TypeAlias = npt.NDArray[np.int64]

SPARSEST = 100
"""Rows that one row may become when gaps are filled."""


def parse_step(text: str) -> Step:
    """Read a pandas alias in its old or new spelling, or a whole number.

    Raises
    ------
    InputError
        When it is neither, or not positive.
    """
    if text.strip().isdecimal():
        step: Step = int(text)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # old spellings are welcome
            try:
                step = to_offset(text)
            except (ValueError, OverflowError):
                raise InputError(
                    f"unknown frequency {text!r}: give a pandas alias such as h, D, W, MS or 15min"
                ) from None
    if (step if isinstance(step, int) else step.n) < 1:
        raise InputError(f"the frequency {text!r} does not move forward: give a positive one")
    return step


def describe(step: Step) -> str:
    """Name a step in words that fit behind "frequency"."""
    if isinstance(step, int):
        return str(step)
    months = re.search(r"months=(\d+)", step.freqstr)
    return f"{months[1]}-month" if months else step.freqstr


def show(time: Any) -> str:
    """Write a time for a message, without the hour where it is midnight."""
    return str(time).removesuffix(" 00:00:00")


def follow(times: pd.Index[Any], step: Step, count: int) -> pd.Index[Any]:
    """Give the ``count`` times after the last one.

    Raises
    ------
    InputError
        When they are beyond the dates that pandas knows.
    """
    if isinstance(step, int):
        return pd.Index(times[-1] + step * np.arange(1, count + 1))
    last = _clock(times[-1:], step)[0]
    try:
        future = pd.date_range(last, periods=count + 1, freq=step)[1:]
    except (ValueError, OverflowError) as error:
        raise InputError(f"{count} steps after {show(times[-1])}: {error}") from error
    zone = times.tz if isinstance(times, pd.DatetimeIndex) else None
    if zone is None:
        return future
    if _is_duration(step):
        return future.tz_localize("UTC").tz_convert(zone)
    daylight = np.ones(count, dtype=bool)
    return future.tz_localize(zone, ambiguous=daylight, nonexistent="shift_forward")


def positions(times: pd.Index[Any], step: Step) -> Integers | None:
    """Number of steps from the first time to each, or None where one is not on that grid."""
    clock = _clock(times, step)
    if isinstance(step, pd.offsets.BaseOffset) and not isinstance(step, pd.offsets.Tick):
        first = clock[0]
        if "day" in step.kwds and first.day != min(step.kwds["day"], first.days_in_month):
            return None  # to pandas every day is on such an offset
        at = _grid(first, clock[-1], step).get_indexer(clock)
        return None if (at < 0).any() else at.astype(np.int64) - at[0]
    size = step if isinstance(step, int) else step.nanos
    count, remainder = np.divmod(clock.astype(np.int64) - clock[:1].astype(np.int64)[0], size)
    return None if remainder.any() else np.asarray(count)


def find_steps(
    series: Sequence[tuple[str, pd.Index[Any]]], given: Step | None = None, *, gaps: bool = False
) -> list[Step]:
    """Find the frequency of every series of a panel.

    The longest series rules, unless a frequency is given. The others may be anchored elsewhere
    (weeks on other days, month starts or ends), and short ones only have to fit.

    Parameters
    ----------
    series : sequence of (str, index)
        Names and times.
    given : Step, optional
        Frequency that the user asks for.
    gaps : bool, default False
        Whether times may be absent.

    Raises
    ------
    InputError
        When a series has gaps, uneven steps, too few rows or another frequency than the panel.
        The message names it.
    """
    dates = isinstance(series[0][1], pd.DatetimeIndex)
    if given is not None and dates == isinstance(given, int):
        raise InputError(
            f"the frequency {describe(given)} does not fit times such as {show(series[0][1][0])}: "
            "give a pandas alias for dates, a whole number for whole numbers"
        )
    longest, times = max(series, key=lambda one: len(one[1]))
    common = given or _regular(times) or _typical(longest, times)
    return [_fitting(name, times, common, longest, given, gaps) for name, times in series]


def _fitting(
    name: str, times: pd.Index[Any], common: Step, longest: str, given: Step | None, gaps: bool
) -> Step:
    own = _regular(times)
    if own is not None and given is None and _family(own) == _family(common):
        return own
    grids = ((step, positions(times, step)) for step in _variants(common, times))
    step, at = next(((step, at) for step, at in grids if at is not None), (common, None))
    if at is not None and at[-1] == len(times) - 1:
        return step
    on_grid = at is not None and at[-1] < SPARSEST * len(times)
    if gaps and on_grid and (own is None or given is not None):
        return step
    if own is not None and given is not None:
        raise InputError(
            f"series {name!r} has the frequency {describe(own)}, not {describe(given)}: leave "
            "--freq out, or resample the file"
        )
    if own is not None:
        raise InputError(
            f"mixed frequencies: series {name!r} has {describe(own)} and series {longest!r} "
            f"{describe(common)}: forecast them from separate files"
        )
    raise InputError(_first_fault(name, times, step, on_grid))


def _first_fault(name: str, times: pd.Index[Any], step: Step, on_grid: bool) -> str:
    """Say where times first leave the grid."""
    start = pd.Index([times[0]]) if isinstance(step, int) else _clock(times[:1], step)
    if not isinstance(step, int) and not step.is_on_offset(start[0]):
        return (
            f"series {name!r}: {show(times[0])} is no date of frequency {describe(step)}: give the "
            "right one with --freq"
        )
    expected = follow(times[:1], step, len(times))
    k = int(np.argmax(expected[:-1] != times[1:]))
    if on_grid:
        return (
            f"series {name!r} has gaps: {show(expected[k])} is missing at frequency "
            f"{describe(step)}: add the missing rows, or use --fill-gaps to treat them as missing "
            "values"
        )
    return (
        f"series {name!r} is not evenly spaced: after {show(times[k])} comes {show(times[k + 1])}, "
        f"where {show(expected[k])} is expected at frequency {describe(step)}: correct or "
        "aggregate it, or give the right --freq"
    )


def _clock(times: pd.Index[Any], step: Step) -> pd.Index[Any]:
    """Times without zone, in which steps have even lengths: UTC for hours, local for days."""
    if isinstance(times, pd.DatetimeIndex) and times.tz is not None:
        return times.tz_convert(None) if _is_duration(step) else times.tz_localize(None)
    return times


def _is_duration(step: Step) -> bool:
    return isinstance(step, pd.offsets.Tick) and not isinstance(step, pd.offsets.Day)


def _grid(first: pd.Timestamp, last: pd.Timestamp, step: pd.offsets.BaseOffset) -> pd.DatetimeIndex:
    """Dates of a step, among them those from ``first`` to ``last`` that are on its grid."""
    try:
        if step.n == 1 and not step.kwds.get("months"):
            # Every series has the same grid, so that whole years are shared by many.
            first, last = first.replace(month=1, day=1), last.replace(month=12, day=31)
        return _dates(first, last, step)
    except ValueError as error:
        raise InputError(f"dates up to {show(last)} at {describe(step)}: {error}") from error


@lru_cache(maxsize=256)  # to step through dates is slow
def _dates(
    first: pd.Timestamp, last: pd.Timestamp, step: pd.offsets.BaseOffset
) -> pd.DatetimeIndex:
    return pd.date_range(first, last, freq=step)


def _regular(times: pd.Index[Any]) -> Step | None:
    """Frequency of three or more times without a gap, or None."""
    if len(times) < 3:
        return None
    if not isinstance(times, pd.DatetimeIndex):
        sizes = np.unique(np.diff(times))
        return int(sizes[0]) if len(sizes) == 1 else None
    alias = pd.infer_freq(times)
    # Two months of 31 days look like steps of 31 days, and three years like steps of 365.
    is_month = bool(re.fullmatch(r"\d{2,}D", alias or "")) and (times.day == times.day[0]).all()
    # pandas' office hours are nine to five
    if alias is not None and not alias.endswith("bh") and not is_month:
        return to_offset(alias)
    span = 12 * (times[-1].year - times[0].year) + times[-1].month - times[0].month
    months, rest = divmod(span, len(times) - 1)
    step = _monthly(months, times)
    return step if months and not rest and positions(times, step) is not None else None


def _monthly(months: int, times: pd.DatetimeIndex) -> pd.DateOffset:
    """The same day of every month, which has no alias; a shorter month has its last one."""
    return pd.DateOffset(months=months, day=int(times.day.max()))


def _typical(name: str, times: pd.Index[Any]) -> Step:
    """Frequency that most stretches of a series with gaps have."""
    if len(times) < 3:
        raise InputError(
            f"series {name!r} has {len(times)} of the 3 rows that tell a frequency: give it with "
            f"--freq, such as --freq {'D' if isinstance(times, pd.DatetimeIndex) else 1}"
        )
    for width in (8, 5, 3):
        starts = np.unique(np.linspace(0, max(0, len(times) - width), 20).astype(int))
        found = [_regular(times[start : start + width]) for start in starts]
        steps = {_family(step): step for step in found if step is not None}
        families = Counter(_family(step) for step in found if step is not None)
        if width == 8 and len(families) > 1:
            mixed = " and ".join(describe(step) for step in steps.values())
            raise InputError(
                f"series {name!r} has mixed frequencies, {mixed}: split or aggregate it, or give "
                "the right one with --freq and --fill-gaps"
            )
        if families:
            return steps[families.most_common(1)[0][0]]
    sizes, counts = np.unique(np.diff(times), return_counts=True)
    if counts.max() == 1:
        raise InputError(
            f"series {name!r} is not evenly spaced: {', '.join(show(t) for t in times[:3])}: "
            "correct it, or give --freq and --fill-gaps"
        )
    size = sizes[np.argmax(counts)]
    if isinstance(times, pd.DatetimeIndex):
        return to_offset(pd.Timedelta(size))
    return int(size)


def _family(step: Step) -> tuple[int, str]:
    """Length and unit of a step, whatever it is anchored to: 3 months for a quarter."""
    if isinstance(step, int):
        return step, "steps"
    months = re.search(r"months=(\d+)", step.freqstr)
    if months:
        return int(months[1]), "months"
    anchored = re.fullmatch(r"(\d*)(?:(W)|B?([MQY])[SE])(?:-\w+)?", step.freqstr)
    if anchored is None:
        return 1, step.freqstr
    number, week, period = int(anchored[1] or 1), anchored[2], anchored[3]
    return (number, "weeks") if week else (number * {"M": 1, "Q": 3, "Y": 12}[period], "months")


def _variants(step: Step, times: pd.Index[Any]) -> Iterator[Step]:
    """The step, then those of its family that are anchored elsewhere, such as where times are."""
    yield step
    number, unit = _family(step)
    if unit == "weeks":
        yield from (pd.offsets.Week(number, weekday=day) for day in range(7))
    elif unit == "months" and isinstance(times, pd.DatetimeIndex):
        yield pd.offsets.MonthBegin(number)
        yield pd.offsets.MonthEnd(number)
        yield pd.offsets.BMonthBegin(number)
        yield pd.offsets.BMonthEnd(number)
        yield _monthly(number, times)
