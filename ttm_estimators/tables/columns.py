"""Choose the columns of time, ids and values, and say why others were left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ttm_estimators.tables.clock import is_time_of_day, parts_of_date
from ttm_estimators.tables.dates import first_cell, may_hold_dates, refuse_missing
from ttm_estimators.tables.errors import MAX_NAMES_IN_A_MESSAGE, TableError, quoted
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.numbers import (
    Array,
    Numbers,
    check_numbers,
    doubtful_dots,
    is_number,
    read_numbers,
)

TIME_NAMES = (
    *("time", "timestamp", "datetime", "date", "ds", "ts", "period", "step", "index"),
    *("epoch", "unix_time", "unixtime"),
    *("year", "quarter", "month", "week", "day", "hour"),
)
ID_NAMES = ("unique_id", "item_id", "series_id", "id", "series", "item")
VALUE_NAMES = ("value", "target", "y")

WORDS_OF_ACTUALS = frozenset(("actual", "actuals", "ist", "observed", "realised", "realized"))
"""Words in the name of what has happened, beside which a "target" may be a plan."""

PARTS_OF_DATES = ("year", "quarter", "month", "week", "day", "hour")
"""Names of columns that may repeat what the date says."""

NOTHING_IN_IT = "nothing in it"
"""Why a column without any cell is left out."""

NOT_THE_VALUE = "not the value"
"""Why a column of numbers is left out beside one with the usual name of a value."""

SAME_IN_ALL_ROWS = "the same in all rows"
"""Why a column of a single cell is no id."""

MAX_SUGGESTED_IDS = 3
"""Columns that are suggested together as ids."""

MAX_REPEATED_FRACTION = 0.5
"""Fraction of rows with the same time and ids as another row, beyond which an id is missing."""

MIN_REPEATED_FRACTION = 0.1
"""The same fraction without one of several ids, at which that one is an id for sure."""

MAX_ID_FRACTION = 0.5
"""Distinct cells of a column, as a fraction of all rows, up to which it is suggested as an id."""

MIN_PANEL_FRACTION = 0.5
"""Rows, as a fraction of one for each time and cell of a column of numbers, from which on it is
suggested as an id."""

YEAR_NAME = r"year|jahr|(?:^|[^a-z])(?:fy|yr)(?:[^a-z]|$)"
"""Names of columns of years."""

DAYS_OF_A_YEAR = 366

UNREADABLE = (bytes, bytearray, list, tuple, dict, set, np.ndarray, pd.Timedelta)
"""Types of cells that are neither numbers nor text."""


@dataclass
class Chosen:
    """Columns by their use."""

    time: list[str]
    """One, or several that make a date together. Empty where rows are counted."""

    ids: list[str]
    values: dict[str, Array]

    left_out: dict[str, str] = field(default_factory=dict)
    """Columns of no use, and why."""

    notes: dict[str, str] = field(default_factory=dict)
    """How values were read."""

    covariates: list[str] = field(default_factory=list)

    not_ids: dict[str, str] = field(default_factory=dict)
    """Those left out that could have been ids, and why they are not."""

    may_be_values: list[str] = field(default_factory=list)
    """Those left out that are numbers."""


@dataclass(frozen=True)
class Signs:
    """Signs of numbers, where they were given."""

    decimal: str | None = None
    thousands: str | None = None

    def __post_init__(self) -> None:
        for name in ("decimal", "thousands"):
            sign = getattr(self, name)
            if sign is not None and (not isinstance(sign, str) or len(sign) != 1):
                raise TableError(f"{name} {sign!r} is no single sign", "give one such as ','")
        if self.decimal is not None and self.decimal == self.thousands:
            raise TableError(f"{self.decimal!r} can not be the decimal sign and part thousands too")


def names_of(frame: pd.DataFrame) -> list[str]:
    """Names of columns, which are text in a :class:`~ttm_estimators.tables.files.Table`."""
    return [str(name) for name in frame.columns]


def may_hold_time(name: str, column: Any) -> bool:
    """Whether a column is of dates, or has a usual name of one."""
    return name.strip().lower() in TIME_NAMES or may_hold_dates(column)


def find_time(frame: pd.DataFrame, others: Sequence[str]) -> list[str]:
    """Choose the only column of dates, the one with a usual name, or those that make a date.

    Raises
    ------
    TableError
        When there is none, or more than one way.
    """
    free = [name for name in names_of(frame) if name not in others]
    named = _named(free, TIME_NAMES)
    clocks = [name for name in free if is_time_of_day(frame[name])]
    dates = [name for name in free if name not in clocks and may_hold_dates(frame[name])]
    if not dates:
        parts = parts_of_date(free)
        if parts and frame[parts[0]].duplicated().any():
            return parts
    candidates = dates or [name for name in named if name not in clocks or _counts(frame[name])]
    if len(candidates) > 1:
        candidates = [name for name in candidates if name in named] or candidates
    if not candidates:
        raise TableError(
            f"no time column among {quoted(names_of(frame))}",
            "name it with time=, or count the rows with no_time=True",
        )
    if len(candidates) > 1:
        raise TableError(
            f"{quoted(candidates)} could all be the time",
            "choose one with time=, which may be given several times for parts of a date",
        )
    return [*candidates, *_clock_of(frame, candidates[0], clocks)]


def _counts(column: pd.Series[Any]) -> bool:
    return types.is_integer_dtype(column) and bool(column.is_unique)


def _clock_of(frame: pd.DataFrame, date: str, clocks: list[str]) -> list[str]:
    """The column with the time of day that goes with a column of days, if there is one."""
    if not clocks or date in clocks or not _only_days(frame[date]):
        return []
    text = [name for name in clocks if not types.is_numeric_dtype(frame[name])]
    if len(text) == 1:
        return text
    if not text and frame[date].duplicated().any():
        text_columns = [
            name for name in names_of(frame) if isinstance(first_cell(frame[name]), str)
        ]
        days = frame.groupby([*dict.fromkeys([date, *text_columns])], observed=True)
        numbers = [name for name in clocks if days[name].nunique().max() > 1]
        if len(numbers) == 1:
            return numbers
    if len(clocks) > 1:
        raise TableError(
            f"{quoted(clocks)} could all be the time of day of {date!r}",
            "choose with time=, given once for the date and once for the time of day",
        )
    return []


def _only_days(column: pd.Series[Any]) -> bool:
    first = column.head(3)
    if types.is_datetime64_any_dtype(column):
        return bool((first.dt.hour == 0).all())
    return not first.astype(str).str.contains(r"\d:\d", regex=True).any() or bool(
        first.astype(str).str.contains(r"[ T]00:00(?::00)?", regex=True).all()
    )


def find_ids(
    frame: pd.DataFrame, time: Sequence[str], values: Sequence[str], repeated: bool
) -> tuple[list[str], dict[str, str]]:
    """Choose the column with a usual name, or of text where several rows share a time.

    Of several, those are the ids that leave each series a single row for each time, where each of
    the others is the same in all rows of a series. Text that reads as numbers, and text with empty
    cells, is no id by itself.

    Returns
    -------
    tuple of list and dict
        Ids, and the columns that could have been, with why they are not.

    Raises
    ------
    TableError
        When there is more than one way.
    """
    free = [name for name in names_of(frame) if name not in (*time, *values)]
    free = [name for name in free if not isinstance(first_cell(frame[name]), UNREADABLE)]
    numeric = [name for name in free if types.is_numeric_dtype(frame[name])]
    named = _named(free, ID_NAMES)
    row_numbers = [name for name in named if name in numeric and frame[name].is_unique]
    candidates = [name for name in named if name not in row_numbers or len(frame) == 1]
    own = list(candidates)
    if repeated and (not own or _repeated_fraction(frame, [*time, *own]) > MAX_REPEATED_FRACTION):
        texts = [name for name in free if name not in numeric and _may_be_id(frame[name])]
        candidates += [name for name in texts if name not in own and not frame[name].isna().any()]
    if len(candidates) < 2:
        return candidates, {}
    constant = [name for name in candidates if frame[name].nunique(dropna=False) == 1]
    varying = [name for name in candidates if name not in constant]
    ids: Sequence[str] | None = varying[:1] or candidates[:1]
    if varying and not repeated:  # nothing tells series apart
        ids = None
    elif len(varying) > 1:
        choices = _enough(frame, time, varying)
        if not choices and len(own) == 1:
            return own, {}
        series = [
            frame.groupby([*each], sort=False, observed=True).ngroup().to_numpy()
            for each in choices
        ]
        alike = bool(choices) and all((each == series[0]).all() for each in series)
        ids = choices[0] if alike and _are_sure(frame, time, choices[0], varying) else None
    if ids is None:
        raise TableError(
            f"{quoted(candidates)} could all identify the series",
            "choose with id=, which may be given several times",
        )
    reasons = dict.fromkeys(candidates, "not needed to tell series apart")
    reasons |= dict.fromkeys(constant, SAME_IN_ALL_ROWS)
    return list(ids), {name: why for name, why in reasons.items() if name not in ids}


def _are_sure(
    frame: pd.DataFrame, time: Sequence[str], ids: Sequence[str], candidates: Sequence[str]
) -> bool:
    """Whether no other candidate varies in a series but by its time, and no id is there for a few
    rows alone, which may have been written twice.
    """
    at_a_time = frame.groupby([*time], sort=False, observed=True)
    others = [
        name
        for name in _few_cells(frame, candidates)
        if name not in ids and (at_a_time[name].nunique() > 1).any()
    ]
    series = frame.groupby([*ids], sort=False, observed=True)
    if others and (series[others].nunique() > 1).any(axis=None):
        return False
    return all(
        _repeated_fraction(frame, [*time, *(one for one in ids if one != name)])
        > MIN_REPEATED_FRACTION
        for name in ids
    )


def _few_cells(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns with so few different cells that they may tell series apart."""
    return [name for name in names if frame[name].nunique() <= MAX_ID_FRACTION * len(frame)]


def _repeated_fraction(frame: pd.DataFrame, names: Sequence[str]) -> float:
    """Rows that share their cells of some columns with another row, as a fraction of all."""
    return float(frame.duplicated([*names], keep=False).mean())


def suggest_ids(
    frame: pd.DataFrame, time: Sequence[str], ids: Sequence[str], values: Sequence[str]
) -> str:
    """Say which columns beside ``ids`` leave each series a single row for each time, if any do.

    The only numbers are no id, and a year is none where times start anew with it.

    Raises
    ------
    TableError
        When one of them has an empty cell.
    """
    free = [
        name
        for name in names_of(frame)
        if name not in (*time, *ids, *values)
        and _may_be_id(frame[name])
        and not may_hold_dates(frame[name])
    ]
    others = [name for name in names_of(frame) if name not in (*time, *ids)]
    read = {name: read_numbers(frame[name]) for name in others}
    numbers = [name for name in others if read[name].count or read[name].doubt]
    free = [
        name
        for name in free
        if not types.is_numeric_dtype(frame[name]) or _recurs(frame, time, name)
    ]
    if not values and len(numbers) == 1:
        free = [name for name in free if name not in numbers]
    free.sort(key=lambda name: frame[name].isna().any())
    return _suggestion(frame, time, free, ids)


def _recurs(frame: pd.DataFrame, time: Sequence[str], name: str) -> bool:
    """Whether most cells of a column come at most times, as those of an id do."""
    times = len(frame[[*time]].drop_duplicates())
    return bool(frame[name].nunique() * times * MIN_PANEL_FRACTION <= len(frame))


def year_before(frame: pd.DataFrame, time: Sequence[str], ids: Sequence[str]) -> str:
    """Say what to do where one of the ids is the year of times that count months, weeks or days
    of it, or nothing.
    """
    if len(time) != 1 or not types.is_integer_dtype(frame[time[0]]):
        return ""
    if not frame[time[0]].between(0, DAYS_OF_A_YEAR).all():
        return ""
    years = [name for name in ids if re.search(YEAR_NAME, name.lower())]
    if not years:
        return ""
    return f"make one date of {years[0]!r} and {time[0]!r}, such as 2024-05-01 for a month"


def _suggestion(
    frame: pd.DataFrame, time: Sequence[str], names: Sequence[str], ids: Sequence[str] = ()
) -> str:
    choices = _enough(frame, [*time, *ids], names)
    if not choices:
        return ""
    # A count that is small enough to be an id makes more series than the id does.
    few = min(choices, key=lambda names: len(frame[[*names]].drop_duplicates()))
    for name in few:
        refuse_missing(frame[name])
    joined = year_before(frame, time, [*ids, *few])
    if joined:
        return joined
    return f"tell series apart with {' '.join(f'id={name!r}' for name in (*ids, *few))}"


def _enough(
    frame: pd.DataFrame, time: Sequence[str], names: Sequence[str]
) -> list[tuple[str, ...]]:
    """Every choice of as few columns as leave each series a single row for each time."""
    few = _few_cells(frame, names)
    for count in range(1, MAX_SUGGESTED_IDS + 1):
        choices = [
            chosen
            for chosen in combinations(few[:MAX_NAMES_IN_A_MESSAGE], count)
            if not frame.duplicated([*time, *chosen]).any()
        ]
        if choices:
            return choices
    return []


def find_values(
    table: Table,
    names: Sequence[str],
    time: Sequence[str],
    ids: Sequence[str],
    signs: Signs,
    index: pd.Index[Any],
) -> Chosen:
    """Choose all numeric columns among some, or the one with a usual name where there is an id.

    Raises
    ------
    TableError
        When none is numeric, when one holds numbers and other text, or with an id when there is
        more than one.
    """
    chosen, frame = Chosen(list(time), list(ids), {}), table.frame
    free = [name for name in names if name not in (*time, *ids)]
    numbers: dict[str, Numbers] = {}
    for name in free:
        reason = _no_value(frame[name])
        if reason:
            chosen.left_out[name] = reason
            continue
        read = read_column(table, name, signs)
        if read.count == 0 and not read.doubt:
            empty = not read.wrong.size
            chosen.left_out[name] = NOTHING_IN_IT if empty else "text"
        elif read.wrong.size >= max(read.count, 1) and not read.doubt:
            cell = str(frame[name].iloc[read.wrong[0]])
            chosen.left_out[name] = f"{read.wrong.size} of {len(frame)} cells such as {cell!r}"
        else:
            numbers[name] = read
    for name in _named(numbers, (*TIME_NAMES, *ID_NAMES)):
        why = _repeats(frame[name], index)
        if why:
            del numbers[name]
            chosen.left_out[name] = why
    named = _named(numbers, VALUE_NAMES)
    if len(numbers) > 1 and (ids or len(named) == 1):
        may_be_a_plan = named == _named(numbers, ["target"]) and any(map(_is_actual, numbers))
        if len(named) != 1 or may_be_a_plan:
            raise TableError(
                f"{quoted(list(numbers))} could all be the value",
                "choose with value=, which may be given several times",
            )
        chosen.left_out |= {name: NOT_THE_VALUE for name in numbers if name not in named}
        numbers = {named[0]: numbers[named[0]]}
    if not numbers:
        if len(free) == 1 and chosen.left_out.get(free[0]) != "row numbers":
            numbers = {free[0]: read_column(table, free[0], signs)}
            chosen.left_out.pop(free[0], None)
        else:
            reasons = [f"{name!r} is {why}" for name, why in chosen.left_out.items()][:1]
            raise TableError(
                ", ".join([f"no numeric column among {quoted(names)}", *reasons]),
                "name it with value=",
            )
    for name, read in numbers.items():
        chosen.values[name] = check_numbers(table.frame[name], read)
        if read.notes:
            chosen.notes[name] = ", ".join(read.notes)
    chosen.may_be_values = [
        name
        for name, why in chosen.left_out.items()
        if why == NOT_THE_VALUE or (why != NOTHING_IN_IT and types.is_numeric_dtype(frame[name]))
    ]
    return chosen


def read_values(
    table: Table, names: Sequence[str], signs: Signs
) -> tuple[dict[str, Array], dict[str, str]]:
    """Read columns that were named, with notes on how.

    Raises
    ------
    TableError
        When one is not numeric.
    """
    values, notes = {}, {}
    for name in names:
        read = read_column(table, name, signs)
        values[name] = check_numbers(table.frame[name], read)
        if read.notes:
            notes[name] = ", ".join(read.notes)
    return values, notes


def read_column(table: Table, name: str, signs: Signs) -> Numbers:
    """Read a column by the signs that were given, or by those that its cells tell."""
    column = table.frame[name]
    given = signs.decimal is not None or signs.thousands is not None
    if types.is_bool_dtype(column):
        column = column.astype(object).where(column.notna(), None)
        values = np.array([np.nan if one is None else float(one) for one in column])
        return Numbers(values, np.arange(0), ("true as 1 and false as 0",))
    if given and types.is_numeric_dtype(column):
        column = table.as_written([name])[name]
    numbers = read_numbers(column, signs.decimal, signs.thousands)
    if given or numbers.doubt or numbers.wrong.size:
        return numbers
    if types.is_float_dtype(column) and table.may_part_thousands:
        column = table.as_written([name])[name]
    doubt = None if types.is_numeric_dtype(column) else doubtful_dots(column)
    if doubt and (table.may_part_thousands or not is_number(doubt)):
        return replace(numbers, doubt=doubt)
    return numbers


def _is_actual(name: str) -> bool:
    return not WORDS_OF_ACTUALS.isdisjoint(re.split(r"[\W_]+", name.lower()))


def _no_value(column: pd.Series[Any]) -> str:
    """Reason why a column can not be a value by its type or name, or nothing."""
    if types.is_bool_dtype(column) and not column.isna().all():
        return "true or false"
    if not types.is_numeric_dtype(column):
        first = first_cell(column)
        if first is None:
            return NOTHING_IN_IT
        if isinstance(first, UNREADABLE):
            return f"cells of {type(first).__name__}"
        if str(first) in ("True", "False"):
            return "true or false"
        if may_hold_dates(column):
            return "other dates"
        if is_time_of_day(column):
            return "times of day"
    if "Unnamed:" in str(column.name):
        return "row numbers" if _is_counting(column) else "without a name"
    return ""


def _repeats(column: pd.Series[Any], index: pd.Index[Any]) -> str:
    """Reason why a numeric column with the name of a time or an id is no value, or nothing."""
    key = str(column.name).strip().lower()
    if _is_counting(column):
        return "row numbers"
    if key in ID_NAMES and column.is_unique and types.is_integer_dtype(column):
        return "an id of each row"
    if isinstance(index, pd.DatetimeIndex) and key in PARTS_OF_DATES:
        part = index.isocalendar()["week"].to_numpy() if key == "week" else getattr(index, key)
        if (column.to_numpy() == np.asarray(part)).all():
            return "a part of the date"
    return ""


def _is_counting(column: pd.Series[Any]) -> bool:
    """Whether a column counts rows, from 0 or 1."""
    if not types.is_integer_dtype(column) or column.isna().any():
        return False
    values: npt.NDArray[Any] = column.to_numpy()
    return values[0] in (0, 1) and bool((values == values[0] + np.arange(len(values))).all())


def _may_be_id(column: pd.Series[Any]) -> bool:
    """Whether a column is of text, categories or whole numbers.

    Text of other numbers, such as 1,5 and 3%, is no id. Digits alone may be one.
    """
    if types.is_bool_dtype(column):
        return False
    if not isinstance(first_cell(column), (str, int, float, np.integer)):
        return False
    if isinstance(column.dtype, pd.CategoricalDtype) or types.is_integer_dtype(column):
        return True
    if types.is_numeric_dtype(column):
        return False
    read = read_numbers(column)
    if not read.doubt and read.wrong.size >= read.count:
        return True
    right = np.ones(len(column), dtype=bool)
    right[read.wrong] = False
    cells = column[right].dropna().unique()
    return not read.doubt and all(isinstance(one, str) and one.strip().isdecimal() for one in cells)


def _named(names: Iterable[str], usual: Sequence[str]) -> list[str]:
    return [name for name in names if str(name).strip().lower() in usual]
