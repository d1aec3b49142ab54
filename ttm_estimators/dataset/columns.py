"""Columns of a Parquet file, chosen once by its first rows, and tables of the rows that follow.

What the first rows tell holds for all others: which columns are the time, the ids and the values,
whether days come before months, which sign is decimal, and the usual frequency. What they leave
open and later rows would tell differently is refused.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_numeric_dtype

from ttm_estimators.dataset.batches import open_parquet, read_rows
from ttm_estimators.dataset.unit import Unit
from ttm_estimators.tables.columns import NOTHING_IN_IT
from ttm_estimators.tables.dataframes import warn_if_sparse
from ttm_estimators.tables.dates import COMPACT, OFFSET, SPAN, date_formats, first_cell, read_times
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.files import Table, index_levels_of, with_index
from ttm_estimators.tables.frequency import MAX_SERIES_TO_TRY, usual_step
from ttm_estimators.tables.numbers import MISSING, read_numbers
from ttm_estimators.tables.panel import Columns, Panel, read_columns, read_panel
from ttm_estimators.tables.reading import Reading
from ttm_estimators.tables.steps import Step

SMALLER_PARTS = (2, 4, 8, 16)
"""Parts of the first rows that are tried where they can not be read together."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """How all rows of a file are read."""

    reading: Reading
    """With the columns."""

    ids: tuple[str, ...]
    """Id columns as the file calls them. Without any it holds a single table of series."""

    columns: tuple[str, ...]
    """Columns that are read, as the file calls them."""

    usual: tuple[str, Step] | None
    """A series and its frequency, of which all others are."""

    took: str
    left_out: str
    """Columns by their use, and those that were left out, as one line each."""


def choose_columns(file: pq.ParquetFile, unit: Unit, reading: Reading) -> Choice | None:
    """Choose columns by the first rows of a file, None where it has no rows.

    Parameters
    ----------
    file : ParquetFile
        From :func:`~ttm_estimators.dataset.batches.open_parquet`.
    unit : Unit
        Which file it is. Its row groups do not count: all ranges of a file are read alike.
    reading : Reading
        What the user says of it.

    Raises
    ------
    TableError
        When the columns can not be told.
    """
    named = {*reading.time, *reading.id, *reading.value, *_covariates(reading)}
    own = file.schema_arrow.names
    hive = [name for name, _ in unit.partition if name in named]
    sample = next((t for t in read_rows(file, unit, [*own, *hive]) if len(t)), None)
    if sample is None:
        return None
    whole = len(sample) == file.metadata.num_rows
    sample, table, found = _readable(sample, unit.path, reading)
    chosen = found.chosen
    if chosen.not_ids:  # other rows or files may need more of them, constant ones here too
        names = [*chosen.ids, *chosen.not_ids]
        raise TableError(
            f"{quoted(names)} could all identify the series of {unit.path}",
            "give those that tell series apart in all files, such as "
            + " ".join(f"id={name!r}" for name in names),
        )
    if len(sample) < file.metadata.num_rows:
        for name in (name for name, why in chosen.left_out.items() if why == NOTHING_IN_IT):
            chosen.left_out[name] = f"nothing in its first {len(sample)} rows"
    panel = Panel([], found.keys, found.label, found.stamps, chosen)
    fields = _fields(sample, table)
    used = [*chosen.time, *chosen.ids, *chosen.values, *chosen.covariates]
    columns = dict.fromkeys([*(fields[name] for name in used), *_index_fields(sample)])
    settled = replace(
        reading,
        time=tuple(chosen.time),
        id=tuple(chosen.ids),
        value=tuple(chosen.values),
        no_time=not chosen.time,
        date_format=reading.date_format or _date_format(table, found),
        decimal=reading.decimal or _decimal(table, reading, list(chosen.values)),
    )
    return Choice(
        settled,
        tuple(fields[name] for name in chosen.ids),
        tuple(columns),
        None if reading.freq is not None else usual_step(_series(found, whole=whole)),
        panel.took,
        "" if reading.value else panel.left_out_warning,
    )


def find_ids(units: Sequence[Unit], reading: Reading) -> Sequence[str]:
    """Columns that tell series apart: those that are given, else those of the first file."""
    choice = None
    if not reading.id:
        with suppress(ValueError, OSError), open_parquet(units[0].path) as file:
            choice = choose_columns(file, units[0], reading)
    return reading.id if choice is None else choice.ids


def tell(choice: Choice) -> None:
    """Log how columns were read, and warn of those that were left out unasked."""
    logger.info("read %s", choice.took)
    if choice.left_out:
        warnings.warn(choice.left_out, TableWarning, stacklevel=3)


def as_table(rows: pa.Table, path: str) -> Table:
    """Rows as the reader of tables takes them."""
    frame = rows.unify_dictionaries().to_pandas(use_threads=False)
    return Table(with_index(frame), path, index_levels=index_levels_of(frame))


def read_batch(rows: pa.Table, path: str, choice: Choice) -> Panel:
    """Series of some rows, read as the first ones are.

    Raises
    ------
    TableError
        When they can not be used, or numbers have signs, of which the first rows have none.
    """
    table, reading = as_table(rows, path), choice.reading
    panel = read_panel(table, reading, choice.usual)
    warn_if_sparse(panel, stacklevel=3)
    if reading.decimal is None and reading.thousands is None:
        for column in _written_numbers(table, reading, reading.value):
            signed = column[_have_signs(column)]
            if len(signed):
                raise TableError(
                    f"column {column.name!r} holds {signed.iloc[0]!r}, whose sign may be decimal "
                    "or part thousands, after rows without signs",
                    "say which with decimal= or thousands=",
                )
    stamps = panel.stamps
    if reading.timezone is not None and stamps.dtype is None and not stamps.naive:
        # Dates with an offset from UTC may have another one in other batches.
        return replace(panel, stamps=replace(stamps, zone=None))
    return panel


def _readable(sample: pa.Table, path: str, reading: Reading) -> tuple[pa.Table, Table, Columns]:
    """First rows, or a part of them where a single series spoils them.

    Which one it is will be told when it is read.
    """
    try:
        table = as_table(sample, path)
        return sample, table, read_columns(table, reading)
    except TableError:
        for parts in SMALLER_PARTS:
            size = max(1, len(sample) // parts)
            for start in range(0, len(sample), size):
                part = sample.slice(start, size)
                with suppress(TableError):
                    table = as_table(part, path)
                    found = read_columns(table, reading)
                    if found.chosen.ids:  # else a part may be too small to tell them
                        return part, table, found
        raise


def _covariates(reading: Reading) -> list[str]:
    return [*reading.known, *reading.past, *reading.static]


def _index_fields(rows: pa.Table) -> list[str]:
    """Columns that are the index in pandas."""
    described = rows.schema.pandas_metadata or {}
    return [name for name in described.get("index_columns", []) if isinstance(name, str)]


def _fields(rows: pa.Table, table: Table) -> dict[str, str]:
    """Name in the file of each column of a table. Levels of an index come first in a table."""
    fields = {name: name for name in rows.column_names}
    added = [str(name) for name in table.frame.columns if name not in fields]
    return fields | dict(
        zip(added, [n for n in _index_fields(rows) if n not in added], strict=False)
    )


def _series(found: Columns, *, whole: bool) -> list[tuple[str, pd.Index[Any]]]:
    """Sorted times of the longest series, without the last one where it may go on."""
    index = found.stamps.index
    last = found.codes[-1]
    series: list[tuple[str, pd.Index[Any]]] = []
    rows_of = pd.Series(found.codes).groupby(found.codes).indices
    for code, rows in sorted(rows_of.items(), key=lambda one: -len(one[1])):
        if len(series) == MAX_SERIES_TO_TRY:
            break
        times = index[rows].sort_values()
        if times.is_unique and (whole or code != last or last == 0):
            ids = found.keys.iloc[rows[0]].astype(str)
            series.append((", ".join(ids) or "the first rows", times))
    return series


def _date_format(table: Table, found: Columns) -> str | None:
    """Format of dates of which it does not go without saying how they are written."""
    if len(found.chosen.time) != 1 or not isinstance(found.stamps.index, pd.DatetimeIndex):
        return None
    column = table.frame[found.chosen.time[0]]
    first = str(first_cell(column)).strip()
    if is_numeric_dtype(column):
        formats = [COMPACT[len(first)]] if len(first) in COMPACT else []
    elif not isinstance(first_cell(column), str) or re.match(f"{SPAN}|{OFFSET}", first):
        return None
    else:
        formats = date_formats(first)
    if "ISO8601" in formats:
        return None
    good = []
    for form in formats:
        with suppress(TableError):
            read_times(column, form)
            good.append(form)
    return good[0] if len(good) == 1 else None


def _decimal(table: Table, reading: Reading, values: Sequence[str]) -> str | None:
    """Decimal sign of numbers that are text, where some of them have signs."""
    written = _written_numbers(table, reading, values)
    if reading.thousands is not None or not any(_have_signs(one).any() for one in written):
        return None
    for sign in (".", ","):
        pairs = [(read_numbers(one), read_numbers(one, sign)) for one in written]
        same = (np.array_equal(a.values, b.values, equal_nan=True) for a, b in pairs)
        if all(same):
            return sign
    raise TableError(
        f"{table.name}: columns of numbers have different decimal signs", "make numbers of them"
    )


def _written_numbers(table: Table, reading: Reading, values: Sequence[str]) -> list[pd.Series[Any]]:
    """Columns of numbers that are text."""
    columns = [table.frame[name] for name in (*values, *reading.known, *reading.past)]
    return [column for column in columns if isinstance(first_cell(column), str)]


def _have_signs(column: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Cells with a sign that is decimal or parts thousands."""
    text = column.astype(object).fillna("").astype(str).str.strip().str.lower()
    return (text.str.contains("[.,]", regex=True) & ~text.isin(MISSING)).to_numpy()
