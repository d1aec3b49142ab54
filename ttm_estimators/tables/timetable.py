"""Times that come again every week, such as Mondays to Saturdays, or nine to five on weekdays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Integers = npt.NDArray[np.int64]

MONDAY = pd.Timestamp("1969-12-29")
"""A Monday from which weeks are counted."""

WEEK = 7 * 86_400 * 10**9
DAY = 86_400 * 10**9
"""Nanoseconds."""

WEEKS_TO_SEE = 3
"""Weeks over which times have to keep to a timetable before it is taken for one (ours: fewer than
that are more likely weeks with gaps)."""

WEEKS_WITH_GAPS = 4
"""The same where other times are absent too."""

MOST_TIMES = 7 * 24 * 60
"""Times in a week at most: every minute."""

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Timetable:
    """Times of a week, by the clock on the wall."""

    slots: tuple[int, ...]
    """Nanoseconds after the start of Monday, in order."""

    @property
    def freqstr(self) -> str:
        """Days and hours in words."""
        slots = np.array(self.slots)
        days = [DAYS[day] for day in np.unique(slots // DAY)]
        hours = [str(pd.Timestamp(int(hour)).time())[:5] for hour in np.unique(slots % DAY)]
        if len(hours) == 1:
            return f"{' '.join(days)} at {hours[0]}" if hours[0] != "00:00" else " ".join(days)
        if len(slots) < len(days) * len(hours):
            return f"{' '.join(days)} at {len(slots)} times a week"
        return f"{' '.join(days)} from {hours[0]} to {hours[-1]}"

    def as_offset(self) -> pd.offsets.BaseOffset | None:
        """The same as an offset of pandas, if there is one: certain days at one hour."""
        slots = np.array(self.slots)
        if len(np.unique(slots % DAY)) > 1:
            return None
        days = " ".join(DAYS[day] for day in slots // DAY)
        return pd.offsets.CustomBusinessDay(weekmask=days)

    def place(self, wall: pd.DatetimeIndex) -> Integers | None:
        """Count times from a fixed Monday on, or None where one is not in the timetable."""
        weeks, rest = _parts(wall)
        slots = np.array(self.slots)
        at = np.searchsorted(slots, rest).clip(max=len(slots) - 1)
        if (slots[at] != rest).any():
            return None
        return weeks * len(slots) + at

    def times(self, places: Integers) -> pd.DatetimeIndex:
        """Times at places, without zone.

        Raises
        ------
        OverflowError
            When one lies beyond the dates that pandas knows.
        """
        weeks, at = np.divmod(places, len(self.slots))
        last = pd.Timestamp.max.value - MONDAY.value - WEEK
        if (np.abs(weeks) > last // WEEK).any():
            raise OverflowError("a date beyond those that pandas knows")
        nanoseconds = weeks * WEEK + np.array(self.slots)[at] + MONDAY.value
        return pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))


def find_timetable(wall: pd.DatetimeIndex, step: int, *, gaps: bool) -> Timetable | None:
    """Find the times of the week at which something is recorded at all.

    Parameters
    ----------
    wall : DatetimeIndex
        Sorted times without zone.
    step : int
        Nanoseconds between neighbours, where both are there.
    gaps : bool
        Whether other times may be absent too. Then the timetable has to explain most of what is.
    """
    weeks, rest = _parts(wall)
    slots = np.unique(rest)
    seen = weeks[-1] - weeks[0] + 1
    span = int((wall[-1] - wall[0]).value)
    if span < WEEKS_TO_SEE * WEEK - DAY or len(slots) > MOST_TIMES or seen * len(slots) < 2:
        return None
    found = Timetable(tuple(slots.tolist()))
    places = found.place(wall)
    assert places is not None
    absent = int(places[-1] - places[0]) + 1 - len(wall)
    if absent == 0:
        return found
    explained = span // step + 1 - len(wall) - absent
    if not gaps or span < WEEKS_WITH_GAPS * WEEK - DAY or explained <= absent:
        return None
    return found


def never_seen(wall: pd.DatetimeIndex, step: int) -> str:
    """A time of the week at which nothing was recorded, if there is more of such than else absent.

    Parameters
    ----------
    wall : DatetimeIndex
        Sorted times without zone.
    step : int
        Nanoseconds between neighbours.
    """
    if WEEK % step or (wall.as_unit("ns").asi8 % step != wall[:1].as_unit("ns").asi8 % step).any():
        return ""
    _, rest = _parts(wall)
    span = int((wall[-1] - wall[0]).value) // step + 1
    every = rest[0] % step + np.arange(WEEK // step) * step
    passed = (rest[0] // step + np.arange(span)) % len(every)
    counts = np.bincount(passed, minlength=len(every))
    closed = ~np.isin(every, rest) & (counts > 1)
    if counts[closed].sum() * 2 <= span - len(wall):
        return ""
    first = pd.Timestamp(int(every[closed][0]) + MONDAY.value)
    return f"{first:%A}" if step == DAY else f"{first:%A} at {first:%H:%M}"


def _parts(wall: pd.DatetimeIndex) -> tuple[Integers, Integers]:
    """Weeks since a fixed Monday, and nanoseconds into them."""
    since = wall.as_unit("ns").asi8 - MONDAY.value
    weeks, rest = np.divmod(since, WEEK)
    return weeks, rest
