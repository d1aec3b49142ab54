"""Steps from one time to the next: the times that follow, and the positions of times on a grid.

A step is a pandas offset, a timetable of the week, or a whole number between whole numbers. Hours
and shorter steps are elapsed time. Days and longer ones follow the clock on the wall of a time
zone: a time that a change of the clock skips becomes the first one after it, and a time that occurs
twice is the first of the two.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset

from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.timetable import DAY_NS, DAYS, Timetable

Step: TypeAlias = int | pd.offsets.BaseOffset | Timetable
Integers: TypeAlias = npt.NDArray[np.int64]

LAST_WEEKDAY_OF_MONTH = re.compile(r"(\d*)LWOM-(MON|TUE|WED|THU|FRI|SAT|SUN)", re.IGNORECASE)
"""The last such weekday of a month, which pandas writes but does not read."""

UNIT = re.compile(r"(?<![A-Za-z-])[A-Za-z]+")
"""A word of a pandas alias that is no anchor, which stands after a dash."""

NEW_SPELLINGS = {
    **{"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns", "BH": "bh", "CBH": "cbh"},
    **{"M": "ME", "BM": "BME", "CBM": "CBME", "SM": "SME", "Q": "QE", "BQ": "BQE"},
    **{"A": "YE", "Y": "YE", "BA": "BYE", "BY": "BYE", "AS": "YS", "BAS": "BYS"},
}
"""What pandas 2.2 calls the units that it had called otherwise, which pandas 3 does not read."""

MAX_STEP_UNITS = 10**15
"""Units of a pandas offset."""

MAX_STEP_NS = 9 * 10**18
"""Nanoseconds that pandas dates reach in one direction from 1970."""

CLOCK_CHANGE_WEEKDAY, CLOCK_CHANGE_MONTHS, CLOCK_CHANGE_LATEST_HOUR = 6, (3, 4, 9, 10, 11), 3
"""When most zones change their clocks: on Sundays of these months, up to this hour."""

MAX_HOURS_OF_DAY = 24
"""Different times of the day in a series up to which its usual one is searched for."""

MAX_CLOCK_SHIFT = pd.Timedelta(hours=3)
"""Largest change of a clock that moves a date. Samoa left out a whole day instead."""


def parse_step(text: str | pd.offsets.BaseOffset) -> Step:
    """Read a pandas alias in its old or new spelling, an offset, or a whole number.

    Raises
    ------
    TableError
        When it is neither, or not positive.
    """
    if isinstance(text, pd.offsets.BaseOffset):
        return text
    if not isinstance(text, str):
        raise TableError(f"freq must be text or an offset, got {type(text).__name__}")
    last_week = LAST_WEEKDAY_OF_MONTH.fullmatch(text.strip())
    if text.strip().isdecimal():
        step: Step = int(text)
    elif last_week:
        weekday = DAYS.index(last_week[2].capitalize())
        step = last_week_of_month(int(last_week[1] or 1), weekday)
    else:
        alias = UNIT.sub(lambda unit: NEW_SPELLINGS.get(unit[0], unit[0]), text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of other spellings, such as "d"
            try:
                step = to_offset(alias)
            except (ValueError, OverflowError):
                raise TableError(
                    f"unknown frequency {text!r}",
                    "give a pandas alias such as h, D, W, MS or 15min",
                ) from None
    if (step if isinstance(step, int) else step.n) < 1:  # type: ignore[union-attr]
        raise TableError(f"the frequency {text!r} does not move forward", "give a positive one")
    too_long = isinstance(step, pd.offsets.BaseOffset) and step.n > MAX_STEP_UNITS
    if too_long or (is_even(step) and step.n * step.base.nanos > MAX_STEP_NS):
        raise TableError(f"the frequency {text!r} is longer than the dates that pandas knows")
    return step


def last_week_of_month(months: int, weekday: int) -> pd.offsets.BaseOffset:
    """The last such weekday of every month, or of every so many."""
    return pd.offsets.LastWeekOfMonth(months, weekday=weekday)  # type: ignore[arg-type]


def describe(step: Step) -> str:
    """Name a step, to follow the word "frequency" in a message."""
    if isinstance(step, int):
        return str(step)
    months = re.search(r"months=(\d+)", step.freqstr)
    return f"{months[1]}-month" if months else str(step.freqstr)


def show(time: Any) -> str:
    """Write a time for a message, without the hour where it is midnight."""
    return str(time).removesuffix(" 00:00:00")


def follow(times: pd.Index[Any], step: Step, count: int, *, after: int = -1) -> pd.Index[Any]:
    """Give the ``count`` times after one of some times.

    Parameters
    ----------
    times : Index
        Sorted dates or whole numbers. The others tell at which hour of the day dates are, where a
        change of the clock has moved the one to continue from.
    step : Step
        Step between them.
    count : int
        Times to give.
    after : int, default -1
        Index of the time to continue from.

    Raises
    ------
    TableError
        When they are beyond the dates that pandas knows, or the numbers that 64 bits hold.
    """
    one = slice(after, after + 1 or None)
    try:
        if isinstance(step, int):
            return _numbers_after(times[one], step, count)
        assert isinstance(times, pd.DatetimeIndex)
        if is_elapsed(step):
            size, start = step.nanos, times[one].as_unit("ns").asi8[0]
            if int(start) + size * count > pd.Timestamp.max.value:
                raise OverflowError(f"beyond {pd.Timestamp.max.year}")
            future = pd.DatetimeIndex(
                (start + size * np.arange(1, count + 1)).astype("datetime64[ns]")
            )
            future = future if times.tz is None else future.tz_localize("UTC").tz_convert(times.tz)
        else:
            last = wall_clock(times)[one]
            if isinstance(step, Timetable):
                at = step.positions(last)
                assert at is not None
                future = step.times(at[0] + np.arange(1, count + 1))
            else:
                future = pd.date_range(last[0], periods=count + 1, freq=step)[-count:]
            future = localized(pd.DatetimeIndex(future.to_numpy()).as_unit("ns"), times.tz)
            if not future.is_unique:
                twice = future[future.duplicated()][0]
                raise TableError(f"{show(twice)} would come twice, as the clock changes there")
    except (ValueError, OverflowError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(f"{count} steps after {show(times[after])}: {error}") from error
    return future


def positions(times: pd.Index[Any], step: Step) -> Integers | None:
    """Number of steps from the first time to each, or None where one is not on that grid."""
    if isinstance(step, int):
        return _divided([int(time) for time in times], step)
    assert isinstance(times, pd.DatetimeIndex)
    if is_elapsed(step):
        elapsed = times.tz_convert(None) if times.tz is not None else times
        return _divided(elapsed.as_unit("ns").asi8, step.nanos)
    wall = wall_clock(times)
    if isinstance(step, pd.offsets.Day):
        return _divided(wall.as_unit("ns").asi8, step.n * DAY_NS)
    if isinstance(step, Timetable):
        slots = step.positions(wall)
        if slots is None or (np.diff(slots) < 1).any():  # an hour that comes twice
            return None
        return slots - slots[0]
    first = wall[0]
    if "day" in step.kwds and first.day != min(step.kwds["day"], first.days_in_month):
        return None  # to pandas every day is on such an offset
    at = _grid(first, wall[-1], step).get_indexer(wall)
    return None if (at < 0).any() else at.astype(np.int64) - at[0]


def is_even(step: Step) -> TypeGuard[pd.offsets.Tick | pd.offsets.Day]:
    """Whether a step is of days, hours or shorter, so that it has one length."""
    return isinstance(step, (pd.offsets.Tick, pd.offsets.Day))  # a day is a tick before pandas 3


def even_step(size: int) -> pd.offsets.BaseOffset:
    """Step of so many nanoseconds, in days where it is made of whole ones."""
    days, rest = divmod(size, DAY_NS)
    return to_offset(pd.Timedelta(size)) if rest else pd.offsets.Day(days)


def is_elapsed(step: Step) -> TypeGuard[pd.offsets.Tick]:
    """Whether a step is elapsed time, else it follows the clock on the wall."""
    return isinstance(step, pd.offsets.Tick) and not isinstance(step, pd.offsets.Day)


def wall_clock(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Times without zone, as a clock on the wall shows them.

    Those that a change of the clock has moved are put back to the hour that most others have.
    """
    if times.tz is None:
        return times
    wall = times.tz_localize(None)
    days = wall.normalize()
    hours = (wall - days).asi8
    found, counts = np.unique(hours, return_counts=True)
    if len(found) == 1 or len(found) > MAX_HOURS_OF_DAY:
        return wall
    for i in np.argsort(-counts, kind="stable"):
        usual = days + np.timedelta64(int(found[i]), wall.unit)
        moved = (hours != found[i]) & (_first_instant(usual, times.tz) == times)
        if moved.any() and (counts[i] > len(times) // 2 or (moved | (wall == usual)).all()):
            return wall.where(~moved, usual)
    return wall


def localized(wall: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    """Give times by the clock on the wall a zone, if there is one.

    Raises
    ------
    TableError
        When there is no such day there.
    """
    if zone is None:
        return wall
    times = _first_instant(wall, zone)
    moved = times.tz_localize(None) - wall
    wrong = np.flatnonzero((moved < pd.Timedelta(0)) | (moved > MAX_CLOCK_SHIFT))
    if wrong.size:
        raise TableError(f"{show(wall[wrong[0]])} does not exist in {zone}")
    return times


def may_be_a_change_of_the_clock(time: Any) -> bool:
    """Whether a date without zone is in a night in which clocks are often changed."""
    return (
        isinstance(time, pd.Timestamp)
        and time.tz is None
        and time.weekday() == CLOCK_CHANGE_WEEKDAY
        and time.month in CLOCK_CHANGE_MONTHS
        and time.hour <= CLOCK_CHANGE_LATEST_HOUR
    )


def _first_instant(wall: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    first = np.ones(len(wall), dtype=bool)
    return wall.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")


def _numbers_after(times: pd.Index[Any], step: int, count: int) -> pd.Index[Any]:
    last = int(times[0])
    kind = np.dtype(np.uint64 if times.dtype == np.uint64 else np.int64)
    limit = int(np.iinfo(kind).max)
    if last + step * count > limit:
        raise OverflowError(f"beyond {limit}, the largest whole number of 64 bits")
    return pd.Index(np.array([last + step * k for k in range(1, count + 1)], dtype=kind))


def _divided(times: Any, size: int) -> Integers | None:
    """Steps of one size from the first to each, None where one lies between two."""
    first = int(times[0])
    if isinstance(times, list):  # numbers whose distance may be too large for 64 bits
        apart = [time - first for time in times]
        if any(each % size for each in apart) or max(apart) // size > np.iinfo(np.int64).max:
            return None
        return np.array([each // size for each in apart], dtype=np.int64)
    count, remainder = np.divmod(times - first, size)
    return None if remainder.any() else np.asarray(count)


def _grid(first: pd.Timestamp, last: pd.Timestamp, step: pd.offsets.BaseOffset) -> pd.DatetimeIndex:
    """Dates of a step, among them those from ``first`` to ``last`` that are on its grid."""
    try:
        if step.n == 1 and not step.kwds.get("months"):
            # Every series has the same grid, so that whole years are shared by many.
            first, last = first.replace(month=1, day=1), last.replace(month=12, day=31)
        return _dates(first, last, step)
    except (ValueError, OverflowError) as error:
        raise TableError(f"dates up to {show(last)} at {describe(step)}: {error}") from error


@lru_cache(maxsize=256)  # to step through dates is slow
def _dates(
    first: pd.Timestamp, last: pd.Timestamp, step: pd.offsets.BaseOffset
) -> pd.DatetimeIndex:
    return pd.date_range(first, last, freq=step)
