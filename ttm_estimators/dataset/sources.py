"""The Parquet files of a folder, a glob or a URL as units of work.

Names are taken as Spark and Dask take them: those that begin with ``.`` or ``_`` are hidden, and
folders such as ``region=north`` hold the value of a column.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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

MAX_FOOTERS = 1_000
"""Files whose footers are compared: reading them takes a second or a few."""

REQUESTS_AT_ONCE = 16
"""Footers that are read at the same time: object stores take their time to answer."""

MAX_EXACT = 64
"""Characters from which writers cut the ids in footers."""

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
    place, real = real_path(system, root), real_path(other_system, folder)
    if shared and (_lies_in(place, real) or (deep and _lies_in(real, place))):
        raise TableError(
            f"of the source {source} and the output {output} one lies in the other",
            "choose another folder for the output",
        )
    files = {posixpath.relpath(path, root): (path, info) for path, info in found.items()}
    files = {
        name: (path, info)
        for name, (path, info) in files.items()
        # A file that was named is taken whatever it is called.
        if not is_hidden(name) or kind == "file"
        if not shared or not _lies_in(real_path(system, posixpath.dirname(path)), real)
    }
    for path, info in files.values():
        _check_name(path)
        if shared and info.get("islink") and _lies_in(real_path(system, path), real):
            raise TableError(
                f"{path} leads to a file of the output {output}",
                "choose another folder for the output",
            )
    links = [name for name, (path, _) in files.items() if _is_linked_folder(system, path)]
    broken = [name for name, (path, info) in files.items() if _is_broken(info, path)]
    others = [name for name in files if kind == "folder" and _suffix(name) not in SUFFIXES]
    empty = [name for name, (_, info) in files.items() if not info["size"]]
    left_out: set[str] = set()
    for names, why in (
        (links, "links to folders"),
        (broken, "links to nothing"),
        (others, "not Parquet by their names"),
        (empty, "empty"),
    ):
        told = [name for name in names if name not in left_out]
        if told:
            _leave_out(source, told, why)
        left_out.update(told)
    units: dict[str, Unit] = {}
    for name in sorted(files.keys() - left_out):
        path, info = files[name]
        shown = name.lstrip("._") if kind == "file" else name  # readers pass over hidden outputs
        whole = Unit(
            url_of(system, path),
            shown if _suffix(shown) == ".parquet" else f"{shown}.parquet",
            partition=_partition(name),
            fingerprint=_fingerprint(system, path, info),
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
    if "://" not in url:  # fsspec would take "a::b" for an archive
        system = LocalFileSystem()
        return system, system._strip_protocol(url).rstrip("/") or "/"
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # such as "Install s3fs to access S3"
        raise TableError(f"{url} can not be opened: {error}") from error
    return system, path.rstrip("/") or "/"


def url_of(system: Any, path: str) -> str:
    """What another process opens a path of a file system by."""
    return path if isinstance(system, LocalFileSystem) else str(system.unstrip_protocol(path))


def real_path(system: Any, path: str) -> str:
    """Path without links and ``..``, which object stores do not have."""
    return os.path.realpath(path) if isinstance(system, LocalFileSystem) else path


def _is_linked_folder(system: Any, path: str) -> bool:
    return isinstance(system, LocalFileSystem) and os.path.isdir(path)


def _is_broken(info: dict[str, Any], path: str) -> bool:
    return bool(info.get("islink")) and not os.path.exists(path)


def _check_name(path: str) -> None:
    """Refuse a name that no manifest can hold."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise TableError(f"the name {path!r} is not in UTF-8", "rename it") from None


def _list(source: str) -> tuple[Any, str, dict[str, Any], str]:
    """File system, the path that names are relative to, files with their facts, and the kind."""
    system, path = open_system(source)
    try:
        if system.isfile(path):
            return system, posixpath.dirname(path), {path: system.info(path)}, "file"
        if system.isdir(path):
            return system, path, _find(system, path), "folder"
        if not _is_glob(path):
            raise TableError(f"{source} does not exist")
        parts = path.split("/")
        first = next(i for i, part in enumerate(parts) if _is_glob(part))
        found: dict[str, Any] = {}
        for match, info in system.glob(path, detail=True).items():
            folder = info["type"] == "directory"
            found |= _find(system, match) if folder else {match: info}
    except OSError as error:
        raise TableError(f"{source} can not be read: {error}") from error
    if not found:
        raise TableError(f"no file matches {source}")
    return system, "/".join(parts[:first]) or "/", found, "glob"


def _find(system: Any, folder: str) -> dict[str, Any]:
    """Find the files below a folder, none of which are passed over for their permissions."""
    options = {"on_error": "raise"} if isinstance(system, LocalFileSystem) else {}
    return system.find(folder, detail=True, **options)


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
        return Unit(source, target, fingerprint=_fingerprint(system, path, system.info(path)))
    except FileNotFoundError:
        raise TableError(f"{source} does not exist") from None


def _fingerprint(system: Any, path: str, info: dict[str, Any]) -> str:
    if isinstance(system, LocalFileSystem):
        # of the file that a link leads to; a copy may keep the size and the time of modification
        facts = os.stat(path)
        return _hash(f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}")
    version = next((info[key] for key in VERSION_KEYS if info.get(key) is not None), None)
    return _hash(f"{info['size']} {version}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cut(system: Any, path: str, whole: Unit, id: Sequence[str], max_rows: int) -> list[Unit]:
    """Ranges of row groups of a file that is sorted by id, each of so many rows or a few more."""
    try:
        with system.open(path, "rb") as file:
            metadata = pq.read_metadata(file)
    except (OSError, pyarrow.ArrowInvalid):
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
    wanted = _ids_in(metadata, id)
    if not wanted or (len(wanted) > 1 and not id):
        return set()
    index = wanted[0]
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


def _ids_in(metadata: Any, id: Sequence[str]) -> list[int]:
    """Columns of a file with the ids that are given, in their order, or with a usual name."""
    names = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
    if id:
        return [names.index(name) for name in id if name in names]
    return [i for i, name in enumerate(names) if name.strip().lower() in ID_NAMES]


def warn_of_spread_series(units: Sequence[Unit], id: Sequence[str]) -> None:
    """Warn of a series that stands in several files, as far as their footers tell.

    Footers hold the least and the greatest id of each row group. Ranges that overlap are usual,
    for ``ttm partition`` makes such files; an id that ends two of them is in both.

    Parameters
    ----------
    units : sequence of Unit
        Of which 1,000 files are looked at, if there are more.
    id : sequence of str
        Columns that tell series apart. Default: a usual name.
    """
    files = list({unit.path: unit for unit in units}.values())
    files = files[:: -(-len(files) // MAX_FOOTERS) or 1]
    seen: dict[Any, Unit] = {}
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        ends = pool.map(lambda unit: _ends(unit, id), files)
        for unit, values in zip(files, ends, strict=True):
            columns = dict(unit.partition)
            for value in values:
                other = seen.setdefault((*map(columns.get, id), value), unit)
                if other is not unit:
                    warnings.warn(
                        f"series {value!r} is in {other.path} and in {unit.path}, of which each is "
                        "taken by itself: write its rows to one file with ttm partition, or name "
                        "with id= the columns that tell series apart",
                        TableWarning,
                        stacklevel=3,
                    )
                    return


def _ends(unit: Unit, id: Sequence[str]) -> list[Any]:
    """Least and greatest ids of the row groups of a file that has one id column."""
    system, path = open_system(unit.path)
    try:
        with system.open(path, "rb") as file:
            metadata = pq.read_metadata(file)
    except (OSError, pyarrow.ArrowInvalid):
        return []  # whoever reads it says what is wrong
    wanted = _ids_in(metadata, id)
    if len(wanted) != 1:
        return []
    groups = (metadata.row_group(i).column(wanted[0]) for i in range(metadata.num_row_groups))
    known = [group.statistics for group in groups]
    pairs = ((each.min, each.max) for each in known if each is not None and each.has_min_max)
    return [value for pair in pairs for value in pair if len(str(value)) < MAX_EXACT]


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
