"""Columns of dates or whole numbers as an index, and the way back to the type of the column."""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types
from pandas.tseries.api import guess_datetime_format

from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.numbers import is_number

YEARS = (1800, 2200)
"""Years in which a whole number may be a date."""

COMPACT = {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How whole numbers of so many digits may be dates."""

COUNTS = {5: 4, 6: 53, 7: 366}
"""Quarters, weeks or days that whole numbers of so many digits may count behind a year."""

QUARTER = r"(?:(\d{4})[-/ ]?[Qq]([1-4])|(?:[Qq]([1-4])|([1-4])[Qq])[-/ ]?(\d{4}))"
"""A year and a quarter, in either order."""

WEEK = r"\d{4}-?W\d{2}"

WEEK_NAME = r"week|woche|semaine|semana|settimana|ww|wk|(?:^|[^a-z])kw(?:[^a-z]|$)"
"""Names of columns of weeks."""

MONTH_OR_WEEK = r"\d{4}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{4}"
"""A year and a month, or a week."""

SEASON = r"(\d{4})[-/\u2013](\d{2}|\d{4})"
"""A year and the next one, as of a season of sports, a school year or a fiscal year."""

YEAR_COLUMN = r"(\d{4})(?:\.0| \[YR\d{4}\])?"
"""Name of a column for a year, as written by hand, by spreadsheets or by the World Bank."""

MAX_YEARS_APART = 10
"""Years from one column for a year to the next."""

SHORT_YEARS = ("%y%m%d", "%d%m%y", "%m%d%y")
"""How whole numbers of six digits may be dates, of which five are left where the first is 0."""

MIN_SHORT_YEARS = 3
"""Numbers that have to be such dates (ours: one in thirty is by chance)."""

A_MONTH = pd.Timedelta("31D")

MIN_STEPS_OF_ORDER = 9
"""Steps in the order of dates for one against it, as where the clock is changed."""

MIN_STEPS_OF_A_SERIES = 3
"""Steps that tell how a single series runs: fewer are in some order by chance."""

EPOCH_FORMAT = "%s"
"""What reads whole numbers as time since 1970."""

EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Units of times since 1970, and how many are in a second."""

EPOCH_SECONDS = (10**9, 2 * 10**9)
"""Seconds since 1970 that whole numbers are taken for: from 2001 to 2033."""

FORMATS_PANDAS_DOES_NOT_GUESS = (
    *("%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p"),
    *("%b %Y", "%B %Y", "%Y/%m", "%YM%m"),
)
"""Formats that pandas does not guess."""

FORMATS_TO_SUGGEST = ("%b-%y", "%b-%Y", "%m/%Y", "%m.%Y", "FY%Y", "%d.%m.%y", "%Y.%m")
"""Formats that are never assumed: Jan-23 may be a day."""

FIRST_SECOND, LAST_SECOND = (time.value // 10**9 for time in (pd.Timestamp.min, pd.Timestamp.max))
"""Seconds from 1970 to the ends of the dates that nanoseconds count."""

OFFSET = r"^(.*\d{2}:\d{2}\S*?)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
"""A date with an offset from UTC."""

ABBREVIATION = r"^(.*\d{2}:\d{2}\S*)\s+(?!AM$|PM$)([A-Z]{2,5})$"
"""A time with an abbreviated zone, such as EST, of which the world has several."""

CHANGING_OFFSETS_NOTE = (
    "offsets from UTC change, so dates are given in UTC unless a time zone is named"
)

SPAN = r"^(.+\d{1,2}:\d{2}.*?)\s+[-\u2013]\s+(.+:\d{2}.*)$"
"""From one date with a time to another."""

WRITE_WEEKS = "write weeks as 2024-W05, months as 2024-05-01"
"""What to do with a year and a number that may be either."""

MINUTES_OF_A_DAY = 24 * 60

ROWS_TO_SEARCH_FIRST = 100
"""Rows in which a cell that is not empty is searched for before all others."""


@dataclass(frozen=True)
class Stamps:
    """Times of all rows, in their order."""

    index: pd.Index[Any]
    """Dates or whole numbers."""

    dtype: Any = None
    """Type of the column."""

    zone: Any = None
    """Time zone of the column, in which future dates are given too."""

    naive: bool = False
    """Whether future dates are given without the zone of ``index``, as the column has none."""

    frequency: pd.DatetimeIndex | None = None
    """Some dates of the frequency that the type of the column has, if it has one."""

    notes: tuple[str, ...] = ()
    """Assumptions, for a message."""

    def restored(self, future: pd.Index[Any]) -> Any:
        """Future dates in the type, unit and time zone of the column."""
        dtype = self.dtype
        if isinstance(future, pd.DatetimeIndex):
            if future.tz is not None and (self.naive or self.zone is not None):
                future = future.tz_localize(None) if self.naive else future.tz_convert(self.zone)
            if isinstance(dtype, pd.PeriodDtype):
                periods = future.to_period(dtype.freq)  # type: ignore[arg-type]
                if periods.nunique() < future.nunique():
                    raise TableError(
                        f"dates such as {future[0]} are finer than periods of {dtype.freq.freqstr}",
                        "give a freq= of whole periods, or dates in their place",
                    )
                return periods
            if dtype is datetime.date:
                days = future.normalize()
                return np.array(future.date, dtype=object) if days.equals(future) else future
            if isinstance(dtype, (np.dtype, pd.DatetimeTZDtype)):
                unit: Any = getattr(dtype, "unit", None) or np.datetime_data(dtype)[0]  # type: ignore[arg-type]
                same = future.as_unit(unit)
                return same if (same == future).all() else future
            if isinstance(dtype, pd.ArrowDtype):
                try:
                    cast = pd.Series(future).astype(dtype)
                except ValueError:
                    return future
                return cast.array if (pd.DatetimeIndex(cast) == future).all() else future
            return future
        if dtype is None or (types.is_float_dtype(dtype) and not _holds(dtype, future)):
            return future
        limits = (
            np.iinfo(getattr(dtype, "numpy_dtype", dtype))
            if types.is_integer_dtype(dtype)
            else None
        )
        fits = limits is None or (limits.min <= future.min() and future.max() <= limits.max)
        return pd.array(future, dtype=dtype) if fits else future


def read_times(
    column: pd.Series[Any],
    date_format: str | None = None,
    timezone: str | None = None,
    groups: Any = None,
) -> Stamps:
    """Read a column of dates or whole numbers.

    Parameters
    ----------
    column : Series
        Dates, periods, text or whole numbers.
    date_format : str, optional
        How dates are written, in the terms of ``strptime``. Default: what the first one tells.
    timezone : str, optional
        Zone by whose clock days begin. Dates without zone are taken to be of it.
    groups : array, optional
        Number of the series of each row. Of a time that comes twice in a series, the first is the
        one before the change of the clock.

    Raises
    ------
    TableError
        When one is missing or no date, when the day could be the month, or when whole numbers
        are of a calendar that does not count on, such as 20244 for a quarter.
    """
    zone = _zone(timezone)
    refuse_missing(column)
    if date_format is not None and not _is_written(column):
        raise TableError(f"column {column.name!r} holds dates, not text", "leave date_format= out")
    try:
        stamps = _read(column, date_format, zone)
    except pd.errors.OutOfBoundsDatetime as error:
        raise TableError(f"column {column.name!r}: {error}") from error
    if not isinstance(stamps.index, pd.DatetimeIndex):
        if zone is not None:
            raise TableError(
                f"column {column.name!r} holds whole numbers, which have no zone",
                "leave timezone= out",
            )
        return stamps
    if zone is None:
        return stamps
    if stamps.index.tz is None:
        index = _localized(stamps.index, zone, groups, column.name)
        return Stamps(index, stamps.dtype, zone, True, stamps.frequency, stamps.notes)
    own = stamps.zone if stamps.zone is not None else zone
    index = stamps.index.tz_convert(zone)
    return Stamps(index, stamps.dtype, own, False, stamps.frequency, stamps.notes)


def may_hold_dates(column: pd.Series[Any]) -> bool:
    """Whether a column is of dates by its type, or by its first cell."""
    dtype = column.dtype
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return True
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind == "M":
        return True
    if types.is_numeric_dtype(dtype):
        return False
    first = first_cell(column)
    if isinstance(first, (datetime.date, np.datetime64, pd.Period)):
        return True
    text = str(first).strip()
    if not isinstance(first, str) or not re.search(r"\d", text):
        return False
    return bool(
        re.fullmatch(QUARTER, text)
        or re.fullmatch(WEEK, text)
        or re.match(SPAN, text)
        or date_formats(text)
    )


def years_among(names: Sequence[str]) -> list[str]:
    """Names of columns that are years in order, beside others that are no numbers."""
    found = {name: re.fullmatch(YEAR_COLUMN, name.strip()) for name in names}
    years = {name: int(match[1]) for name, match in found.items() if match}
    steps = np.unique(np.diff([*years.values()]))
    if len(steps) != 1 or not 0 < abs(steps[0]) <= MAX_YEARS_APART or all(map(is_number, names)):
        return []
    return [*years] if all(YEARS[0] <= year <= YEARS[1] for year in years.values()) else []


def direction(column: pd.Series[Any], codes: npt.NDArray[Any]) -> int:
    """1 where dates run from old to new in every series, -1 where from new to old, else 0.

    Whole numbers that are no dates only tell where they count down.

    Parameters
    ----------
    column : Series
        All rows.
    codes : array
        Number of the series of each row.

    Raises
    ------
    TableError
        When some series run from old to new, and all others from new to old.
    """
    present = column.notna().to_numpy()
    if not present.any():
        return 0
    column, codes = column[present], codes[present]
    first = first_cell(column)
    try:
        dates = pd.Series(read_times(column).index)
    except TableError:  # such as days that could be months, or a total below them
        formats = date_formats(first.strip()) if isinstance(first, str) else []
        if not formats:
            return 0
        dates = pd.Series(_parse(column.astype(str).str.strip(), formats[0]))
    steps = dates.groupby(codes).diff().dropna()
    if types.is_integer_dtype(dates):
        return -1 if len(steps) and steps.min() == steps.max() < 0 else 0
    rises, falls = (
        each.groupby(codes[steps.index]).sum()
        for each in (steps > pd.Timedelta(0), steps < pd.Timedelta(0))
    )
    if not len(steps) or not (rises.any() or falls.any()):
        return 0
    up, down = (rises >= MIN_STEPS_OF_ORDER * falls), (falls >= MIN_STEPS_OF_ORDER * rises)
    if down.all():
        return -1
    sure = rises + falls >= MIN_STEPS_OF_A_SERIES
    if (up | down)[sure].all() and up[sure].any() and down[sure].any():
        raise TableError(
            f"{column.name!r} runs from old to new in some series and from new to old in others",
            "sort the rows, as they are counted, or name the column with time=",
        )
    return int(up.all())


def first_cell(column: pd.Series[Any]) -> Any:
    """First cell that is not empty, or None."""
    for rows in (column.head(ROWS_TO_SEARCH_FIRST), column):
        present = rows.dropna()
        if len(present):
            return present.iloc[0]
    return None


def refuse_missing(column: pd.Series[Any]) -> None:
    """Refuse a column with an empty cell.

    Raises
    ------
    TableError
        With the row of the first one.
    """
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise TableError(f"column {column.name!r} is empty in row {missing[0] + 1}")


def date_formats(text: str) -> list[str]:
    """Formats that a date may have: two where the day could be the month."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guesses = (guess_datetime_format(text), guess_datetime_format(text, dayfirst=True))
    if guesses[0] and guesses[0].startswith("%Y"):
        # ISO8601 also takes a column in which only some dates have an hour.
        return [guesses[0], "ISO8601"] if guesses[0].startswith("%Y-") else [guesses[0]]
    formats = [one for one in dict.fromkeys(guesses) if one]
    return formats or [one for one in FORMATS_PANDAS_DOES_NOT_GUESS if _reads(text, one)]


def _is_written(column: pd.Series[Any]) -> bool:
    """Whether dates are text, or numbers that may be written dates."""
    return types.is_numeric_dtype(column) or isinstance(first_cell(column), (str, bytes, int))


def _holds(dtype: Any, numbers: pd.Index[Any]) -> bool:
    """Whether a type of floats has exactly some whole numbers."""
    exact = numbers.to_numpy()
    kept = exact.astype(getattr(dtype, "numpy_dtype", dtype)).astype(np.float64)
    return bool((kept.astype(np.int64) == exact).all())


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TableError(
            f"unknown time zone {name!r}", "give a name such as timezone='Europe/Berlin'"
        ) from None


def _read(column: pd.Series[Any], date_format: str | None, zone: ZoneInfo | None) -> Stamps:
    dtype, name = column.dtype, column.name
    if isinstance(dtype, pd.CategoricalDtype):
        found = _read(column.astype(dtype.categories.dtype), date_format, zone)
        return found if isinstance(found.index, pd.DatetimeIndex) else Stamps(found.index)
    if isinstance(dtype, pd.PeriodDtype):
        dates = pd.PeriodIndex(column).to_timestamp().as_unit("ns").rename(None)
        start = pd.period_range(column.iloc[0], periods=4, freq=dtype.freq).to_timestamp()
        return Stamps(dates, dtype, frequency=start)
    if types.is_datetime64_any_dtype(dtype) or (
        isinstance(dtype, pd.ArrowDtype) and dtype.kind == "M"
    ):
        index = pd.DatetimeIndex(column, name=None)
        return Stamps(index.as_unit("ns"), dtype, index.tz)
    if types.is_numeric_dtype(dtype):
        return _read_whole(column, date_format, zone)
    first = column.iloc[0]
    if isinstance(first, pd.Period):
        try:
            periods = pd.PeriodIndex(column)
        except ValueError as error:
            raise TableError(f"column {name!r} holds periods of several kinds: {error}") from error
        return _read(pd.Series(periods, name=name), date_format, zone)
    if isinstance(first, (datetime.date, np.datetime64)):
        try:
            index = pd.DatetimeIndex(pd.to_datetime(column)).as_unit("ns").rename(None)
        except (TypeError, ValueError) as error:
            raise TableError(f"column {name!r} holds dates of several kinds: {error}") from error
        days = not isinstance(first, (datetime.datetime, np.datetime64))
        return Stamps(index, datetime.date if days else None, index.tz)
    if not isinstance(first, (str, bytes, int)):
        raise TableError(f"column {name!r} holds cells of {type(first).__name__}, no dates")
    if isinstance(first, int) and not isinstance(first, bool):  # such as those beyond 64 bits
        return _read_whole(column, date_format, zone)
    return _of_text(column.astype(str).str.strip(), date_format, zone)


def _read_whole(column: pd.Series[Any], date_format: str | None, zone: ZoneInfo | None) -> Stamps:
    name = column.name
    numbers = column.to_numpy(dtype=object)
    if types.is_bool_dtype(column) or any(number % 1 != 0 for number in numbers[:1]):
        raise TableError(f"column {name!r} holds neither dates nor whole numbers")
    if types.is_float_dtype(column) and (column % 1 != 0).any():
        raise TableError(f"column {name!r} holds neither dates nor whole numbers")
    unsigned = max(map(int, (column.min(), column.max()))) > np.iinfo(np.int64).max
    if unsigned and int(column.max()) > np.iinfo(np.uint64).max:
        raise TableError(f"column {name!r} holds numbers beyond those of 64 bits")
    whole = column.astype(np.uint64 if unsigned else np.int64)
    if date_format == EPOCH_FORMAT:
        return _since_1970(whole)
    date_format = date_format or _compact_format(whole)
    if date_format is None:
        return Stamps(pd.Index(whole, name=None), column.dtype)
    width = len(pd.Timestamp(0).strftime(date_format))
    text = whole.astype(str).str.zfill(width)  # 01022024 has lost its first digit
    return _of_text(text, date_format, zone)


def seem_since_1970(numbers: pd.Index[Any]) -> bool:
    """Whether whole numbers seem to be seconds since 1970, or parts of them."""
    return not isinstance(numbers, pd.DatetimeIndex) and _epoch_unit(numbers) is not None


def _epoch_unit(numbers: Any) -> str | None:
    first, last = int(numbers.min()), int(numbers.max())
    for unit, count in EPOCH_UNITS.items():
        if EPOCH_SECONDS[0] * count <= first and last < EPOCH_SECONDS[1] * count:
            return unit
    return None


def _since_1970(numbers: pd.Series[int]) -> Stamps:
    unit = _epoch_unit(numbers)
    if unit is None:
        raise TableError(
            f"column {numbers.name!r}: numbers such as {numbers.iloc[0]} are no seconds since 1970 "
            "from 2001 to 2033, nor thousandths, millionths or billionths of them",
            "leave date_format= out",
        )
    dates = numbers.to_numpy(dtype=np.int64).astype(f"datetime64[{unit}]")
    return Stamps(pd.DatetimeIndex(dates).as_unit("ns").tz_localize("UTC"))


def _of_text(column: pd.Series[str], date_format: str | None, zone: ZoneInfo | None) -> Stamps:
    """Dates of texts, of which each distinct one is read once."""
    codes, distinct = pd.factorize(column)
    text = pd.Series(distinct, name=column.name)
    index, notes = _read_text(text, date_format, zone, pd.Series(codes))
    # Offsets that change are those of the zone that is given.
    own = None if CHANGING_OFFSETS_NOTE in notes else index.tz
    return Stamps(index.take(codes), None, own, notes=() if zone else notes)


def _read_text(
    text: pd.Series[str], date_format: str | None, zone: ZoneInfo | None, rows: pd.Series[int]
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Dates of distinct texts, and notes on them."""
    first = text.iloc[0]
    if re.fullmatch(SPAN, first) and not (date_format and _reads(first, date_format)):
        text = text.str.replace(SPAN, r"\1", regex=True)
        index, notes = _read_text(text, date_format, zone, rows)
        return index, (*notes, "the start of each span")
    if date_format is None and of_weeks(text.name) and re.fullmatch(MONTH_OR_WEEK, first):
        raise TableError(
            f"column {text.name!r}: {first!r} in row 1 may be a week or a month", WRITE_WEEKS
        )
    seasons = re.fullmatch(SEASON, first) and text.str.fullmatch(SEASON).all()
    if date_format is None and seasons and len(text) > 1:
        years = text.str.extract(f"^{SEASON}$")
        # A month that is always that of the next year is none.
        if all(str(int(year) + 1).endswith(end) for year, end in years.to_numpy()):
            return _parsed(years[0].rename(str(text.name)), "%Y", rows), (
                "the year in which each begins",
            )
    if date_format is None and text.str.fullmatch(QUARTER).all():
        parts = text.str.extract(f"^{QUARTER}$").fillna("")
        text = parts[0] + parts[4] + "Q" + parts[1] + parts[2] + parts[3]
        return pd.PeriodIndex(text, freq="Q").to_timestamp().as_unit("ns").rename(None), ()
    if date_format is None and text.str.fullmatch(WEEK).all():
        text = text.str.replace("-", "", regex=False) + "1"
        date_format = "%GW%V%u"
    if date_format is None and re.match(OFFSET, first):
        return _with_offsets(text, zone, rows)
    abbreviated = re.match(ABBREVIATION, first) and text.str.fullmatch(ABBREVIATION).all()
    if date_format is None and abbreviated:
        return _with_abbreviations(text, zone, rows)
    return _parsed(text, date_format, rows), ()


def _with_offsets(
    text: pd.Series[str], zone: ZoneInfo | None, rows: pd.Series[int]
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Dates with offsets from UTC, each read apart: pandas is slow where these change."""
    name = text.name
    parts = text.str.extract(OFFSET)
    lacking = np.flatnonzero(parts[1].isna())
    if lacking.size:
        raise TableError(
            f"column {name!r}: {text.iloc[lacking[0]]!r} {_row(lacking[0], rows)} has no offset "
            f"from UTC, as {text.iloc[0]!r} has"
        )
    twice = np.flatnonzero(parts[0].str.fullmatch(OFFSET))
    if twice.size:
        raise TableError(
            f"column {name!r}: {text.iloc[twice[0]]!r} {_row(twice[0], rows)} has two offsets"
        )
    wall = _parsed(parts[0].rename(str(name)), None, rows)
    which, offsets = pd.factorize(parts[1])
    minutes = np.array([_minutes(offset) for offset in offsets])
    wrong = np.flatnonzero(np.abs(minutes) >= MINUTES_OF_A_DAY)
    if wrong.size:
        raise TableError(f"column {name!r}: {offsets[wrong[0]]} is no offset from UTC")
    utc = wall - pd.to_timedelta(minutes[which], unit="min")
    if len(set(minutes)) == 1:
        fixed = datetime.timezone(datetime.timedelta(minutes=int(minutes[0])))
        return utc.tz_localize("UTC").tz_convert("UTC" if not minutes[0] else fixed), ()
    if not zone and len(set((wall - wall.normalize()).asi8)) == 1:
        raise TableError(
            f"column {name!r}: the offsets from UTC change, such as {offsets[0]} and {offsets[1]}, "
            "which leaves those of future days open",
            "name the time zone with timezone=, such as timezone='Europe/Berlin'",
        )
    return utc.tz_localize("UTC"), (CHANGING_OFFSETS_NOTE,)


def _with_abbreviations(
    text: pd.Series[str], zone: ZoneInfo | None, rows: pd.Series[int]
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Dates by the clock of an abbreviated zone, which has to be that of the zone if one is given,
    and is left out otherwise.
    """
    parts = text.str.extract(ABBREVIATION)
    wall = _parsed(parts[0].rename(str(text.name)), None, rows)
    zones = parts[1].unique()
    if zone is None:
        if len(zones) > 1:
            raise TableError(
                f"column {text.name!r}: dates are of several zones, such as {zones[0]} and "
                f"{zones[1]}",
                "name the time zone with timezone=, such as timezone='America/New_York'",
            )
        return wall, (f"local times, without {zones[0]}",)
    local = wall.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    wrong = np.flatnonzero(local.notna() & (local.strftime("%Z").to_numpy() != parts[1]))
    if wrong.size:
        raise TableError(
            f"column {text.name!r}: {text.iloc[wrong[0]]!r} {_row(wrong[0], rows)} is not by the "
            f"clock of {zone.key}",
            "give its own timezone=, or write its offset from UTC, such as -05:00, in its place",
        )
    return wall, ()


def _minutes(offset: str) -> int:
    if offset in ("Z", "UTC", "GMT"):
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) >= 60:
        return MINUTES_OF_A_DAY  # which is none
    return (1 if offset[0] == "+" else -1) * (int(digits[:2]) * 60 + int(digits[2:]))


def _parsed(
    text: pd.Series[str], date_format: str | None, rows: pd.Series[int]
) -> pd.DatetimeIndex:
    name, first = text.name, text.iloc[0]
    formats = [date_format] if date_format else date_formats(first)
    readings = [_parse(text, one) for one in formats]
    if not date_format and all(pd.isna(reading[0]) for reading in readings):
        likely = [one for one in FORMATS_TO_SUGGEST if _reads(first, one)] or ["%d.%m.%y"]
        raise TableError(
            f"column {name!r}: {first!r} in row 1 is not understood as a date",
            f"write it as 2024-01-31, or say how, such as date_format='{likely[0]}'",
        )
    good = [reading for reading in readings if not reading.hasnans]
    if not good:
        index = max(int(np.argmax(reading.isna())) for reading in readings)
        like = (
            f"written as {date_format!r}" if date_format else f"of the kind of {first!r} in row 1"
        )
        raise TableError(
            f"column {name!r}: {text.iloc[index]!r} {_row(index, rows)} is no date {like}"
        )
    if not all(reading.equals(good[0]) for reading in good):
        raise TableError(
            f"column {name!r}: dates such as {first} can be read day first or month first",
            f"give {' or '.join(f'date_format={each!r}' for each in formats)}, or write them as "
            "2024-01-31",
        )
    return good[0]


def _row(index: int, rows: pd.Series[int]) -> str:
    """First row of a distinct text."""
    return f"in row {int(np.argmax(rows.to_numpy() == index)) + 1}"


def _parse(text: pd.Series[str], date_format: str) -> pd.DatetimeIndex:
    """Dates, NaT where the text is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            try:
                parsed = pd.to_datetime(text, format=date_format, errors="coerce")
                changing = parsed.dtype == object
            except ValueError:  # what pandas 3 says of offsets that change
                changing = True
            if changing:
                parsed = pd.to_datetime(text, format=date_format, errors="coerce", utc=True)
        except (ValueError, re.error) as error:
            raise TableError(f"dates can not be read as {date_format!r}: {error}") from error
    index = pd.DatetimeIndex(parsed, name=None)
    seconds = index.as_unit("s").asi8
    known = (seconds > FIRST_SECOND) & (seconds < LAST_SECOND)
    return pd.DatetimeIndex(index.where(known)).as_unit("ns")


def _compact_format(whole: pd.Series[int]) -> str | None:
    """Format of whole numbers that are dates such as 20240131, None where they only count."""
    if len(whole) > 1:
        whole = pd.Series(whole.unique(), name=whole.name)
    text = whole.astype(str)
    digits = len(text.iloc[0])
    known = False
    if digits > 4 and text.str.len().eq(digits).all():
        years, rest = whole // 10 ** (digits - 4), whole % 10 ** (digits - 4)
        dated = bool(years.between(*YEARS).all())
        form = COMPACT.get(digits)
        weeks = digits == 6 and of_weeks(whole.name)
        if dated and form and not weeks and not _parse(text, form).hasnans:
            return form
        known = dated and bool(rest.between(1, COUNTS.get(digits, 0)).all())
    if text.str.len().between(7, 8).all():
        readings = [_parse(text.str.zfill(8), form) for form in ("%d%m%Y", "%m%d%Y")]
        known |= any(((one.year >= YEARS[0]) & (one.year <= YEARS[1])).all() for one in readings)
    remedy = "write them as 2024-01-31, or give date_format= if it can read them"
    short = _short_year_format(text)
    if short:
        remedy = f"write them as 2024-01-31, or give date_format={short!r}"
    if known or short:
        raise TableError(
            f"column {whole.name!r}: numbers such as {whole.iloc[0]} seem to be dates, which do "
            "not go on like numbers",
            WRITE_WEEKS if digits == 6 and of_weeks(whole.name) else remedy,
        )
    return None


def _short_year_format(text: pd.Series[str]) -> str | None:
    """Format with a year of two digits by which whole numbers are dates that are a month apart at
    most, as numbers that count are years apart where the year is at their end.
    """
    if len(text) < MIN_SHORT_YEARS or not text.str.fullmatch(r"\d{5,6}").all():
        return None
    for each in SHORT_YEARS:
        dates = _parse(text.str.zfill(6), each)
        if not dates.hasnans and pd.Series(dates).diff().abs().median() <= A_MONTH:
            return each
    return None


def of_weeks(name: Any) -> bool:
    """Whether a column is of weeks by its name."""
    return re.search(WEEK_NAME, str(name).lower()) is not None


def _reads(text: str, date_format: str) -> bool:
    return not pd.isna(pd.to_datetime(text, format=date_format, errors="coerce"))


def _localized(dates: pd.DatetimeIndex, zone: ZoneInfo, groups: Any, name: Any) -> pd.DatetimeIndex:
    """Give local dates their zone. Of one that comes twice in a series the first is the earlier."""
    group = np.zeros(len(dates), dtype=np.int64) if groups is None else groups
    rows = pd.DataFrame({"group": group, "date": dates})
    later = rows.duplicated().to_numpy()
    edges = rows.groupby("group")["date"]
    backwards = (edges.transform("first") > edges.transform("last")).to_numpy()
    twice = rows.duplicated(keep=False).to_numpy()
    _refuse_disorder(rows, twice, zone, name)
    first = np.where(backwards & twice, later, ~later)
    index = dates.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    moved = np.flatnonzero(index.tz_localize(None) != dates)
    if moved.size and pd.DataFrame({"group": group, "date": index}).duplicated().any():
        raise TableError(
            f"column {name!r}: {dates[moved[0]]} does not exist in {zone.key}, where the clock was "
            "put forward",
            "give the right timezone=, or leave it out",
        )
    return index


def _refuse_disorder(rows: pd.DataFrame, twice: Any, zone: ZoneInfo, name: Any) -> None:
    """Refuse rows of an hour that comes twice whose order does not tell which is the first."""
    if not twice.any():
        return
    for _, dates in rows[rows["group"].isin(rows["group"][twice])].groupby("group")["date"]:
        steps = dates.diff().iloc[1:]
        backwards = int((steps < pd.Timedelta(0)).sum())
        if min(backwards, len(steps) - backwards) > dates.duplicated().sum():
            again = dates[dates.duplicated()].iloc[0]
            raise TableError(
                f"column {name!r}: {again} comes twice in {zone.key}, and the rows are in no order "
                "that tells which is the first",
                "sort them by the time that they were recorded at",
            )
