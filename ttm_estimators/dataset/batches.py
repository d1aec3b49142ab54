"""Whole series of a Parquet file as a stream of batches, so that memory does not grow with it.

A batch is the next :data:`SERIES_IN_A_BATCH` series in the order of the file, or fewer where these
have :data:`ROWS_IN_A_BATCH` rows. It does not depend on the row groups of the file. A series that
ends in the next record batch is carried over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.dataset.sources import open_system
from ttm_estimators.dataset.unit import Unit
from ttm_estimators.tables.errors import TableError

SERIES_IN_A_BATCH = 512
ROWS_IN_A_BATCH = 2**19
"""Rows beyond which no further series joins a batch."""

ROWS_READ_AT_ONCE = 2**16
"""Rows of a record batch. Columns are chosen by the first one."""

BYTES_READ_AT_ONCE = 2**20
"""Bytes of a column chunk, which may be larger than memory."""

BYTES_OF_A_REQUEST = 2**23
"""The same, of object stores."""

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""What folders are called in which a column is null."""

PARTITION_REMEDY = "put the rows of each id side by side with ttm partition"


@dataclass(frozen=True)
class Batch:
    """Whole series."""

    table: pa.Table

    starts: npt.NDArray[np.int64]
    """First row of each series."""

    names: tuple[str, ...]

    row: int = 0
    """Rows of the file before them."""

    def only(self, indices: Sequence[int]) -> Batch:
        """Some of the series."""
        ends = np.append(self.starts[1:], self.table.num_rows)
        sizes = ends[list(indices)] - self.starts[list(indices)]
        parts = [
            self.table.slice(self.starts[i], size) for i, size in zip(indices, sizes, strict=True)
        ]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        return Batch(pa.concat_tables(parts), starts, tuple(self.names[i] for i in indices))


def open_parquet(path: str) -> pq.ParquetFile:
    """Open a Parquet file on this machine or wherever fsspec reads from.

    Raises
    ------
    TableError
        When there is none, or it is damaged.
    OSError
        When storage elsewhere fails.
    """
    system, place = open_system(path)
    try:
        if isinstance(system, LocalFileSystem):
            return pq.ParquetFile(place, buffer_size=BYTES_READ_AT_ONCE, pre_buffer=False)
        # Columns are read in turn, which would spoil a cache of what comes next.
        source = system.open(place, "rb", cache_type="none")
        return pq.ParquetFile(source, buffer_size=BYTES_OF_A_REQUEST, pre_buffer=False)
    except FileNotFoundError:
        raise TableError(f"{path} does not exist") from None
    except _damage(path) as error:
        raise TableError(f"{path} can not be read: {error}") from error


def _damage(path: str) -> tuple[type[Exception], ...]:
    """Errors that come again. Those of storage elsewhere may pass."""
    local = isinstance(open_system(path)[0], LocalFileSystem)
    return (OSError, pa.ArrowException) if local else (pa.ArrowException,)


def read_rows(
    file: pq.ParquetFile,
    unit: Unit,
    columns: Sequence[str] | None = None,
    groups: range | None = None,
) -> Iterator[pa.Table]:
    """Rows of row groups, as tables of bounded size, with the Hive columns of the unit that are
    among ``columns``.

    Raises
    ------
    TableError
        When the file is damaged.
    OSError
        When storage elsewhere fails.
    """
    names = set(file.schema_arrow.names)
    hive = [(name, value) for name, value in unit.partition if name not in names]
    own = None if columns is None else [name for name in columns if name in names]
    batches = file.iter_batches(
        ROWS_READ_AT_ONCE,
        row_groups=list(range(file.num_row_groups) if groups is None else groups),
        columns=own,
        use_threads=False,
    )
    try:
        for batch in batches:
            table = without_views(pa.Table.from_batches([batch]))
            for name, value in hive:
                if columns is None or name in columns:
                    text = None if value == HIVE_NULL else value
                    table = table.append_column(
                        name, pa.repeat(pa.scalar(text, pa.string()), len(table))
                    )
            yield table
    except _damage(unit.path) as error:
        raise TableError(f"{unit.path} can not be read: {error}") from error


def without_views(table: pa.Table) -> pa.Table:
    """Plain text for views of text, as Polars writes it, of which Arrow takes no rows."""
    for i, field in enumerate(table.schema):
        if str(field.type) == "string_view":
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    return table


def whole_series(
    file: pq.ParquetFile, unit: Unit, ids: Sequence[str], columns: Sequence[str]
) -> Iterator[Batch]:
    """Series of a file, or of those that begin in a range of its row groups, in their order.

    Parameters
    ----------
    file : ParquetFile
        From :func:`open_parquet`.
    unit : Unit
        What to read of it.
    ids, columns : sequence of str
        Columns that tell series apart, and all that are read.

    Raises
    ------
    TableError
        When an id is empty, or comes again after rows of another one.
    """
    first, stop = unit.row_groups or (0, file.num_row_groups)
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    owned = sum(groups[first:stop])
    # A range owns the series whose first id, of those that are in the file, begins in it.
    names = file.schema_arrow.names
    lead = next((i for i, name in enumerate(ids) if name in names), 0)
    if unit.row_groups is not None:
        _refuse_unsorted_groups(file, unit.path, ids[lead])
    above = _ids_above(file, unit, ids, first) if first else None
    before = None if above is None else above.slice(len(above) - 1)
    begun = above is None
    seen = _Seen(unit.path, lead, set() if above is None else set(_cells(above, lead)))
    parts: list[pa.Table] = []
    starts: list[int] = []
    row = rows = done = 0
    row_in_file = sum(groups[:first])
    for table in read_rows(file, unit, columns, range(first, file.num_row_groups)):
        if not len(table):
            continue
        keys = table.select(ids).combine_chunks()
        refuse_empty_ids(keys, unit.path, row_in_file + done)
        at = 0
        for start in series_starts(keys, before):
            if not begun or done + start >= owned:
                last, i = (keys, start - 1) if start else (before, 0)
                same = last is not None and _cells(keys, lead, start) == _cells(last, lead, i)
                if done + start >= owned and not same:
                    if starts:
                        parts.append(table.slice(at, start - at))
                        yield seen.checked(parts, starts, ids, row)
                    return
                if not begun and same:
                    continue
                begun = True
            full = len(starts) == SERIES_IN_A_BATCH or rows + start - at >= ROWS_IN_A_BATCH
            if full or not starts:  # rows before the first start are of a series of another range
                if starts:
                    parts.append(table.slice(at, start - at))
                    yield seen.checked(parts, starts, ids, row)
                parts, starts, rows, at = [], [], 0, start
                row = row_in_file + done + start
            starts.append(rows + start - at)
        if starts:
            parts.append(table.slice(at))
            rows += len(table) - at
        before = keys.slice(len(keys) - 1)
        done += len(table)
    if starts:
        yield seen.checked(parts, starts, ids, row)


class _Seen:
    """Ids that a file had so far, as 8 bytes each.

    Parameters
    ----------
    path : str
        The file, for messages.
    lead : int
        Which id decides who owns a series.
    above : set
        Its values in the row group before a range.
    """

    def __init__(self, path: str, lead: int, above: set[Any]) -> None:
        self.path, self.lead, self.above = path, lead, above
        self.runs: list[npt.NDArray[np.uint64]] = []

    def checked(
        self, parts: list[pa.Table], starts: list[int], ids: Sequence[str], row: int
    ) -> Batch:
        """Make a batch of series from some row of the file on, none of which has been seen.

        Raises
        ------
        TableError
            When one has.
        """
        table = pa.concat_tables(parts)
        rows = key_rows(table.select(ids).take(starts))
        names = [", ".join(map(str, row)) for row in rows]
        for key, name in zip(rows, names, strict=True):
            if key[self.lead] in self.above:
                raise TableError(
                    f"{self.path}: series {name!r} comes after others, but the rows above them "
                    f"have {str(key[self.lead])!r} too, and the file is read in parts",
                    PARTITION_REMEDY,
                )
        hashes = hashes_of(rows)
        again = np.ones(len(hashes), dtype=bool)
        again[np.unique(hashes, return_index=True)[1]] = False
        for run in self.runs:
            found = np.searchsorted(run, hashes)
            again |= run[np.minimum(found, len(run) - 1)] == hashes
        if again.any():
            raise TableError(
                f"{self.path}: the rows of series {names[int(again.argmax())]!r} are not side by "
                "side, for others come between them",
                PARTITION_REMEDY,
            )
        self.runs.append(np.sort(hashes))
        while len(self.runs) > 1 and len(self.runs[-1]) >= len(self.runs[-2]):
            self.runs.append(np.sort(np.concatenate([self.runs.pop(), self.runs.pop()])))
        return Batch(table, np.array(starts), tuple(names), row)


def hashes_of(ids: Sequence[tuple[Any, ...]]) -> npt.NDArray[np.uint64]:
    """Hashes of ids as text, the same for numbers of any width and on any machine."""
    texts = ("\0".join(map(str, one)).encode() for one in ids)
    digests = b"".join(hashlib.blake2b(text, digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8")


def key_rows(keys: pa.Table) -> list[tuple[Any, ...]]:
    """Ids of each row."""
    return list(zip(*(column.to_pylist() for column in keys.columns), strict=True))


def _ids_above(file: pq.ParquetFile, unit: Unit, ids: Sequence[str], group: int) -> pa.Table:
    """Ids of the row group before another."""
    parts = read_rows(file, unit, ids, range(group - 1, group))
    keys = pa.concat_tables([part.select(ids) for part in parts])
    return keys.unify_dictionaries().combine_chunks()


def _cells(keys: pa.Table, column: int, row: int | None = None) -> list[Any]:
    values = keys.column(column)
    return (values.unique() if row is None else values.slice(row, 1)).to_pylist()


def _refuse_unsorted_groups(file: pq.ParquetFile, path: str, name: str) -> None:
    """Refuse row groups in which the values of an id are not all behind those of the ones before.

    Then a value may be in two row groups only if they are neighbours, or all between is of it.
    """
    columns = [file.metadata.schema.column(i).path for i in range(file.metadata.num_columns)]
    limits: list[tuple[Any, Any] | None] = []
    for i in range(file.num_row_groups):
        group = file.metadata.row_group(i)
        known = group.column(columns.index(name)).statistics if name in columns else None
        limits.append((known.min, known.max) if known is not None and known.has_min_max else None)
    for above, below in pairwise(limits):
        if above is None or below is None or below[0] < above[1]:
            raise TableError(
                f"{path} is read in parts, but its row groups are not known to be sorted by "
                f"{name!r}",
                PARTITION_REMEDY,
            )


def refuse_empty_ids(keys: pa.Table, path: str, rows_before: int | None = None) -> None:
    """Refuse rows without an id.

    Raises
    ------
    TableError
        With the row of the first one, where the number of rows before them is known.
    """
    for name, column in zip(keys.column_names, keys.columns, strict=True):
        if column.null_count:
            row = pc.index(column.is_null(), True).as_py()
            where = "" if rows_before is None else f" in row {rows_before + row + 1}"
            raise TableError(f"{path}: column {name!r} is empty{where}")


def series_starts(keys: pa.Table, before: pa.Table | None) -> list[int]:
    """Rows whose ids differ from those of the row above, of which the first may be given."""
    count = len(keys)
    if not count:
        return []
    changed = np.zeros(count, dtype=bool)
    changed[0] = before is None or any(
        keys.column(i)[0].as_py() != before.column(i)[0].as_py() for i in range(keys.num_columns)
    )
    for column in keys.columns:
        values: Any = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
        if pa.types.is_dictionary(values.type):
            values = values.indices
        differs = pc.not_equal(values.slice(1), values.slice(0, count - 1))
        changed[1:] |= differs.to_numpy(zero_copy_only=False)
    return np.flatnonzero(changed).tolist()
