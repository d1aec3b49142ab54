"""What a run made of each file: ``_manifest.parquet`` in the output folder.

It is there from the start of a run, with the options in its metadata, so that one folder never
holds forecasts by different ones. Readers of the folder pass over names that begin with ``_``.
"""

from __future__ import annotations

import json
import posixpath
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators.atomic import replacing
from ttm_estimators.dataset.metadata import KEY, read_done
from ttm_estimators.dataset.sources import is_hidden, open_system, url_of
from ttm_estimators.dataset.unit import Done, Unit
from ttm_estimators.tables.errors import TableError, quoted

FILE = "_manifest.parquet"

SECONDS_BETWEEN_WRITES = 30.0
"""A killed run loses the seconds that its files took since, and nothing else."""

REQUESTS_AT_ONCE = 16
"""Outputs whose metadata are read at the same time: object stores take their time to answer."""

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
        before = self._read()
        there = self._list(before is not None)
        seconds = {} if before is None else _seconds(before)
        found = [unit for name, unit in self._units.items() if name in there]
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            done = pool.map(lambda unit: read_done(unit, self.output, identity), found)
            for unit, one in zip(found, done, strict=True):
                if one is not None:
                    self._add(unit, one, *seconds.get(one.target, ()))
        self.write()

    @property
    def left(self) -> list[Unit]:
        """Units that are not done."""
        return [unit for name, unit in self._units.items() if name not in self._rows]

    @property
    def series(self) -> int:
        """Series so far."""
        return sum(row["series"] for row in self._rows.values())

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

    def _read(self) -> pyarrow.Table | None:
        """Manifest of an earlier run."""
        try:
            with self.system.open(f"{self.folder}/{FILE}", "rb") as file:
                before = pq.read_table(file)
            identity = json.loads((before.schema.metadata or {})[KEY])
        except FileNotFoundError:
            return None
        except (KeyError, ValueError) as error:
            raise TableError(
                f"{self.output}/{FILE} can not be read: {error}",
                "remove the folder, or choose another",
            ) from error
        if identity != self.identity:
            other = _differences(identity, self.identity)
            raise TableError(
                f"{self.output} holds results of a run with {other}",
                "choose another folder, or remove that one",
            )
        return before

    def _list(self, ours: bool) -> set[str]:
        """Names of the outputs that are there, less what killed runs have left."""
        try:
            found = self.system.find(self.folder, withdirs=True, detail=True)
        except FileNotFoundError:
            return set()
        names = set()
        for path, info in found.items():
            name = posixpath.relpath(path, self.folder)
            parts = name.split("/")
            if ours and any(part.endswith(".partial") and part[0] in "._" for part in parts):
                with suppress(FileNotFoundError):  # its folder went first
                    self.system.rm(path, recursive=info["type"] == "directory")
            elif info["type"] == "file" and name.endswith(".parquet") and not is_hidden(name):
                names.add(name)
        if names and not ours:
            raise TableError(
                f"{self.output} holds files that are no results of such a run: "
                f"{quoted(sorted(names))}",
                "choose a new folder",
            )
        stale = sorted(names - self._units.keys())
        if stale:
            raise TableError(
                f"{self.output} holds results of files that are not in the source: {quoted(stale)}",
                "remove them, or choose another folder",
            )
        return names


def _seconds(before: pyarrow.Table) -> dict[str, tuple[float | None, float | None]]:
    rows = before.select(["file", "seconds", "network_seconds"]).to_pylist()
    return {row["file"]: (row["seconds"], row["network_seconds"]) for row in rows}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Options that differ, as a run had them and as they are given now."""
    told = [
        f"{name}={old.get(name)!r}, not {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return " and ".join(told)
