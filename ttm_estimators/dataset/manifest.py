"""What a run made of each file: ``_manifest.parquet`` in the output folder.

It is there from the start of a run, with the options in its metadata, so that one folder never
holds forecasts by different ones. Readers of the folder pass over names that begin with ``_``.
"""

from __future__ import annotations

import errno
import json
import posixpath
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.atomic import remove_abandoned, replacing
from ttm_estimators.dataset.metadata import KEY, differences, is_damage, read_done, read_facts
from ttm_estimators.dataset.sources import REQUESTS_AT_ONCE, is_hidden, open_system, url_of
from ttm_estimators.dataset.unit import Done, Unit
from ttm_estimators.tables.errors import TableError, TableWarning, quoted

FILE = "_manifest.parquet"

LOCK = ".lock"

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What network file systems without locks say."""

SECONDS_BETWEEN_WRITES = 30.0
"""A killed run loses the seconds that its files took since, and nothing else."""

FAILED = pyarrow.list_(pyarrow.struct([("series", pyarrow.string()), ("reason", pyarrow.string())]))

SCHEMA = pyarrow.schema(
    [
        ("file", pyarrow.string()),
        ("source", pyarrow.string()),
        ("rows", pyarrow.int64()),
        ("series", pyarrow.int64()),
        ("seconds", pyarrow.float64()),
        ("network_seconds", pyarrow.float64()),
        ("failed", FAILED),
        ("error", pyarrow.string()),
    ]
)


class Manifest:
    """The output folder of a run, and what is in it.

    Parameters
    ----------
    units : sequence of Unit
        What there is to do.
    output : str
        Output folder: a local path or a URL. It is made if need be.
    identity : mapping
        Of :func:`ttm_estimators.dataset.metadata.identity_of`.

    Raises
    ------
    TableError
        When the folder holds something else, results by other options, or results of files that
        are not among the units.
    """

    def __init__(self, units: Iterable[Unit], output: str, identity: Mapping[str, Any]) -> None:
        self.identity = identity
        self.system, self.folder = open_system(output)
        self.output = url_of(self.system, self.folder)
        self._units = {unit.target: unit for unit in units}
        self._rows: dict[str, dict[str, Any]] = {}
        self._written = time.monotonic()
        before, damaged = self._read()
        there = self._list(before is not None or damaged)
        if before is not None and there - {
            FILE
        }:  # a run that has no results yet stands in nobody's way
            self._compare(json.loads(before.schema.metadata[KEY]))
        seconds = {} if before is None else _seconds(before)
        found = [unit for name, unit in self._units.items() if name in there]
        if damaged:
            self._check(found)
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            done = pool.map(lambda unit: read_done(unit, self.output, identity), found)
            for unit, one in zip(found, done, strict=True):
                if one is not None:
                    self._add(unit, one, *seconds.get(one.target, ()))
        self._remove(there)
        self.write()

    @property
    def left(self) -> list[Unit]:
        """Units that are not done."""
        return [unit for name, unit in self._units.items() if name not in self._rows]

    @property
    def series(self) -> int:
        """Series so far."""
        return sum(row["series"] for row in self._rows.values())

    def failed(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Sources, of those that are done, with the series that were left out."""
        for row in self._rows.values():
            if row["failed"]:
                yield row["source"], row["failed"]

    def add(self, unit: Unit, result: Done | str) -> None:
        """Take down what became of a unit: an error, if it is text."""
        if isinstance(result, Done):
            self._add(unit, result, result.seconds, result.network_seconds)
        else:
            self._add(unit, Done(unit.target, 0, 0, 0.0, 0.0), error=result)
        if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            self.write()

    def table(self) -> pyarrow.Table:
        """Rows in the order of the files."""
        rows = [self._rows[name] for name in self._units if name in self._rows]
        metadata = {KEY: json.dumps(self.identity, sort_keys=True).encode()}
        return pyarrow.Table.from_pylist(rows, schema=SCHEMA.with_metadata(metadata))

    def frame(self) -> pd.DataFrame:
        """Rows in the order of the files."""
        return self.table().to_pandas()

    def write(self) -> None:
        """Replace the file in the output folder."""
        buffer = pyarrow.BufferOutputStream()
        pq.write_table(self.table(), buffer)
        content, path = buffer.getvalue().to_pybytes(), f"{self.folder}/{FILE}"
        self.system.makedirs(self.folder, exist_ok=True)
        if isinstance(self.system, LocalFileSystem):
            with replacing(Path(path)) as partial:
                partial.write_bytes(content)
        else:
            self.system.pipe_file(path, content)
        self._written = time.monotonic()

    def _add(
        self,
        unit: Unit,
        done: Done,
        seconds: float | None = None,
        network_seconds: float | None = None,
        error: str | None = None,
    ) -> None:
        self._rows[unit.target] = {
            "file": unit.target,
            "source": unit.path,
            "rows": done.rows,
            "series": done.series,
            "seconds": seconds,
            "network_seconds": network_seconds,
            "failed": [{"series": name, "reason": reason} for name, reason in done.failed],
            "error": error,
        }

    def _read(self) -> tuple[pyarrow.Table | None, bool]:
        """Manifest of an earlier run, or that there is one which can not be read."""
        try:
            with self.system.open(f"{self.folder}/{FILE}", "rb") as file:
                # By this thread alone: Arrow's may abort a process that ends soon after.
                before = pq.ParquetFile(file, pre_buffer=False).read(use_threads=False)
            json.loads((before.schema.metadata or {})[KEY])
        except FileNotFoundError:
            return None, False
        except pyarrow.ArrowInvalid:
            return None, True
        except OSError as error:
            if is_damage(error, self.system):
                return None, True
            raise
        except (KeyError, ValueError) as error:
            raise TableError(
                f"{self.output}/{FILE} can not be read: {error}",
                "remove the folder, or choose another",
            ) from error
        return before, False

    def _compare(self, identity: Mapping[str, Any]) -> None:
        if identity != self.identity:
            other = differences(identity, self.identity)
            raise TableError(
                f"{self.output} holds results of a run with {other}",
                "choose another folder, or remove that one",
            )

    def _check(self, found: Sequence[Unit]) -> None:
        """Compare what outputs say of themselves, where the manifest was cut short."""
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            facts = pool.map(lambda unit: read_facts(self.output, unit.target), found)
            for unit, one in zip(found, facts, strict=True):
                if one is not None and "identity" not in one[1]:
                    raise self._of_others([unit.target])
                if one is not None:
                    self._compare(one[1]["identity"])
        warnings.warn(
            f"{self.output}/{FILE} is damaged: it is made anew, without the seconds of before",
            TableWarning,
            stacklevel=5,
        )

    def _remove(self, there: Iterable[str]) -> None:
        """Remove results of inputs that have changed, which may not become any again."""
        left = {unit.target for unit in self.left}
        for name in there:
            if name in left or (is_hidden(name) and name.partition("/")[2] in left):
                with suppress(FileNotFoundError):
                    self.system.rm_file(f"{self.folder}/{name}")

    def _of_others(self, names: Iterable[str]) -> TableError:
        return TableError(
            f"{self.output} holds files that are no results of such a run: {quoted(sorted(names))}",
            "choose a new folder",
        )

    def _list(self, ours: bool) -> set[str]:
        """Names of the Parquet files that are there, hidden ones too.

        What killed runs have left is removed.
        """
        try:
            found = self.system.find(self.folder, withdirs=True, detail=True)
        except FileNotFoundError:
            return set()
        names, folders = set(), {self.folder}
        for path, info in found.items():
            name = posixpath.relpath(path, self.folder)
            if info["type"] == "directory":
                folders.add(path)
            elif name.lower().endswith(".parquet"):
                names.add(name)
        seen = {name for name in names if not is_hidden(name)}
        if seen and not ours:
            raise self._of_others(seen)
        stale = sorted(seen - self._units.keys())
        if stale:
            raise TableError(
                f"{self.output} holds results of files that are not in the source: {quoted(stale)}",
                "remove them, or choose another folder",
            )
        if isinstance(self.system, LocalFileSystem):
            for folder in folders:
                remove_abandoned(Path(folder))
        return names


@contextmanager
def locked(output: str) -> Iterator[None]:
    """Keep other runs out of a local output folder. Object stores have no locks.

    Raises
    ------
    TableError
        When another run has it.
    """
    system, folder = open_system(output)
    if not isinstance(system, LocalFileSystem):
        yield
        return
    system.makedirs(folder, exist_ok=True)
    lock = FileLock(f"{folder}/{LOCK}", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise TableError(
            f"another run writes to {output}", "wait for its end, or choose another folder"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        warnings.warn(
            f"{output} can not be locked ({error.strerror}): start one run at a time",
            TableWarning,
            stacklevel=5,
        )
    try:
        yield
    finally:
        if not system.exists(f"{folder}/{FILE}"):  # the folder is none of ours
            Path(folder, LOCK).unlink(missing_ok=True)
        lock.release()


def _seconds(before: pyarrow.Table) -> dict[str, tuple[float | None, float | None]]:
    rows = before.select(["file", "seconds", "network_seconds"]).to_pylist()
    return {row["file"]: (row["seconds"], row["network_seconds"]) for row in rows}
