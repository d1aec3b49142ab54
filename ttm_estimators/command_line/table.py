"""From a CSV or Parquet file to a panel of evenly spaced series."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types
from pandas.tseries.api import guess_datetime_format

from ttm_estimators.command_line.errors import InputError
from ttm_estimators.command_line.frequency import Step, find_steps, follow, positions, show

Array = npt.NDArray[np.float64]

TIME_NAMES = (
    *("time", "timestamp", "datetime", "date", "ds", "ts", "period", "step", "index"),
    *("year", "quarter", "month", "week", "day", "hour"),
)
ID_NAMES = ("unique_id", "item_id", "series_id", "id", "series", "item")
VALUE_NAMES = ("value", "target", "y")

VARIABLE = "variable"
"""Name of the column that tells several value columns apart, as in ``pandas.melt``."""


@dataclass(frozen=True)
class Series:
    """One series of a file."""

    name: str
    """Its ids and, unless they tell enough, its value column."""

    variable: str
    """Its value column."""

    times: pd.Index[Any]
    """Evenly spaced dates or whole numbers."""

    values: Array
    """NaN where missing."""

    step: Step
    """Frequency."""

    covariates: pd.DataFrame | None = None
    """Columns that were asked for beside the value, a row for each time and for what follows."""

    def future(self, horizon: int) -> pd.Index[Any]:
        """Times of the ``horizon`` steps after the end."""
        return follow(self.times, self.step, horizon)


@dataclass(frozen=True)
class Panel:
    """Series of one file, in its order."""

    series: list[Series]

    keys: pd.DataFrame
    """What identifies each series, a row for each: the id columns, and ``variable`` where there
    are several value columns. Without columns for a single series."""

    time: str
    """Name of the time column."""

    variables: int = 1
    """Value columns. Those of one series stand together."""


def read_panel(
    path: Path,
    *,
    time: str | None = None,
    ids: Sequence[str] = (),
    values: Sequence[str] = (),
    step: Step | None = None,
    date_format: str | None = None,
    fill_gaps: bool = False,
    known: Sequence[str] = (),
    past: Sequence[str] = (),
    static: Sequence[str] = (),
) -> Panel:
    """Read a long table (id, time, value), one series (time, value) or a wide table (time and
    several numeric columns). Rows may come in any order.

    Parameters
    ----------
    path : Path
        CSV or Parquet file.
    time, ids, values : optional
        Names of columns. Default: what types and usual names tell.
    step : Step, optional
        Frequency. Default: what the times tell.
    date_format : str, optional
        How dates are written, in the terms of ``strptime``. Default: what the first one tells.
    fill_gaps : bool, default False
        Whether absent times become missing values.
    known, past, static : sequence of str, default ()
        Names of columns with covariates. Where some are known in the future, the rows after the
        last value of a series are its future.

    Raises
    ------
    InputError
        When the file, a column, a date or a frequency can not be used.
    """
    frame = read_table(path)
    covariates = [*known, *past, *static]
    for name in (time, *ids, *values, *covariates):
        if name is not None and name not in frame:
            raise InputError(f"{path} has no column {name!r}, only {', '.join(_names(frame))}")
    others = frame[covariates].copy()
    for name in (*known, *past):
        others[name] = read_numbers(frame[name])
    written = _as_written(frame, path, list(dict.fromkeys(static))).astype(str)
    for name in static:
        # Tables with an empty cell hold, and are written with, 1.0 for 1.
        category = written[name].str.replace(WHOLE, r"\1", regex=True)
        others[name] = category.where(frame[name].notna())
    free = frame.drop(columns=[name for name in covariates if name not in (time, *ids, *values)])
    headless = time is None and all(map(_is_number, _names(frame)))
    time = time or (_names(frame)[0] if headless else _find_time(free, [*ids, *values]))
    if headless or _date_formats(time):
        raise InputError(f"{path} has values such as {time} in its first line: add a header")
    stamps = read_times(frame[time], date_format)
    ids = list(ids) or _find_ids(free, time, values, stamps)
    values = list(values) or _find_values(free, time, ids)
    chosen = [time, *ids, *values, *covariates]
    if len(set(chosen)) < len(chosen):
        raise InputError(f"a column was chosen twice among {', '.join(chosen)}")
    keys = _read_ids(frame, path, ids)
    columns = {name: read_numbers(frame[name]) for name in values}
    return _split(time, stamps, keys, columns, step, fill_gaps, others, bool(known))


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file (with commas, semicolons, tabs or bars) or a Parquet file.

    Raises
    ------
    InputError
        When it does not exist, is of another kind, damaged, or has no rows.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if path.is_dir() or path.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"{path} is neither a .csv nor a .parquet file")
    try:
        frame = pd.read_parquet(path) if _is_parquet(path) else _read_csv(path)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from None
    except pd.errors.ParserWarning:
        raise InputError(
            f"{path} has rows with more fields than its header: are there commas inside of numbers?"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can not be read: {error}") from error
    if not isinstance(frame.index, pd.RangeIndex):  # Parquet keeps the index of a table
        frame = frame.rename_axis(index=lambda name: name or "time").reset_index()
    frame.columns = frame.columns.map(str)
    if frame.empty:
        raise InputError(f"{path} has no rows")
    return frame


def read_times(column: pd.Series[Any], date_format: str | None = None) -> pd.Index[Any]:
    """Read a column of dates or whole numbers.

    Raises
    ------
    InputError
        When one is missing or no date, when the day could be the month, or when whole numbers
        are of a calendar that does not count on, such as 20244 for a quarter.
    """
    name = column.name
    _refuse_missing(column)
    if types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        index = pd.Index(column, name=None)
        try:
            dates = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
            return pd.DatetimeIndex(dates).as_unit("ns")
        except pd.errors.OutOfBoundsDatetime as error:
            raise InputError(f"column {name!r}: {error}") from error
    if types.is_numeric_dtype(column):
        if types.is_bool_dtype(column) or (column % 1 != 0).any():
            raise InputError(f"column {name!r} holds neither dates nor whole numbers")
        whole = column.astype(np.int64)
        date_format = date_format or _compact_format(whole)
        if date_format is None:
            return pd.Index(whole, name=None)
        width = len(pd.Timestamp(0).strftime(date_format))
        text = whole.astype(str).str.zfill(width)  # 01022024 has lost its first digit
    else:
        text = column.astype(str).str.strip()
    if date_format is None and text.str.fullmatch(QUARTER).all():
        return pd.PeriodIndex(text, freq="Q").to_timestamp().rename(None)
    formats = [date_format] if date_format else _date_formats(text.iloc[0])
    if not formats:
        likely = [*filter(lambda one: _reads(text.iloc[0], one), DOUBTFUL), "%d.%m.%y"]
        raise InputError(
            f"column {name!r}: {text.iloc[0]!r} in row 1 is not understood as a date: write it as "
            f"2024-01-31, or give --date-format, such as {likely[0]}"
        )
    readings = [_parse(text, one) for one in formats]
    good = [reading for reading in readings if not reading.hasnans]
    if not good:
        row = max(int(np.argmax(reading.isna())) for reading in readings)
        raise InputError(
            f"column {name!r}: {text.iloc[row]!r} in row {row + 1} is no date of the kind of "
            f"{text.iloc[0]!r} in row 1"
        )
    if not all(reading.equals(good[0]) for reading in good):
        raise InputError(
            f"column {name!r}: dates such as {text.iloc[0]} can be read day first or month first: "
            "give --date-format %d/%m/%Y or %m/%d/%Y, or write them as 2024-01-31"
        )
    return good[0]


def read_numbers(column: pd.Series[Any]) -> Array:
    """Read a column of numbers as float64, NaN where missing.

    Raises
    ------
    InputError
        When a value is no number.
    """
    if not types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column.astype(object), errors="coerce")
        wrong = np.flatnonzero(numbers.isna() & column.notna())
        if wrong.size:
            raise InputError(
                f"column {column.name!r} is not numeric: {str(column.iloc[wrong[0]])!r} in row "
                f"{wrong[0] + 1}"
            )
        column = numbers
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


YEARS = (1800, 2200)
"""Years in which a whole number may be a date."""

COMPACT = {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How whole numbers of so many digits may be dates."""

COUNTS = {5: 4, 6: 53, 7: 366}
"""Quarters, weeks or days that whole numbers of so many digits may count behind a year."""

WHOLE = r"^([-+]?\d+)\.0+$"
"""A whole number with decimals."""

QUARTER = r"\d{4}[- ]?Q[1-4]"

MORE_FORMATS = (
    *("%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p"),
    *("%b %Y", "%B %Y"),
)
"""Formats that pandas does not guess."""

DOUBTFUL = ("%b-%y", "%b-%Y", "%m/%Y", "%m.%Y")
"""Formats to suggest, not to assume: Jan-23 may be a day."""


def _compact_format(whole: pd.Series[int]) -> str | None:
    """Format of whole numbers that are dates such as 20240131, None where they only count."""
    text = whole.astype(str)
    digits = len(text.iloc[0])
    known = False
    if digits > 4 and text.str.len().eq(digits).all():
        years, rest = whole // 10 ** (digits - 4), whole % 10 ** (digits - 4)
        dated = bool(years.between(*YEARS).all())
        form = COMPACT.get(digits)
        weeks = "week" in str(whole.name).lower()
        if dated and form and not weeks and not _parse(text, form).hasnans:
            return form
        known = dated and bool(rest.between(1, COUNTS.get(digits, 0)).all())
    if text.str.len().between(7, 8).all():
        readings = [_parse(text.str.zfill(8), form) for form in ("%d%m%Y", "%m%d%Y")]
        known |= any(((one.year >= YEARS[0]) & (one.year <= YEARS[1])).all() for one in readings)
    if known:
        raise InputError(
            f"column {whole.name!r}: numbers such as {whole.iloc[0]} seem to be dates, which do "
            "not go on like numbers: write them as 2024-01-31, or give --date-format if it can "
            "read them"
        )
    return None


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _read_csv(path: Path, **options: Any) -> pd.DataFrame:
    with path.open(encoding="utf-8") as file:
        header = file.readline()
        damaged = "\0" in header or any("\0" in part for part in iter(lambda: file.read(2**20), ""))
    if damaged:  # pandas would read such a field as missing
        raise ValueError("it is not text")
    separator = max(",;\t|", key=header.count)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # else fields would be lost
        frame = pd.read_csv(path, sep=separator, index_col=False, low_memory=False, **options)
    # pandas writes an index without a name.
    return frame if "time" in frame else frame.rename(columns={"Unnamed: 0": "time"})


def _read_ids(frame: pd.DataFrame, path: Path, ids: list[str]) -> pd.DataFrame:
    """Take the id columns. Those of a CSV file stay as they are written, such as 007 or NA."""
    keys = frame[ids]
    if not _is_parquet(path):
        text = _as_written(frame, path, ids)
        text = text.mask(text == "")
        keys = keys if keys.astype(str).equals(text) else text
    for name in ids:
        _refuse_missing(keys[name])
    return keys


def _as_written(frame: pd.DataFrame, path: Path, names: list[str]) -> pd.DataFrame:
    """Columns of a CSV file as text, those of a Parquet file as they are."""
    if not names or _is_parquet(path):
        return frame[names]
    return _read_csv(path, usecols=names, dtype=str, keep_default_na=False)[names]


def _refuse_missing(column: pd.Series[Any]) -> None:
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise InputError(f"column {column.name!r} is empty in row {missing[0] + 1}")


def _parse(text: pd.Series[str], date_format: str) -> pd.DatetimeIndex:
    """Dates, NaT where the text is none. Changing offsets, as of daylight saving, become UTC."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            parsed = pd.to_datetime(text, format=date_format, errors="coerce")
            if parsed.dtype == object:
                parsed = pd.to_datetime(text, format=date_format, errors="coerce", utc=True)
        except ValueError as error:
            raise InputError(f"dates can not be read as {date_format!r}: {error}") from error
    return pd.DatetimeIndex(parsed, name=None).as_unit("ns")


def _date_formats(text: str) -> list[str]:
    """Ways to read a date: two where the day could be the month."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        guesses = (guess_datetime_format(text), guess_datetime_format(text, dayfirst=True))
    if guesses[0] and guesses[0].startswith("%Y"):
        # ISO8601 also takes a column in which only some dates have an hour.
        return [guesses[0], "ISO8601"] if guesses[0].startswith("%Y-") else [guesses[0]]
    formats = [one for one in dict.fromkeys(guesses) if one]
    return formats or [one for one in MORE_FORMATS if _reads(text, one)]


def _reads(text: str, date_format: str) -> bool:
    return not pd.isna(pd.to_datetime(text, format=date_format, errors="coerce"))


def _is_date(column: pd.Series[Any]) -> bool:
    if types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    if types.is_numeric_dtype(column) or column.isna().all():
        return False
    first = str(column.dropna().iloc[0])
    return bool(re.fullmatch(QUARTER, first) or _date_formats(first))


def _find_time(frame: pd.DataFrame, others: Sequence[str]) -> str:
    """Choose the only column of dates, or the one with a usual name."""
    free = [name for name in _names(frame) if name not in others]
    named = _named(free, TIME_NAMES)
    dates = [name for name in free if _is_date(frame[name])]
    candidates = dates or named
    if len(candidates) > 1:
        candidates = [name for name in candidates if name in named] or candidates
    if not candidates:
        raise InputError(f"no time column among {', '.join(_names(frame))}: name it with --time")
    if len(candidates) > 1:
        raise InputError(f"{', '.join(candidates)} could all be the time: choose one with --time")
    return candidates[0]


def _find_ids(
    frame: pd.DataFrame, time: str, values: Sequence[str], stamps: pd.Index[Any]
) -> list[str]:
    """Choose the column with a usual name, or of text where several rows share a time."""
    free = [name for name in _names(frame) if name not in (time, *values)]
    numeric = [name for name in free if types.is_numeric_dtype(frame[name])]
    named = _named(free, ID_NAMES)
    row_numbers = [name for name in named if name in numeric and frame[name].is_unique]
    candidates = [name for name in named if name not in row_numbers or len(frame) == 1]
    if not candidates and not stamps.is_unique:
        candidates = [name for name in free if name not in numeric]
    if len(candidates) > 1:
        raise InputError(
            f"{', '.join(candidates)} could all identify the series: choose with --id, "
            "which may be given several times"
        )
    return candidates


def _find_values(frame: pd.DataFrame, time: str, ids: Sequence[str]) -> list[str]:
    """Choose all numeric columns, or the one with a usual name where there is an id."""
    free = [name for name in _names(frame) if name not in (time, *ids)]
    free = [name for name in free if name.lower() not in TIME_NAMES + ID_NAMES]
    numeric = [name for name in free if _is_numeric(frame[name]) and "Unnamed:" not in name]
    if ids and len(numeric) > 1:
        named = _named(numeric, VALUE_NAMES)
        if len(named) != 1:
            raise InputError(
                f"{', '.join(numeric)} could all be the value: choose with --value, which may be "
                "given several times"
            )
        return named
    if numeric or len(free) == 1:
        return numeric or free
    raise InputError(f"no numeric column among {', '.join(_names(frame))}: name it with --value")


def _is_numeric(column: pd.Series[Any]) -> bool:
    """Whether most of a column are numbers: one with a typing error is not to be overlooked."""
    if types.is_bool_dtype(column) or _is_date(column):
        return False
    if types.is_numeric_dtype(column):
        return True
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    return bool(numbers.notna().sum() > 0.5 * column.notna().sum())


def _is_number(text: str) -> bool:
    return not pd.isna(pd.to_numeric(text, errors="coerce"))


def _names(frame: pd.DataFrame) -> list[str]:
    return list(map(str, frame.columns))


def _named(names: Iterable[str], usual: Sequence[str]) -> list[str]:
    return [name for name in names if name.lower() in usual]


def _split(
    time: str,
    stamps: pd.Index[Any],
    ids: pd.DataFrame,
    columns: dict[str, Array],
    step: Step | None,
    fill_gaps: bool,
    covariates: pd.DataFrame,
    with_future: bool,
) -> Panel:
    """Sort rows by series and time, and find the frequency of every series."""
    codes: npt.NDArray[Any] = np.zeros(len(ids), dtype=np.int64)
    if ids.columns.size:
        codes = ids.groupby(list(ids), sort=False, observed=True).ngroup().to_numpy()
    order = np.lexsort((stamps.astype(np.int64), codes))
    blocks = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    keys = ids.iloc[[rows[0] for rows in blocks]].reset_index(drop=True)
    labels: list[list[str]] = keys.astype(str).to_numpy().tolist()
    rest = f" and {len(columns) - 1} more" if len(columns) > 1 else ""
    dated = [
        (", ".join(label) or f"{next(iter(columns))}{rest}", stamps[rows])
        for label, rows in zip(labels, blocks, strict=True)
    ]
    for name, times in dated:
        if not times.is_unique:
            raise InputError(
                f"series {name!r} has two rows for {show(times[times.duplicated()][0])}: drop one, "
                "or name the columns that tell series apart with --id"
            )
    steps = find_steps(dated, step, gaps=fill_gaps)
    series = []
    for label, (_, times), rows, own in zip(labels, dated, blocks, steps, strict=True):
        parts = [column[rows] for column in columns.values()]
        others = covariates.iloc[rows].reset_index(drop=True)
        if fill_gaps:
            times, parts, others = _filled(times, parts, others, own)
        if with_future:
            observed = np.flatnonzero(~np.isnan(parts).all(axis=0))
            end = int(observed[-1]) + 1 if observed.size else 0
            times, parts = times[:end], [part[:end] for part in parts]
            if not end:
                raise InputError(
                    f"series {', '.join(label) or next(iter(columns))!r} has no values"
                )
        for variable, values in zip(columns, parts, strict=True):
            name = ", ".join([*label, variable] if len(columns) > 1 else label or [variable])
            series.append(Series(name, variable, times, values, own, others))
    if len(columns) > 1:
        keys = keys.loc[keys.index.repeat(len(columns))].reset_index(drop=True)
        keys[VARIABLE] = list(columns) * len(blocks)
    return Panel(series, keys, time, len(columns))


def _filled(
    times: pd.Index[Any], columns: list[Array], covariates: pd.DataFrame, step: Step
) -> tuple[pd.Index[Any], list[Array], pd.DataFrame]:
    """Put missing values where times are absent."""
    at = positions(times, step)
    assert at is not None  # find_steps has made sure
    whole = np.full((len(columns), at[-1] + 1), np.nan)
    whole[:, at] = columns
    covariates = covariates.set_axis(at).reindex(range(at[-1] + 1))
    return times[:1].append(follow(times[:1], step, int(at[-1]))), list(whole), covariates
