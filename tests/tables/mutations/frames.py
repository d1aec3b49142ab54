"""Parquet files with faults."""

import datetime
import decimal
import io
import random
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.tables.mutations.sheets import Sheet, read_dates


def to_frame(sheet: Sheet) -> pd.DataFrame:
    """Columns of dates and numbers, where all of their cells are."""
    columns = []
    for place in range(len(sheet.header)):
        cells = sheet.cells(place)
        column = pd.Series(cells, dtype=object)
        numbers = pd.to_numeric(column.mask(column == ""), errors="coerce")
        dates = read_dates(cells, sheet.forms) if sheet.forms else None
        if dates is not None:
            zoned = any("z" in form.lower() for form in sheet.forms)
            column = dates if zoned else dates.dt.tz_localize(None)
        elif cells and numbers.notna().equals(column != ""):
            column = numbers
        columns.append(column)
    frame = pd.concat(columns, axis="columns") if columns else pd.DataFrame()
    return frame.set_axis(sheet.header, axis="columns")


def some_name(frame: pd.DataFrame, draw: random.Random) -> str:
    return draw.choice(list(frame.columns))


def change_column(
    frame: pd.DataFrame, draw: random.Random, change: Callable[[pd.Series], object]
) -> pd.DataFrame:
    """Replace a column by what ``change`` makes of it, if it can."""
    place = draw.randrange(frame.shape[1])
    try:
        column = pd.Series(change(frame.iloc[:, place]), index=frame.index)
    except (TypeError, ValueError, OverflowError, AttributeError):
        return frame
    return put(frame, place, str(frame.columns[place]), column, replaced=1)


def put(
    frame: pd.DataFrame, place: int, name: str, column: pd.Series, replaced: int = 0
) -> pd.DataFrame:
    left, right = frame.iloc[:, :place], frame.iloc[:, place + replaced :]
    return pd.concat([left, column.rename(name), right], axis="columns")


def text_of_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.astype(str))


def arrow_text(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.astype(str).astype("string[pyarrow]"))


def category(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.astype("category"))


def ordered_category(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    """With categories that do not occur."""

    def change(column: pd.Series) -> pd.Series:
        known = column.astype("category")
        return known.cat.add_categories(["never"]).cat.as_ordered()

    return change_column(frame, draw, change)


def number_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    kinds = ("uint64", "int8", "float16", "float32", "Int64", "Float64", "boolean", "bool", "int32")
    kind = draw.choice(kinds)
    return change_column(frame, draw, lambda column: column.astype(float).round().astype(kind))


def decimal_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    def change(column: pd.Series) -> list[decimal.Decimal]:
        return [decimal.Decimal(str(round(float(cell), 2))) for cell in column]

    return change_column(frame, draw, change)


def date_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.dt.date)


def period_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    freq = draw.choice(["D", "M", "h", "Y", "Q", "W"])
    return change_column(frame, draw, lambda column: column.dt.to_period(freq))


def date_unit(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    unit = draw.choice(["s", "ms", "us"])
    return change_column(frame, draw, lambda column: column.dt.as_unit(unit))


def date_zone(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    zone = draw.choice(["Europe/Berlin", "UTC", "Asia/Kolkata", "America/New_York"])
    return change_column(
        frame, draw, lambda column: column.dt.tz_localize("UTC").dt.tz_convert(zone)
    )


def clock_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.dt.time)


def missing_cell(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    row = draw.randrange(max(1, len(frame)))
    return change_column(frame, draw, lambda column: column.mask(np.arange(len(column)) == row))


def far_date(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    """Dates beyond those that nanoseconds hold, or close to their end."""
    days = draw.choice([10**6, -(10**6), 86_900])
    return change_column(
        frame, draw, lambda column: column.dt.as_unit("s") + np.timedelta64(days * 86400, "s")
    )


FRAME_CELLS: tuple[Callable[[random.Random, int], object], ...] = (
    lambda draw, row: draw.random() < 0.5,
    lambda draw, row: None,
    lambda draw, row: float("nan"),
    lambda draw, row: [row, row],
    lambda draw, row: np.arange(row % 3),
    lambda draw, row: b"\xff\x00",
    lambda draw, row: {"a": row},
    lambda draw, row: {f"key {row}": row},
    lambda draw, row: decimal.Decimal(row),
    lambda draw, row: datetime.date(2024, 1, 1 + row % 28),
    lambda draw, row: datetime.time(row % 24),
    lambda draw, row: pd.Timedelta(hours=row),
    lambda draw, row: pd.Timestamp("2024-01-01") + pd.Timedelta(days=row),
    lambda draw, row: pd.Period("2024-01", "M") + row,
    lambda draw, row: draw.choice(["a", None]),
    lambda draw, row: draw.choice([True, None]),
    lambda draw, row: float("inf") if row == 3 else float(row),
    lambda draw, row: 1e308 * (-1) ** row,
    lambda draw, row: np.float16(row),
    lambda draw, row: np.uint64(2**64 - 1 - row),
    lambda draw, row: 10**18 + row,
    lambda draw, row: (row, "a"),
)


def add_frame_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    cell, name = draw.choice(FRAME_CELLS), draw.choice(["note", "extra", "value", "id", "", "time"])
    cells = [cell(draw, row) for row in range(len(frame))]
    column = pd.Series(cells, index=frame.index)
    return put(frame, draw.randrange(frame.shape[1] + 1), name, column)


def fill_frame_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    """Odd cells in place of a column."""
    cell = draw.choice(FRAME_CELLS)
    return change_column(
        frame, draw, lambda column: [cell(draw, row) for row in range(len(column))]
    )


def index_of_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    name = some_name(frame, draw)
    if not frame.columns.is_unique:
        return frame
    try:
        return frame.set_index(name, drop=draw.random() < 0.6)
    except NotImplementedError:  # float16
        return frame


def index_of_columns(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    if not frame.columns.is_unique or frame.shape[1] < 3:
        return frame
    names = draw.sample(list(frame.columns), 2)
    try:
        return frame.set_index(names, drop=draw.random() < 0.6)
    except (TypeError, NotImplementedError):  # cells of lists, or float16
        return frame


def unnamed_index(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    frame = index_of_columns(frame, draw) if draw.random() < 0.5 else index_of_column(frame, draw)
    return frame.rename_axis([None] * frame.index.nlevels)


def filtered(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return frame.iloc[draw.randint(0, 5) :: draw.choice([1, 1, 2])]


def concatenated(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    half = len(frame) // 2
    return pd.concat([frame.iloc[:half].reset_index(drop=True), frame.iloc[half:]])


def sorted_by_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    if not frame.columns.is_unique:
        return frame
    try:
        return frame.sort_values(some_name(frame, draw))
    except (TypeError, ValueError):
        return frame


def odd_index(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    count = len(frame)
    values = draw.choice(
        [
            np.arange(count) + 0.5,
            [f"row {k}" for k in range(count)],
            [True] * count,
            np.full(count, np.nan),
            pd.timedelta_range(0, periods=count, freq="h"),
            pd.date_range("2024-01-01", periods=count),
            pd.period_range("2024-01", periods=count, freq="M"),
            np.arange(count) * 5,
            np.arange(count)[::-1],
        ]
    )
    name = draw.choice([None, None, "index", "time", "", "median"])
    return frame.set_axis(pd.Index(values, name=name))


def odd_names(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    names = list(frame.columns)
    kind = draw.choice(["numbers", "dates", "levels", "name"])
    if kind == "numbers":
        return frame.set_axis(range(len(names)), axis="columns")
    if kind == "dates":
        return frame.set_axis(pd.date_range("2024-01-01", periods=len(names)), axis="columns")
    if kind == "levels":
        levels = pd.MultiIndex.from_tuples([("top", name) for name in names])
        return frame.set_axis(levels, axis="columns")
    return frame.rename_axis(columns=["columns"] * frame.columns.nlevels)


FRAME_MUTATIONS: tuple[Callable[[pd.DataFrame, random.Random], pd.DataFrame], ...] = (
    *(text_of_column, arrow_text, category, ordered_category, number_type, number_type),
    *(decimal_type, date_type, period_type, period_type, date_unit, date_zone, clock_type),
    *(missing_cell, far_date, add_frame_column, add_frame_column, fill_frame_column),
    *(index_of_column, index_of_columns, unnamed_index, filtered, concatenated),
    *(sorted_by_column, odd_index, odd_names),
)
"""In the order in which they are applied."""


def to_parquet(frame: pd.DataFrame) -> bytes | None:
    """Content of a file, None where Parquet can not hold it."""
    file = io.BytesIO()
    try:
        if frame.columns.is_unique:
            frame.to_parquet(file)
        else:
            plain = frame.set_axis(map(str, range(frame.shape[1])), axis="columns")
            table = pa.Table.from_pandas(plain.reset_index(drop=True))
            names = [str(name) for name in frame.columns]
            pq.write_table(table.replace_schema_metadata(None).rename_columns(names), file)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError):
        return None
    return file.getvalue()
