"""Dates in several columns: a day and a time of day, or a year and a month."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ttm_estimators.tables.dates import refuse_missing
from ttm_estimators.tables.errors import TableError

HOUR_NAMES = ("hour", "hr", "hour_ending", "he", "hh", "time")

DATE_PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")

PART_OF_ABBREVIATION = {"hr": "hour", "min": "minute", "sec": "second"}

TIME_OF_DAY = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?"
SPAN_OF_DAY = rf"({TIME_OF_DAY})(\s*[-\u2013]\s*{TIME_OF_DAY})?"

HOURS_OF_A_DAY = 24

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def is_time_of_day(column: pd.Series[Any]) -> bool:
    """Whether a column holds times of a day, such as 08:30, 00:00-01:00 or hours from 0 to 24."""
    first = column.head(1).dropna()
    if not len(first) or types.is_bool_dtype(column):
        return False
    if types.is_numeric_dtype(column):
        named = str(column.name).strip().lower().replace(" ", "_") in HOUR_NAMES
        return bool(named and column.between(0, HOURS_OF_A_DAY).all() and (column % 1 == 0).all())
    if isinstance(first.iloc[0], datetime.time):
        return True
    if not isinstance(first.iloc[0], str) or not re.fullmatch(SPAN_OF_DAY, first.iloc[0].strip()):
        return False
    distinct = column.astype(object).drop_duplicates()
    return bool(distinct.astype(str).str.strip().str.fullmatch(SPAN_OF_DAY).all())


def read_time_of_day(column: pd.Series[Any]) -> pd.TimedeltaIndex:
    """Times since midnight; of spans such as 00:00-01:00 the start.

    Raises
    ------
    TableError
        When a cell is none.
    """
    refuse_missing(column)
    if types.is_numeric_dtype(column):
        if not column.between(0, HOURS_OF_A_DAY).all():
            wrong = column[~column.between(0, HOURS_OF_A_DAY)].iloc[0]
            raise TableError(f"column {column.name!r}: {wrong} is no hour of a day")
        return pd.to_timedelta(column.astype(float).to_numpy(), unit="h")
    codes, distinct = pd.factorize(column.astype(str).str.strip())
    times = []
    for text in distinct:
        found = re.fullmatch(SPAN_OF_DAY, text)
        if not found:
            row = int(np.argmax(codes == list(distinct).index(text))) + 1
            raise TableError(f"column {column.name!r}: {text!r} in row {row} is no time of a day")
        times.append(_since_midnight(found[1]))
    return pd.TimedeltaIndex(np.array(times, dtype="m8[ns]")).take(codes)


def _since_midnight(text: str) -> np.timedelta64:
    half = re.search(r"([AaPp])\.?[Mm]", text)
    parts = [float(part) for part in re.findall(r"\d+(?:\.\d+)?", text)]
    hours, minutes, seconds = (*parts, 0.0)[:3]
    if half:
        hours = hours % 12 + (12 if half[1].lower() == "p" else 0)
    if hours > HOURS_OF_A_DAY or minutes >= 60 or seconds >= 60:
        raise TableError(f"{text!r} is no time of a day")
    return np.timedelta64(round((hours * 3600 + minutes * 60 + seconds) * 1e9), "ns")


def parts_of_date(names: list[str]) -> list[str]:
    """Columns that are parts of one date, such as year and month, from long to short."""
    found = {_part(name): name for name in names}
    parts = [found[part] for part in DATE_PARTS if part in found]
    keys = [part for part in DATE_PARTS if part in found]
    if keys[:2] not in (["year", "month"], ["year", "quarter"], ["year", "week"]):
        return []
    chain = ["year", "month", "day", "hour", "minute", "second"]
    length = next((i for i, part in enumerate(chain) if part not in found), len(chain))
    return [found[part] for part in chain[:length]] if length > 2 else parts[:2]


def read_parts(columns: pd.DataFrame) -> pd.Series[Any]:
    """Dates of columns with their parts; a month, quarter or week is the day that it starts.

    Raises
    ------
    TableError
        When a cell is missing or out of range.
    """
    parts = {_part(str(name)): _whole(columns[name]) for name in columns}
    try:
        if "week" in parts:
            text = parts["year"].astype(str) + "-" + parts["week"].astype(str).str.zfill(2) + "-1"
            return pd.to_datetime(text, format="%G-%V-%u")
        if "quarter" in parts:
            if not parts["quarter"].between(1, 4).all():
                raise ValueError("a quarter is from 1 to 4")
            parts["month"] = 3 * parts.pop("quarter") - 2
        return pd.to_datetime(pd.DataFrame({"day": 1, **parts}))
    except ValueError as error:
        why = str(error).splitlines()[0]
        raise TableError(f"{', '.join(map(repr, columns))} make no dates: {why}") from error


def _whole(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers of a part of a date, also of months by name and of quarters such as Q1."""
    refuse_missing(column)
    numbers = column
    if not types.is_numeric_dtype(column):
        text = column.astype(str).str.strip().str.lower()
        names = text.str[:3].map({name: i for i, name in enumerate(MONTHS, 1)})
        numbers = pd.to_numeric(text.str.removeprefix("q"), errors="coerce").fillna(names)
    wrong = np.flatnonzero(numbers.isna() | (numbers % 1 != 0))
    if wrong.size:
        raise TableError(
            f"column {column.name!r}: {str(column.iloc[wrong[0]])!r} in row {wrong[0] + 1} is no "
            f"{_part(str(column.name))}"
        )
    return numbers.astype(int)


def _part(name: str) -> str:
    """What a column with a part of a date holds, by its name."""
    key = name.strip().lower()
    return PART_OF_ABBREVIATION.get(key, key)
