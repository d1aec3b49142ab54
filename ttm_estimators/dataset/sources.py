"""The Parquet files of a folder, a glob or a URL as units of work.

Names are taken as Spark and Dask take them: those that begin with ``.`` or ``_`` are hidden, and
folders such as ``region=north`` hold the value of a column.
"""

from __future__ import annotations

import hashlib
import posixpath
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec
import pyarrow
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.dataset.unit import Unit
from ttm_estimators.tables.columns import ID_NAMES
from ttm_estimators.tables.errors import TableError, TableWarning, quoted

SUFFIXES = ("", ".parquet", ".parq", ".pq")
"""Of files that are taken from a folder. Hive writes names without one."""

MAX_UNIT_ROWS = 1_000_000
"""Rows after which a sorted file is cut, where a series ends (ours): a minute of work or so, for a
restart and for the balance between workers."""

MIN_CUT_BYTES = 8 * 2**20
"""Size of a file of a folder below which nobody looks whether it can be cut."""

VERSION_KEYS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
"""What tells that a file has changed, by the names of fsspec's drivers, the surest first."""


def find_units(
    source: str | Path,
    output: str | Path,
    *,
    id: Sequence[str] = (),
    max_rows: int | None = MAX_UNIT_ROWS,
) -> list[Unit]:
    """List what there is to do.

    Parameters
    ----------
    source : str or Path
        A folder, of which every Parquet file is taken, however deep; a glob such as
        ``data/*/2024-*.parquet``; a single file; or a URL of one of them, such as
        ``s3://bucket/folder``, that a driver of fsspec opens.
    output : str or Path
        Folder for the results. It may not lie in the source.
    id : sequence of str
        Columns that tell series apart. Default: a usual name.
    max_rows : int, optional
        Rows after which a large file is cut, if its row groups are sorted by id: 1,000,000. None
        cuts none.

    Returns
    -------
    list of Unit
        In the order of their names.

    Raises
    ------
    TableError
        When there is nothing, or two files would have the same output.
    """
    system, root, found, kind = _list(str(source))
    other_system, folder = open_system(str(output))
    shared = type(other_system) is type(system)
    deep = kind == "folder" or "**" in str(source)
    if shared and (_lies_in(root, folder) or (deep and _lies_in(folder, root))):
        raise TableError(
            f"of the source {source} and the output {output} one lies in the other",
            "choose another folder for the output",
        )
    files = {posixpath.relpath(path, root): (path, info) for path, info in found.items()}
    files = {
        name: file
        for name, file in files.items()
        if not (is_hidden(name) or (shared and _lies_in(file[0], folder)))
    }
    # A file that was named is taken whatever it is called.
    others = [name for name in files if kind == "folder" and _suffix(name) not in SUFFIXES]
    empty = [name for name, (_, info) in files.items() if not info["size"]]
    if others:
        _leave_out(source, others, "not Parquet by their names")
    if empty:
        _leave_out(source, empty, "empty")
    units: dict[str, Unit] = {}
    for name in sorted(files.keys() - {*others, *empty}):
        path, info = files[name]
        whole = Unit(
            url_of(system, path),
            name if _suffix(name) == ".parquet" else f"{name}.parquet",
            partition=_partition(name),
            fingerprint=_fingerprint(info),
        )
        parts = [whole]
        if max_rows is not None and (kind == "file" or info["size"] > MIN_CUT_BYTES):
            parts = _cut(system, path, whole, id, max_rows)
        for unit in parts:
            if unit.target in units:
                other = units[unit.target].path
                raise TableError(
                    f"{other} and {unit.path} would both be written to {unit.target}",
                    "rename one",
                )
            units[unit.target] = unit
    if not units:
        raise TableError(f"{source} holds no Parquet files")
    _check_ids(units.values(), id)
    return list(units.values())


def open_system(url: str) -> tuple[Any, str]:
    """File system of a URL or local path, and the path in it.

    Raises
    ------
    TableError
        When fsspec has no driver for it.
    """
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # such as "Install s3fs to access S3"
        raise TableError(f"{url} can not be opened: {error}") from error
    return system, path.rstrip("/") or "/"


def url_of(system: Any, path: str) -> str:
    """What another process opens a path of a file system by."""
    return path if isinstance(system, LocalFileSystem) else str(system.unstrip_protocol(path))


def _list(source: str) -> tuple[Any, str, dict[str, Any], str]:
    """File system, the path that names are relative to, files with their facts, and the kind."""
    system, path = open_system(source)
    try:
        if system.isfile(path):
            return system, posixpath.dirname(path), {path: system.info(path)}, "file"
        if system.isdir(path):
            return system, path, system.find(path, detail=True), "folder"
        if not _is_glob(path):
            raise TableError(f"{source} does not exist")
        parts = path.split("/")
        first = next(i for i, part in enumerate(parts) if _is_glob(part))
        found: dict[str, Any] = {}
        for match, info in system.glob(path, detail=True).items():
            folder = info["type"] == "directory"
            found |= system.find(match, detail=True) if folder else {match: info}
    except OSError as error:
        raise TableError(f"{source} can not be read: {error}") from error
    if not found:
        raise TableError(f"no file matches {source}")
    return system, "/".join(parts[:first]) or "/", found, "glob"


def _is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def _lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def is_hidden(name: str) -> bool:
    """Whether readers pass over a file. Partition columns may begin with an underscore."""
    return any(
        part.startswith(".") or (part.startswith("_") and "=" not in part)
        for part in name.split("/")
    )


def _suffix(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _leave_out(source: str | Path, names: Sequence[str], why: str) -> None:
    warnings.warn(
        f"files of {source} are left out, for they are {why}: {quoted(sorted(names))}",
        TableWarning,
        stacklevel=4,
    )


def _partition(name: str) -> tuple[tuple[str, str], ...]:
    """Columns in the names of folders."""
    pairs = (part.split("=", 1) for part in name.split("/")[:-1] if "=" in part)
    return tuple((unquote(column), unquote(value)) for column, value in pairs if column)


def unit_of(source: str, target: str) -> Unit:
    """Give a whole file as a unit.

    Raises
    ------
    TableError
        When it does not exist.
    """
    system, path = open_system(source)
    try:
        return Unit(source, target, fingerprint=_fingerprint(system.info(path)))
    except FileNotFoundError:
        raise TableError(f"{source} does not exist") from None


def _fingerprint(info: dict[str, Any]) -> str:
    version = next((info[key] for key in VERSION_KEYS if info.get(key) is not None), None)
    return hashlib.sha256(f"{info['size']} {version}".encode()).hexdigest()[:16]


def _cut(system: Any, path: str, whole: Unit, id: Sequence[str], max_rows: int) -> list[Unit]:
    """Ranges of row groups of a file that is sorted by id, each of so many rows or a few more."""
    try:
        with system.open(path, "rb") as file:
            metadata = pq.read_metadata(file)
    except pyarrow.ArrowInvalid:
        return [whole]  # whoever reads it says what is wrong
    starts = _starts(metadata, id)
    cuts, rows = [0], 0
    for group in range(1, metadata.num_row_groups):
        rows += metadata.row_group(group - 1).num_rows
        if rows >= max_rows and group in starts:
            cuts.append(group)
            rows = 0
    if len(cuts) == 1:
        return [whole]
    stem = whole.target.removesuffix(".parquet")
    return [
        Unit(
            whole.path,
            f"{stem}-{i:05d}.parquet",
            (start, stop),
            whole.partition,
            f"{whole.fingerprint}-{start}-{stop}",
        )
        for i, (start, stop) in enumerate(
            zip(cuts, [*cuts[1:], metadata.num_row_groups], strict=True)
        )
    ]


def _starts(metadata: Any, id: Sequence[str]) -> set[int]:
    """Row groups in which an id begins, of a file that is sorted by id as far as is known."""
    names = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
    usual = [name for name in names if name.strip().lower() in ID_NAMES]
    wanted = [name for name in id if name in names][:1] or (usual if not id else [])
    if len(wanted) != 1:
        return set()
    index = names.index(wanted[0])
    starts, last = set(), None
    for group in range(metadata.num_row_groups):
        known = metadata.row_group(group).column(index).statistics
        if known is None or not known.has_min_max or known.null_count:
            return set()
        if last is not None:
            if known.min < last:
                return set()
            if known.max > last:
                starts.add(group)
        last = known.max
    return starts


def _check_ids(units: Any, id: Sequence[str]) -> None:
    """Refuse a series that is spread over files, as far as the names of folders tell.

    Where all ids are in them, each folder is one series.
    """
    if not id:
        return
    seen: dict[tuple[str, ...], Unit] = {}
    for unit in units:
        columns = dict(unit.partition)
        if not all(name in columns for name in id):
            return
        key = tuple(columns[name] for name in id)
        if key in seen:
            raise TableError(
                f"{seen[key].path} and {unit.path} hold the same series, by id={list(id)}",
                "write the rows of a series to one file, such as with ttm partition",
            )
        seen[key] = unit
