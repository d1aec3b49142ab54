"""Candidate frequencies of some times. One counts only if it makes exactly these times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas import offsets
from pandas.tseries.frequencies import to_offset

from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.steps import (
    Step,
    describe,
    last_week_of_month,
    positions,
    show,
    wall_clock,
)
from ttm_estimators.tables.timetable import DAY_NS, find_timetable

SHORTEST_MONTH_DAYS = 28

WEEKDAY_OFFSETS = (offsets.Week, offsets.WeekOfMonth, offsets.LastWeekOfMonth)
"""Frequencies of weekdays, of which few dates may fit several."""

MIN_WEEKS_OF_MONTHS = 4
"""Weeks from the first (or last) weekday of a month to that of the next."""


def is_exact(times: pd.Index[Any], step: Step) -> bool:
    """Whether a step makes exactly some times, without a gap."""
    at = positions(times, step)
    return at is not None and int(at[-1]) == len(times) - 1


def find_step(times: pd.Index[Any]) -> Step | None:
    """Frequency of three or more sorted times without a gap, or None.

    Raises
    ------
    TableError
        When two frequencies fit, of which neither is the usual one.
    """
    rules = list(exact_rules(times))
    equal = [rule for rule in rules if isinstance(rule, WEEKDAY_OFFSETS)]
    if len(equal) > 1 and rules[0] is equal[0]:
        raise TableError(
            f"dates such as {show(times[-1])} may be of frequency "
            f"{' or '.join(map(describe, equal))}",
            f"choose with {' or '.join(f'freq={describe(rule)!r}' for rule in equal)}",
        )
    return rules[0] if rules else None


def exact_rules(times: pd.Index[Any]) -> Iterator[Step]:
    """Frequencies that make exactly these times, the usual one first."""
    if len(times) < 3:
        return
    for rule in _candidates(times):
        if is_exact(times, rule):
            yield rule


def _candidates(times: pd.Index[Any]) -> Iterator[Step]:
    """Frequencies that some times may have."""
    if not isinstance(times, pd.DatetimeIndex):
        size = int(times[1]) - int(times[0])
        if size > 0:
            yield size
        return
    wall = wall_clock(times)
    sizes = np.unique(np.diff(wall.as_unit("ns").asi8))
    elapsed = np.unique(np.diff(times.as_unit("ns").asi8))
    if len(sizes) == 1 and sizes[0] > 0 and sizes[0] % DAY_NS == 0:
        days = int(sizes[0] // DAY_NS)
        # Two months of 31 days look like steps of 31 days, and three years like steps of 365.
        if days >= SHORTEST_MONTH_DAYS and (wall.day == wall.day[0]).all():
            yield from _of_months(wall)
        weeks, rest = divmod(days, 7)
        yield offsets.Day(days) if rest else offsets.Week(weeks, weekday=wall[0].weekday())
        if not rest and weeks >= MIN_WEEKS_OF_MONTHS:
            yield from _of_months(wall)
        return
    if len(elapsed) == 1 and elapsed[0] > 0:
        yield _of_elapsed(int(elapsed[0]))
        return
    if len(np.unique((wall - wall.normalize()).asi8)) == 1:
        yield from _of_business_days(wall)
        yield from _of_months(wall)
        yield from _of_half_months(wall)
    found = find_timetable(wall, int(sizes[sizes > 0].min(initial=DAY_NS)), gaps=False)
    if found is not None:
        yield found


def _of_elapsed(size: int) -> Step:
    days, rest = divmod(size, DAY_NS)
    return to_offset(pd.Timedelta(size)) if rest else offsets.Hour(24 * days)


def _of_business_days(wall: pd.DatetimeIndex) -> Iterator[Step]:
    if (wall.day_of_week < 5).all():
        days = wall.normalize().to_numpy().astype("M8[D]")
        apart = np.unique(np.busday_count(days[:-1], days[1:]))
        if len(apart) == 1:
            yield offsets.BusinessDay(int(apart[0]))


def _of_months(wall: pd.DatetimeIndex) -> Iterator[Step]:
    """Starts and ends of months, days of them, and weekdays of their first, second or last week."""
    count = wall.year * 12 + wall.month
    apart = np.unique(np.diff(count))
    if len(apart) > 1 or apart[0] < 1:
        return
    months, month, weekday = int(apart[0]), int(wall[0].month), wall[0].weekday()
    # pandas names quarters by the first month that they end or begin in, and years by their own.
    quarter = months % 3 == 0 and months % 12 != 0
    anchors: dict[str, tuple[int, dict[str, int]]] = {
        "Month": (months, {}),
        "Quarter": (months // 3, {"startingMonth": month}),
        "Year": (months // 12, {"month": month}),
    }
    unit = "Year" if months % 12 == 0 else "Quarter" if quarter else "Month"
    number, anchor = anchors[unit]
    for kind, edge in (("", "Begin"), ("", "End"), ("B", "Begin"), ("B", "End")):
        own = dict(anchor)
        if unit == "Quarter":
            own["startingMonth"] = _first_of_year(month, edge)
        yield getattr(offsets, f"{kind}{unit}{edge}")(number, **own)
    yield same_day(months, wall)
    if (wall.day_of_week == weekday).all():
        weeks = np.unique((wall.day - 1) // 7)
        if len(weeks) == 1 and weeks[0] < 4:
            yield offsets.WeekOfMonth(months, week=int(weeks[0]), weekday=weekday)
        yield last_week_of_month(months, weekday)


def _first_of_year(month: int, edge: str) -> int:
    """Month by which pandas names quarters with an edge in one: the first or last of a year."""
    rest = month % 3
    return {0: 12, 1: 10, 2: 11}[rest] if edge == "End" else rest or 3


def _of_half_months(wall: pd.DatetimeIndex) -> Iterator[Step]:
    days = [int(day) for day in np.unique(wall.day) if 1 < day < SHORTEST_MONTH_DAYS]
    if len(days) == 1:
        yield offsets.SemiMonthBegin(day_of_month=days[0])
        yield offsets.SemiMonthEnd(day_of_month=days[0])


def same_day(months: int, times: pd.DatetimeIndex) -> pd.DateOffset:
    """The same day of every month, which has no alias; a shorter month has its last one."""
    return pd.DateOffset(months=months, day=int(times.day.max()))
