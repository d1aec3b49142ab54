"""Times that repeat every week, such as Mondays to Saturdays, or nine to five on weekdays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Integers = npt.NDArray[np.int64]

MONDAY = pd.Timestamp("1969-12-29")
"""A Monday from which weeks are counted."""

DAY_NS = 86_400 * 10**9
WEEK_NS = 7 * DAY_NS

MIN_WEEKS = 3
"""Weeks of data that a timetable needs (ours: fewer are more likely weeks with gaps)."""

MIN_WEEKS_WITH_GAPS = 4
"""Weeks of data that it needs where other times are absent too."""

MAX_TIMES_A_WEEK = 7 * 24 * 60
"""Every minute."""

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
        days = [DAYS[day] for day in np.unique(slots // DAY_NS)]
        hours = [str(pd.Timestamp(int(hour)).time())[:5] for hour in np.unique(slots % DAY_NS)]
        if len(hours) == 1:
            return f"{' '.join(days)} at {hours[0]}" if hours[0] != "00:00" else " ".join(days)
        if len(slots) < len(days) * len(hours):
            return f"{' '.join(days)} at {len(slots)} times a week"
        return f"{' '.join(days)} from {hours[0]} to {hours[-1]}"

    def as_offset(self) -> pd.offsets.BaseOffset | None:
        """The same as an offset of pandas, if there is one: certain days at one hour."""
        slots = np.array(self.slots)
        if len(np.unique(slots % DAY_NS)) > 1:
            return None
        days = " ".join(DAYS[day] for day in slots // DAY_NS)
        return pd.offsets.CustomBusinessDay(weekmask=days)

    def positions(self, wall: pd.DatetimeIndex) -> Integers | None:
        """Count times from a fixed Monday on, or None where one is not in the timetable."""
        weeks, rest = _parts(wall)
        slots = np.array(self.slots)
        at = np.searchsorted(slots, rest).clip(max=len(slots) - 1)
        if (slots[at] != rest).any():
            return None
        return weeks * len(slots) + at

    def times(self, positions: Integers) -> pd.DatetimeIndex:
        """Times without zone: the reverse of :meth:`positions`.

        Raises
        ------
        OverflowError
            When one lies beyond the dates that pandas knows.
        """
        weeks, at = np.divmod(positions, len(self.slots))
        last = pd.Timestamp.max.value - MONDAY.value - WEEK_NS
        if (np.abs(weeks) > last // WEEK_NS).any():
            raise OverflowError("a date beyond those that pandas knows")
        nanoseconds = weeks * WEEK_NS + np.array(self.slots)[at] + MONDAY.value
        return pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))


def find_timetable(wall: pd.DatetimeIndex, step: int, *, gaps: bool) -> Timetable | None:
    """Find the times of the week at which anything is recorded.

    Parameters
    ----------
    wall : DatetimeIndex
        Sorted times without zone.
    step : int
        Nanoseconds between neighbours, where both are there.
    gaps : bool
        Whether other times may be absent too. The timetable must then explain most absent times.
    """
    weeks, rest = _parts(wall)
    slots = np.unique(rest)
    seen = weeks[-1] - weeks[0] + 1
    span = int((wall[-1] - wall[0]).value)
    if (
        span < MIN_WEEKS * WEEK_NS - DAY_NS
        or len(slots) > MAX_TIMES_A_WEEK
        or seen * len(slots) < 2
    ):
        return None
    found = Timetable(tuple(slots.tolist()))
    at = found.positions(wall)
    assert at is not None
    absent = int(at[-1] - at[0]) + 1 - len(wall)
    if absent == 0:
        return found
    explained = span // step + 1 - len(wall) - absent
    if not gaps or span < MIN_WEEKS_WITH_GAPS * WEEK_NS - DAY_NS or explained <= absent:
        return None
    return found


def never_seen(wall: pd.DatetimeIndex, step: int) -> str:
    """A time of the week without any row, if such times are more than half of all absent ones.

    Parameters
    ----------
    wall : DatetimeIndex
        Sorted times without zone.
    step : int
        Nanoseconds between neighbours.
    """
    if (
        WEEK_NS % step
        or (wall.as_unit("ns").asi8 % step != wall[:1].as_unit("ns").asi8 % step).any()
    ):
        return ""
    _, rest = _parts(wall)
    span = int((wall[-1] - wall[0]).value) // step + 1
    every = rest[0] % step + np.arange(WEEK_NS // step) * step
    passed = (rest[0] // step + np.arange(span)) % len(every)
    counts = np.bincount(passed, minlength=len(every))
    closed = ~np.isin(every, rest) & (counts > 1)
    if counts[closed].sum() * 2 <= span - len(wall):
        return ""
    first = pd.Timestamp(int(every[closed][0]) + MONDAY.value)
    return f"{first:%A}" if step == DAY_NS else f"{first:%A} at {first:%H:%M}"


def _parts(wall: pd.DatetimeIndex) -> tuple[Integers, Integers]:
    """Weeks since a fixed Monday, and nanoseconds into them."""
    since = wall.as_unit("ns").asi8 - MONDAY.value
    weeks, rest = np.divmod(since, WEEK_NS)
    return weeks, rest
