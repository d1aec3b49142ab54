"""Frequencies of the series of a panel, and errors where times have none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas import offsets

from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.rules import exact_rules, find_step, is_exact, same_day
from ttm_estimators.tables.steps import (
    Step,
    describe,
    even_step,
    follow,
    is_elapsed,
    is_even,
    may_be_a_change_of_the_clock,
    positions,
    show,
    wall_clock,
)
from ttm_estimators.tables.timetable import DAY_NS, Timetable, find_timetable, never_seen

MAX_ROWS_FROM_ONE = 100
"""Times as many rows that a series may have after its gaps are filled."""

MAX_JITTER_FRACTION = 0.1
"""Fraction of a step by which times may be off for a message that suggests to round them."""

MAX_JITTER_NS = 5 * 60 * 10**9
"""Nanoseconds by which these times may be off."""


MAX_SERIES_TO_TRY = 8
"""Series whose frequency is looked for, from the longest one on, where longer ones have none."""


class Times(NamedTuple):
    """Sorted times of one series, and what messages call it."""

    name: str
    times: pd.Index[Any]


def find_steps(
    series: Sequence[tuple[str, pd.Index[Any]]],
    given: Step | None = None,
    *,
    gaps: bool = False,
    usual: tuple[str, Step] | None = None,
) -> list[Step]:
    """Find the frequency of every series of a panel.

    It is that of the longest series, unless one is given or known of another part of the table.
    Other series may have other anchors (weeks on other days, month starts or ends), and short ones
    only have to fit.

    Parameters
    ----------
    series : sequence of (str, Index)
        Names and sorted times.
    given : Step, optional
        Frequency that the user asks for.
    gaps : bool, default False
        Whether times may be absent.
    usual : (str, Step), optional
        A series of another part of the table, and its frequency.

    Raises
    ------
    TableError
        When a series has gaps, uneven steps, too few rows or another frequency than the panel.
        The message names it.
    """
    members = [Times(*one) for one in series]
    dates = isinstance(members[0].times, pd.DatetimeIndex)
    if given is not None and dates == isinstance(given, int):
        raise TableError(
            f"the frequency {describe(given)} does not fit times such as "
            f"{show(members[0].times[0])}",
            "give a pandas alias for dates, a whole number for whole numbers",
        )
    longest = max(members, key=lambda one: len(one.times))
    if usual is not None and dates == isinstance(usual[1], int):
        usual = None  # then times are not those of the other part, which their type tells
    name, common = usual or (longest.name, given or _of_longest(longest))
    common = given or common
    whole = _fit(members, common)
    return [
        common if fits else _fitting(one, common, name, given, gaps)
        for one, fits in zip(members, whole, strict=True)
    ]


def usual_step(series: Sequence[tuple[str, pd.Index[Any]]]) -> tuple[str, Step] | None:
    """Longest of some series that has a frequency, and which, None where none has."""
    members = sorted((Times(*one) for one in series), key=lambda one: -len(one.times))
    for one in members[:MAX_SERIES_TO_TRY]:
        with suppress(TableError):
            return one.name, _of_longest(one)
    return None


def _of_longest(longest: Times) -> Step:
    try:
        return find_step(longest.times) or _typical(longest)
    except TableError as error:
        if error.fault.startswith("series"):
            raise
        raise TableError(f"series {longest.name!r}: {error.fault}", error.remedy) from None


def _fit(members: list[Times], step: Step) -> npt.NDArray[np.bool_]:
    """Which series have exactly this step. It is fast for thousands of series."""
    sizes = np.array([len(one.times) for one in members])
    fits = np.zeros(len(members), dtype=bool)
    every = members[0].times.append([one.times for one in members[1:]])
    if isinstance(step, int):
        return np.array([is_exact(one.times, step) for one in members])
    single = not (isinstance(step, Timetable) or is_even(step)) and step.n == 1
    if not isinstance(every, pd.DatetimeIndex):
        return fits
    if is_elapsed(step):
        at, size = every.as_unit("ns").asi8, step.nanos
    elif isinstance(step, offsets.Day):
        at, size = wall_clock(every).as_unit("ns").asi8, step.n * DAY_NS
    elif isinstance(step, Timetable) or (single and not step.kwds.get("months")):
        order = np.argsort(every.asi8, kind="stable")
        found = positions(every[order], step)
        if found is None:
            return np.array([is_exact(one.times, step) for one in members])
        at, size = np.empty_like(found), 1
        at[order] = found
    else:
        return np.array([is_exact(one.times, step) for one in members])
    wrong = np.flatnonzero(np.diff(at) != size)
    ends = np.cumsum(sizes)
    inside = np.setdiff1d(wrong, ends[:-1] - 1, assume_unique=True)
    fits[:] = True
    fits[np.searchsorted(ends, inside, side="right")] = False
    return fits


def _fitting(one: Times, common: Step, longest: str, given: Step | None, gaps: bool) -> Step:
    """Frequency of a series whose times are not exactly those of the panel's frequency."""
    name, times = one
    try:
        own = find_step(times)
    except TableError:
        own = None
    if own is not None and given is None and _family(own) == _family(common):
        return own
    grids = ((step, positions(times, step)) for step in _variants(common, times))
    step, at = next(((step, at) for step, at in grids if at is not None), (common, None))
    if at is not None and at[-1] == len(times) - 1:
        return step
    on_grid = at is not None and at[-1] < MAX_ROWS_FROM_ONE * len(times)
    if gaps and on_grid and (own is None or given is not None):
        if given is None:
            _refuse_what_may_never_occur(one, step)
        return step
    if own is not None and given is not None:
        raise TableError(
            f"series {name!r} has the frequency {describe(own)}, not {describe(given)}",
            "leave freq= out, or resample the table",
        )
    if own is not None:
        raise TableError(
            f"mixed frequencies: series {name!r} has {describe(own)} and series {longest!r} "
            f"{describe(common)}",
            "forecast them from separate tables",
        )
    raise _first_fault(name, times, step, on_grid)


def _refuse_what_may_never_occur(one: Times, step: Step) -> None:
    """Refuse to fill gaps that may be closing hours of a shop, where too few weeks are known."""
    name, times = one
    if not is_even(step) or not isinstance(times, pd.DatetimeIndex):
        return
    never = never_seen(wall_clock(times), step.nanos)
    if never:
        raise TableError(
            f"series {name!r} never has a row on {never}, which may be a gap or never occur",
            f"give freq='{describe(step)}' if it is a gap, or more weeks",
        )


def _first_fault(name: str, times: pd.Index[Any], step: Step, on_grid: bool) -> TableError:
    """Error at the first time that is not on the grid."""
    if positions(times[:1], step) is None:
        return TableError(
            f"series {name!r}: {show(times[0])} is no date of frequency {describe(step)}",
            "give the right one with freq=",
        )
    expected = follow(times, step, len(times), after=0)
    k = int(np.argmax(expected[:-1] != times[1:]))
    if on_grid:
        remedy = (
            "add the missing rows, of 0 if nothing happened then, or use fill_gaps=True to treat "
            "them as missing values"
        )
        if is_elapsed(step) and may_be_a_change_of_the_clock(expected[k]):
            remedy += "; if the clock was changed there, give timezone="
        if isinstance(step, (offsets.BusinessDay, Timetable)):
            remedy += "; if it is a holiday, no_time=True counts rows"
        return TableError(
            f"series {name!r} has gaps: {show(expected[k])} is missing at frequency "
            f"{describe(step)}",
            remedy,
        )
    jitter = _jitter(times)
    remedy = "correct or aggregate it, or give the right freq="
    if _are_some_days(times):
        remedy += ", or add rows of 0 for days on which nothing happened"
    if jitter:
        remedy = f"round the times with round_time='{jitter}', or correct them"
    elif _are_days_elsewhere(times):
        remedy = (
            "name the zone by whose clock days begin with timezone=, such as "
            "timezone='Europe/Berlin'"
        )
    elif _is_one_a_month(times):
        remedy = "if each month has one row, take its month for the date with round_time='MS'"
    return TableError(
        f"series {name!r} is not evenly spaced: after {show(times[k])} comes "
        f"{show(times[k + 1])}, where {show(expected[k])} is expected at frequency "
        f"{describe(step)}",
        remedy,
    )


def _are_some_days(times: pd.Index[Any]) -> bool:
    """Whether times are days at all distances, such as those on which something was sold."""
    if not isinstance(times, pd.DatetimeIndex):
        return False
    distances, counts = np.unique(np.diff(times.as_unit("ns").asi8), return_counts=True)
    return bool((distances % DAY_NS == 0).all()) and 2 * counts.max() < counts.sum()


def _is_one_a_month(times: pd.Index[Any]) -> bool:
    """Whether there is one date in every month, whichever day it is."""
    if not isinstance(times, pd.DatetimeIndex) or len(times) < 3:
        return False
    return bool((np.diff(times.year * 12 + times.month) == 1).all())


def _are_days_elsewhere(times: pd.Index[Any]) -> bool:
    """Whether times are days by the clock of another zone, whose offset changes by an hour."""
    if not isinstance(times, pd.DatetimeIndex) or times.tz is None:
        return False
    hours = np.diff(times.as_unit("ns").asi8) / (DAY_NS // 24)
    return bool(np.isin((hours + 1) % 24, (0, 1, 2)).all())


def _jitter(times: pd.Index[Any]) -> str | None:
    """Step to round times to, if they are almost evenly spaced."""
    if not isinstance(times, pd.DatetimeIndex) or len(times) < 3:
        return None
    stamps = times.tz_localize(None).as_unit("ns").asi8
    middle = int(np.median(np.diff(stamps)))
    usual = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400]
    size = min((second * 10**9 for second in usual), key=lambda size: abs(size - middle))
    off = np.abs((stamps + size // 2) % size - size // 2)
    if not off.any() or (off > min(MAX_JITTER_FRACTION * size, MAX_JITTER_NS)).any():
        return None
    return describe(even_step(size))


def _typical(one: Times) -> Step:
    """Most frequent frequency of short windows of a series with gaps."""
    name, times = one
    if len(times) < 3:
        raise TableError(
            f"series {name!r} has {len(times)} of the 3 rows that tell a frequency",
            f"give it with freq=, such as freq="
            f"'{'D' if isinstance(times, pd.DatetimeIndex) else 1}'",
        )
    for width in (8, 5, 3):
        starts = np.unique(np.linspace(0, max(0, len(times) - width), 20).astype(int))
        windows = [list(exact_rules(times[start : start + width])) for start in starts]
        # Where several rules fit one window, the right one fits the other windows too.
        fits = [{_family(rule): rule for rule in reversed(rules)} for rules in windows]
        families = Counter(family for rules in fits for family in rules)
        if not families:
            continue
        usual = families.most_common(1)[0][0]
        found = next(rules[usual] for rules in fits if usual in rules)
        present = [(start, rules) for start, rules in zip(starts, fits, strict=True) if rules]
        for start, rules in present:
            if width == 8 and usual not in rules:
                other = [*rules.values()][-1]
                # A week without its weekend is a gap, unless weekends are gone for good.
                latest = start == present[-1][0]
                if latest or not _mostly_there(times[start : start + width], found):
                    raise TableError(
                        f"series {name!r} has mixed frequencies, {describe(found)} and "
                        f"{describe(other)}",
                        "split or aggregate it, or give the right one with freq= and "
                        "fill_gaps=True",
                    )
        return _or_timetable(times, found)
    sizes, counts = np.unique(np.diff(times.astype(np.int64)), return_counts=True)
    if counts.max() == 1 or _is_one_a_month(times):
        months = "if each month has one row, take its month for the date with round_time='MS'"
        raise TableError(
            f"series {name!r} is not evenly spaced: {', '.join(show(t) for t in times[:3])}",
            months if _is_one_a_month(times) else "correct it, or give freq= and fill_gaps=True",
        )
    size = int(sizes[np.argmax(counts)])
    if not isinstance(times, pd.DatetimeIndex):
        return size
    return _or_timetable(times, even_step(pd.Timedelta(size, unit=times.unit).value))


def _mostly_there(times: pd.Index[Any], step: Step) -> bool:
    """Whether less than half of the times of a step are absent, as for days without weekends."""
    at = positions(times, step)
    return at is not None and int(at[-1]) < 2 * len(times)


def _or_timetable(times: pd.Index[Any], step: Step) -> Step:
    """The step, or a timetable if its times occur only at certain hours of the week."""
    if is_even(step) and isinstance(times, pd.DatetimeIndex):
        return find_timetable(wall_clock(times), step.nanos, gaps=True) or step
    return step


def _family(step: Step) -> tuple[int, str]:
    """Length and unit of a step without its anchor: 3 months for a quarter."""
    if isinstance(step, int):
        return step, "steps"
    if isinstance(step, Timetable):
        return 1, step.freqstr
    months = re.search(r"months=(\d+)", step.freqstr)
    if months:
        return int(months[1]), "months"
    anchored = re.fullmatch(r"(\d*)(?:(W)|B?([MQY])[SE])(?:-\w+)?", step.freqstr)
    if anchored is None:
        return 1, step.freqstr
    number, week, period = int(anchored[1] or 1), anchored[2], anchored[3]
    return (number, "weeks") if week else (number * {"M": 1, "Q": 3, "Y": 12}[period], "months")


def _variants(step: Step, times: pd.Index[Any]) -> Iterator[Step]:
    """The step, then steps of the same length with other anchors, such as those of the times."""
    yield step
    number, unit = _family(step)
    if unit == "weeks":
        yield from (offsets.Week(number, weekday=day) for day in range(7))
    elif unit == "months" and isinstance(times, pd.DatetimeIndex):
        yield offsets.MonthBegin(number)
        yield offsets.MonthEnd(number)
        yield offsets.BMonthBegin(number)
        yield offsets.BMonthEnd(number)
        yield same_day(number, wall_clock(times))
