"""Output files: written aside in row groups, and there once they are whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.atomic import replacing
from ttm_estimators.dataset.sources import open_system
from ttm_estimators.tables.errors import TableError

ROWS_IN_A_ROW_GROUP = 2**17


class Writer:
    """Writer of one Parquet file, which is made when the first rows come.

    Parameters
    ----------
    open_file : callable
        Opens the file.
    types : mapping
        Types of columns that are those of the input, such as dictionaries of ids.
    """

    def __init__(self, open_file: Callable[[], Any], types: Mapping[str, pa.DataType]) -> None:
        self.open_file, self.types = open_file, types
        self.rows = 0
        self._parts: list[pa.Table] = []
        self._file: Any = None
        self._writer: Any = None
        self._schema: Any = None
        self._kinds: list[str] = []

    def write(self, frame: pd.DataFrame) -> None:
        """Add rows.

        Raises
        ------
        TableError
            When their columns are not of the types of those before them.
        """
        if not len(frame):
            return
        kinds = [_kind(dtype) for dtype in frame.dtypes]
        if self._schema is None:
            self._schema, self._kinds = self._first_schema(frame), kinds
        try:
            if kinds != self._kinds:  # which Arrow would convert without a word
                raise pa.ArrowTypeError(_differing(kinds, self._kinds))
            table = pa.Table.from_pandas(frame, self._schema, preserve_index=False, nthreads=1)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, KeyError) as error:
            raise TableError(
                f"results from row {self.rows + 1} on are of other types than those before them "
                f"({_line(error)})",
                "if dates are of several kinds, give timezone= or date_format=",
            ) from error
        self._parts.append(table)
        self.rows += len(table)
        if sum(map(len, self._parts)) >= ROWS_IN_A_ROW_GROUP:
            self._flush()

    def finish(self, metadata: Mapping[bytes, bytes]) -> None:
        """Write the end of the file, if there is one."""
        self._flush()
        if self._writer is not None:
            self._writer.add_key_value_metadata(dict(metadata))
            self._writer.close()
            self._file.close()

    def _first_schema(self, frame: pd.DataFrame) -> pa.Schema:
        schema = pa.Schema.from_pandas(frame, preserve_index=False)
        for i, field in enumerate(schema):
            if field.name in self.types:
                schema = schema.set(i, field.with_type(self.types[field.name]))
        return schema

    def _flush(self) -> None:
        if not self._parts:
            return
        if self._writer is None:
            self._file = self.open_file()
            self._writer = pq.ParquetWriter(self._file, self._schema)
        table = pa.concat_tables(self._parts)
        self._writer.write_table(table, row_group_size=len(table))
        self._parts = []


@contextmanager
def writing(output: str, target: str, types: Mapping[str, pa.DataType]) -> Iterator[Writer]:
    """Give a writer of a file that is there, whole, after the block; or not, where it fails.

    An older file goes where no rows come.

    Parameters
    ----------
    output : str
        Folder: a local path or a URL.
    target : str
        File in it.
    types : mapping
        As of :class:`Writer`.
    """
    system, root = open_system(output)
    place = f"{root.rstrip('/')}/{target}"
    if isinstance(system, LocalFileSystem):
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            writer = Writer(lambda: partial.open("wb"), types)
            yield writer
        if not writer.rows:
            path.unlink(missing_ok=True)
        return
    # What is written to object stores is there once the upload is finished.
    opened: list[Any] = []

    def open_file() -> Any:
        system.makedirs(place.rpartition("/")[0], exist_ok=True)
        opened.append(system.open(place, "wb", autocommit=False))
        return opened[0]

    writer = Writer(open_file, types)
    try:
        yield writer
    except BaseException:
        for file in opened:
            file.discard()
        raise
    for file in opened:
        file.commit()
    if not writer.rows and system.exists(place):
        system.rm(place)


def kept_types(schema: pa.Schema, names: Sequence[str]) -> dict[str, pa.DataType]:
    """Types of columns of an input that are those of its output too."""
    return {name: schema.field(name).type for name in names if name in schema.names}


def _kind(dtype: Any) -> str:
    kind = {"M": "dates", "i": "numbers", "u": "numbers", "f": "numbers"}.get(dtype.kind, "others")
    zone = getattr(dtype, "tz", None)
    return kind if zone is None else f"{kind} in {zone}"


def _differing(kinds: Sequence[str], before: Sequence[str]) -> str:
    pairs = zip(kinds, before, strict=False)
    return ", ".join(f"{now} after {then}" for now, then in pairs if now != then) or "more columns"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
