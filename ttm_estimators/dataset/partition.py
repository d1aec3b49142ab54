"""Rows of any order as files in which the rows of each id stand side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.atomic import replacing
from ttm_estimators.dataset.batches import (
    hashes_of,
    key_rows,
    open_parquet,
    read_rows,
    refuse_empty_ids,
    series_starts,
)
from ttm_estimators.dataset.sources import find_units, open_system
from ttm_estimators.dataset.writer import ROWS_IN_A_ROW_GROUP
from ttm_estimators.tables.columns import ID_NAMES
from ttm_estimators.tables.errors import TableError, quoted
from ttm_estimators.tables.files import HEADER_SEARCH_LETTERS, find_header

BYTES_IN_MEMORY = 2**26
"""Bytes of rows that wait for being written."""

CSV_SUFFIXES = (".csv", ".csv.gz")

CSV_BLOCK_BYTES = 2**22
"""Bytes of a CSV file that are read at once. The first ones tell the types of columns."""


@dataclass(frozen=True)
class Partition:
    """What was written."""

    files: int
    rows: int
    series: int
    id: tuple[str, ...]


def partition(
    source: str | Path, output: str | Path, files: int, *, id: Sequence[str] = ()
) -> Partition:
    """Put the rows of each id into one of some files, side by side.

    The hash of an id, which is the same on every machine and for numbers of every type, tells its
    file. A file is sorted by id, and the rows of an id keep their order. Memory does not grow with
    the source, but with the largest of the files that are written.

    Parameters
    ----------
    source : str or Path
        Parquet files: a folder, a glob, a file, or a URL that fsspec opens; or CSV files: a glob or
        a file. All have the same columns. Hive columns of folders become columns of the rows.
    output : str or Path
        Folder, which does not exist yet or is empty. On this machine it is there once it is whole.
    files : int
        Number of files. With fewer ids some of them do not exist.
    id : sequence of str, optional
        Columns that tell series apart. Default: the one with a usual name.

    Returns
    -------
    Partition
        Number of files, rows and series, and the id columns.

    Raises
    ------
    TableError
        When there are no such files or columns, columns differ from file to file, an id is empty,
        or the output folder holds files.
    """
    if isinstance(files, bool) or not isinstance(files, int) or files < 1:
        raise TableError(f"files must be a whole number from 1 on, got {files!r}")
    rows = series = written = 0
    with _folder(str(output)) as (folder, spool):
        spooled = _Spool(spool, files)
        for path, table in _tables(str(source), str(output), id):
            id = id or _usual_id(table, path)
            spooled.add(table, id, path)
        spooled.flush()
        if spooled.schema is None:
            raise TableError(f"{source} has no rows")
        for i in range(files):
            whole = spooled.take(i)
            if whole is None:
                continue
            whole = whole.sort_by([(name, "ascending") for name in id])
            series += len(series_starts(whole.select(id), None))
            rows += len(whole)
            written += 1
            whole = _encoded(whole, spooled.schema)
            with folder(f"part-{i:05d}.parquet") as file:
                pq.write_table(whole, file, row_group_size=ROWS_IN_A_ROW_GROUP)
    return Partition(written, rows, series, tuple(id))


class _Spool:
    """Rows by file on disk, in their order; the latest are in memory."""

    def __init__(self, folder: Path, files: int) -> None:
        self.folder, self.files = folder, files
        self.schema: Any = None
        self.waiting: list[list[pa.Table]] = [[] for _ in range(files)]
        self.bytes = 0

    def add(self, table: pa.Table, ids: Sequence[str], path: str) -> None:
        """Take rows.

        Raises
        ------
        TableError
            When they have other columns than those before, or an empty id.
        """
        if self.schema is None:
            self.schema = table.schema
        table = _as_before(_decoded(table), _decoded(self.schema.empty_table()).schema, path)
        absent = [name for name in ids if name not in table.column_names]
        if absent:
            raise TableError(
                f"{path} has no column {absent[0]!r}, only {quoted(table.column_names)}"
            )
        keys = table.select(ids)
        refuse_empty_ids(keys, path)
        which = (_hashes(keys) % self.files).astype(np.int64)
        order = np.argsort(which, kind="stable")
        table = table.take(order)
        ends = np.cumsum(np.bincount(which, minlength=self.files))
        for i in np.unique(which):
            start = ends[i - 1] if i else 0
            self.waiting[i].append(table.slice(start, ends[i] - start))
        self.bytes += table.nbytes
        if self.bytes > BYTES_IN_MEMORY:
            self.flush()

    def flush(self) -> None:
        """Write what waits behind what was written. A file is a row of Arrow streams."""
        for i, tables in enumerate(self.waiting):
            if not tables:
                continue
            whole = pa.concat_tables(tables).combine_chunks()
            with (
                (self.folder / str(i)).open("ab") as file,
                pa.ipc.new_stream(file, whole.schema) as stream,
            ):
                stream.write_table(whole)
        self.waiting = [[] for _ in range(self.files)]
        self.bytes = 0

    def take(self, i: int) -> pa.Table | None:
        """Rows of a file, None where there are none. They are then no longer on disk."""
        path = self.folder / str(i)
        if not path.exists():
            return None
        size, tables = path.stat().st_size, []
        with pa.OSFile(str(path)) as file:
            while file.tell() < size:
                tables.append(pa.ipc.open_stream(file).read_all())
        path.unlink()
        return pa.concat_tables(tables)


def _tables(source: str, output: str, id: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Rows of all files, and where they are from."""
    if source.lower().endswith(CSV_SUFFIXES):
        yield from _csv_tables(source, id)
        return
    for unit in find_units(source, output, max_rows=sys.maxsize):
        with open_parquet(unit.path) as file:
            for table in read_rows(file, unit):
                if len(table):
                    yield unit.path, table


def _csv_tables(source: str, id: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    system, place = open_system(source)
    paths = sorted(system.glob(place)) if system.glob(place) else []
    if not paths:
        raise TableError(f"{source} does not exist")
    types: dict[str, pa.DataType] = {}
    for path in paths:
        with _csv_reader(system, path, id, {}) as reader:
            types = _promoted(types, reader.schema)
    for path in paths:
        with _csv_reader(system, path, id, types) as reader:
            for batch in reader:
                table = pa.Table.from_batches([batch])
                if len(table):
                    yield path, table


@contextmanager
def _csv_reader(
    system: Any, path: str, id: Sequence[str], types: dict[str, pa.DataType]
) -> Iterator[Any]:
    """Open a CSV file whose columns have some types; the first rows tell those of the others."""
    with system.open(path, "rb", compression="infer") as file:
        head = file.read(HEADER_SEARCH_LETTERS).decode("utf-8-sig", errors="replace")
    if not head.strip():
        raise TableError(f"{path} is empty", "remove it, or give it a header")
    separator, skipped, names, _ = find_header(head)
    # 007 is no number.
    ids = {name: pa.string() for name in names if name in id or _is_usual(name)}
    with system.open(path, "rb", compression="infer") as file:
        try:
            yield pa_csv.open_csv(
                file,
                pa_csv.ReadOptions(
                    use_threads=False, block_size=CSV_BLOCK_BYTES, skip_rows=skipped
                ),
                pa_csv.ParseOptions(delimiter=separator),
                pa_csv.ConvertOptions(column_types={**types, **ids}),
            )
        except pa.ArrowInvalid as error:
            raise TableError(
                f"{path} can not be read: {' '.join(str(error).split())}",
                "write Parquet files, which know their types",
            ) from error


def _promoted(types: dict[str, pa.DataType], schema: pa.Schema) -> dict[str, pa.DataType]:
    """Types of columns that fit another file too: whole numbers may have a fraction there, as where
    pandas writes 6.0 beside a missing value, and dates a time of day.
    """
    found = dict(types)
    for field in schema:
        before = found.setdefault(field.name, field.type)
        if (
            pa.types.is_null(before)
            or (pa.types.is_integer(before) and pa.types.is_floating(field.type))
            or (pa.types.is_date(before) and pa.types.is_timestamp(field.type))
        ):
            found[field.name] = field.type
    return found


def _is_usual(name: str) -> bool:
    return name.strip().lower() in ID_NAMES


def _usual_id(table: pa.Table, path: str) -> list[str]:
    found = [name for name in table.column_names if _is_usual(name)]
    if len(found) == 1:
        return found
    raise TableError(
        f"{quoted(found)} could all identify the series of {path}"
        if found
        else f"no column of {path} has the usual name of an id, only {quoted(table.column_names)}",
        "choose with id=, which may be given several times",
    )


def _hashes(keys: pa.Table) -> npt.NDArray[np.uint64]:
    """Hash of the ids of each row. Those that occur often are made once."""
    codes = np.zeros(len(keys), dtype=np.int64)
    for column in keys.unify_dictionaries().combine_chunks().columns:
        values = column.chunk(0)
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        both = codes * len(values.dictionary) + values.indices.to_numpy(zero_copy_only=False)
        codes = np.unique(both, return_inverse=True)[1]  # stays small, however many columns
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return hashes_of(key_rows(keys.take(first)))[which]


def _as_before(table: pa.Table, schema: pa.Schema, path: str) -> pa.Table:
    """Columns in the order and of the types of the first file."""
    if set(table.column_names) != set(schema.names):
        different = sorted(set(table.column_names) ^ set(schema.names))
        raise TableError(
            f"{path} has other columns than the files before it: {quoted(different)} are not in all"
        )
    table = table.select(schema.names)
    for field, before in zip(table.schema, schema, strict=True):
        if not _same_kind(field.type, before.type):
            raise TableError(
                f"{path}: column {field.name!r} is of type {field.type}, but {before.type} in the "
                "files before it",
                "write the files with the same types",
            )
    try:
        return table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise TableError(
            f"{path} has columns of other types than the files before it: {error}"
        ) from error


def _same_kind(now: pa.DataType, before: pa.DataType) -> bool:
    """Whether values mean the same after a cast, which is an error where one does not fit."""
    types = pa.types
    if now == before or types.is_null(now):
        return True
    if types.is_floating(before):  # no number of fewer digits
        return types.is_integer(now) or (
            types.is_floating(now) and now.bit_width <= before.bit_width
        )
    if types.is_integer(before):
        return types.is_integer(now) or types.is_floating(now)
    if types.is_timestamp(before):
        return types.is_timestamp(now) and now.tz == before.tz
    if types.is_nested(before):
        return now.id == before.id
    alike = ("is_string", "is_large_string"), ("is_binary", "is_large_binary"), ("is_decimal",)
    return any(
        all(any(getattr(types, one)(each) for one in names) for each in (now, before))
        for names in alike
    )


def _decoded(table: pa.Table) -> pa.Table:
    """Values for dictionaries, which differ from part to part."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            values = table.column(i).cast(field.type.value_type)
            table = table.set_column(i, field.with_type(field.type.value_type), values)
    return table


def _encoded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Dictionaries again, whose indices count the values of all files."""
    for i, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            codes = table.column(i).combine_chunks().dictionary_encode()
            table = table.set_column(i, field.with_type(codes.type), codes)
    return table.replace_schema_metadata(schema.metadata)


@contextmanager
def _folder(output: str) -> Iterator[tuple[Any, Path]]:
    """What opens files of the output folder, and a folder on this machine for rows that wait."""
    system, place = open_system(output)
    if system.exists(place) and (not system.isdir(place) or system.ls(place)):
        raise TableError(f"{output} is there and not empty", "choose another folder")
    if not isinstance(system, LocalFileSystem):
        with TemporaryDirectory() as spool:
            yield (lambda name: system.open(f"{place}/{name}", "wb")), Path(spool)
        return
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, TemporaryDirectory(dir=partial.parent) as spool:
        partial.mkdir()
        yield (lambda name: (partial / name).open("wb")), Path(spool)
