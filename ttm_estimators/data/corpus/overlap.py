"""Search for stretches of evaluation data in a corpus, whatever their scale, offset or sign.

A window is standardised and rounded, and what remains is hashed. Windows at every point of the
corpus meet windows at every 16th point of the evaluation data, so that a common stretch of 47
points is sure to hold a pair of equal ones. Pairs of equal hash are compared by correlation.

Where values are coarse, 32 points in a row tell nothing. Windows of every 12th point see to these.

Shape suffixes: N series (stretches of them), T time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ttm_estimators.data.corpus.deny_list import find_benchmark

Floats = npt.NDArray[np.float64]

WINDOW_POINTS = 32
"""Points of a window. Shorter ones agree by chance: ours, as is all below."""

STRIDE_POINTS = 16
"""Points from one window of the evaluation data to the next."""

SPACINGS_IN_POINTS = (1, 12)
"""Points from one point of a window to the next."""

ROUNDED_VALUES_PER_DEVIATION = 16
"""Fineness of the rounding: one in a thousand windows is lost to float32, 3 % to four decimals."""

MIN_DISTINCT_VALUES = 10
"""Rounded values, and rounded steps between points, that a window must have to tell series apart.
Constants, ramps, switches, single spikes and small counts do not."""

MIN_CORRELATION = 0.9999
"""From which two windows are the same."""

CHUNK_WINDOWS = 1 << 16
"""Windows in memory at a time."""

# Boundaries between levels are where simple fractions, which whole numbers give, do not fall.
_OFFSET = 0.137

# Sums of these with rounded windows are whole numbers below 2 ** 53: exact, in whatever order.
_WEIGHTS = np.random.default_rng(0).integers(1, 1 << 40, WINDOW_POINTS).astype(np.float64)


class Series(NamedTuple):
    """A series, the set it belongs to and its name there."""

    set: str
    name: str
    values: Floats


def read_corpus(folder: Path) -> Iterator[Series]:
    """Read a folder of parquet files with a column ``target``, a file for each source.

    Raises
    ------
    ValueError
        When there is no such file or one of them has no such column.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ValueError(f"{folder} holds no parquet files: name a corpus folder")
    for file in files:
        if "target" not in pq.read_schema(file).names:
            raise ValueError(f"{file} has no column 'target' with the numbers of each series")
        yield from _read_parquet(file, file.stem)


def read_evaluation(folder: Path) -> Iterator[Series]:
    """Read every series below a folder.

    Folders of Hugging Face datasets, as GIFT-Eval has them, and parquet files have a column
    ``target``; of a CSV file, and of parquet without that column, every column of numbers is one
    series.

    Raises
    ------
    ValueError
        When there is nothing to read.
    """
    files = [file for kind in ("arrow", "csv", "parquet") for file in folder.rglob(f"*.{kind}")]
    if not files:
        raise ValueError(f"{folder} holds no arrow, parquet or CSV files: name evaluation data")
    for file in sorted(files):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if file.suffix == ".arrow":
            place = file.relative_to(folder).parent
            with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as stream:
                yield from _read_rows(stream, place.as_posix() if place.name else folder.name)
        elif file.suffix == ".parquet" and "target" in pq.read_schema(file).names:
            yield from _read_parquet(file, name)
        else:
            table = pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)
            for column, values in table.select_dtypes("number").items():
                yield Series(name, str(column), values.to_numpy(np.float64))


def _read_parquet(file: Path, name: str) -> Iterator[Series]:
    parquet = pq.ParquetFile(file)
    columns = [column for column in ("item_id", "target") if column in parquet.schema_arrow.names]
    yield from _read_rows(parquet.iter_batches(batch_size=64, columns=columns), name)


def _read_rows(batches: Iterable[Any], name: str) -> Iterator[Series]:
    row = 0
    for batch in batches:
        items = batch["item_id"] if "item_id" in batch.schema.names else [None] * len(batch)
        for item, cell in zip(items, batch["target"], strict=True):
            label = str(row if item is None else item)
            row += 1
            if not cell.is_valid:
                continue
            if not pa.types.is_nested(cell.values.type):
                yield Series(name, label, _to_floats(cell.values))
                continue
            for i, variate in enumerate(cell.values):
                yield Series(name, f"{label}/{i}", _to_floats(variate.values))


def _to_floats(values: Any) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


class Match(NamedTuple):
    """A window of the corpus that is one of the evaluation data."""

    position: int
    """Of its first point in the series that was searched."""

    series: int
    """Which series of the evaluation data it is in."""


class EvaluationWindows:
    """Windows of evaluation data, found by their hash.

    Parameters
    ----------
    series : iterable of array
        Shape (time,), NaN where missing. Windows with missing values are left out, and those that
        are too plain to tell series apart.

    Attributes
    ----------
    counts : list of int
        Windows of each series.
    """

    def __init__(self, series: Iterable[npt.NDArray[Any]]) -> None:
        self.counts: list[int] = []
        windows: list[npt.NDArray[np.float32]] = [np.empty((0, WINDOW_POINTS), np.float32)]
        owners: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
        hashes: list[Floats] = [np.empty((2, 0))]
        for i, values in enumerate(series):
            count = 0
            for standard_NT, _ in _standardise(values, STRIDE_POINTS):
                standard_NT = standard_NT[_is_telling(standard_NT)]
                count += len(standard_NT)
                windows.append(standard_NT.astype(np.float32))
                owners.append(np.full(len(standard_NT), i))
                hashes.append(np.stack([_hash(standard_NT), _hash(-standard_NT)]))
            self.counts.append(count)
        self._windows_NT = np.concatenate(windows)
        self._owners = np.concatenate(owners)
        both = np.concatenate(hashes, axis=1)
        self._order = np.argsort(both, axis=None)
        self._hashes = both.ravel()[self._order]
        self._order %= max(1, len(self._owners))

    def search(self, values: npt.NDArray[Any]) -> list[Match]:
        """Find the windows of a series, shape (time,), that are also in the evaluation data."""
        found = []
        for standard_NT, position_N in _standardise(values, 1):
            hash_N = _hash(standard_NT)
            first_N = np.searchsorted(self._hashes, hash_N)
            last_N = first_N.copy()
            hit_N = first_N < len(self._hashes)
            hit_N[hit_N] = self._hashes[first_N[hit_N]] == hash_N[hit_N]
            last_N[hit_N] = np.searchsorted(self._hashes, hash_N[hit_N], side="right")
            for n in np.flatnonzero(hit_N):
                candidates = self._order[first_N[n] : last_N[n]]
                correlation = self._windows_NT[candidates] @ standard_NT[n] / WINDOW_POINTS
                same = candidates[np.abs(correlation) > MIN_CORRELATION]
                position = int(position_N[n])
                found += [Match(position, int(i)) for i in np.unique(self._owners[same])]
        return found


def _standardise(
    values: npt.NDArray[Any], step: int
) -> Iterator[tuple[Floats, npt.NDArray[np.int64]]]:
    """Standardised windows, shape (N, WINDOW_POINTS), and where they begin, in chunks."""
    for spacing in SPACINGS_IN_POINTS:
        span = (WINDOW_POINTS - 1) * spacing + 1
        if len(values) >= span:
            view_NT = np.lib.stride_tricks.sliding_window_view(values.astype(np.float64), span)
            yield from _standardise_chunks(view_NT[::step, ::spacing], step)


def _standardise_chunks(
    windows_NT: Floats, step: int
) -> Iterator[tuple[Floats, npt.NDArray[np.int64]]]:
    for begin in range(0, len(windows_NT), CHUNK_WINDOWS):
        chunk_NT = windows_NT[begin : begin + CHUNK_WINDOWS]
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is left out below
            largest_N = np.abs(chunk_NT).max(axis=1)
            centred_NT = chunk_NT - chunk_NT.mean(axis=1, keepdims=True)
            deviation_N = np.sqrt(np.einsum("nt,nt->n", centred_NT, centred_NT) / WINDOW_POINTS)
            # What varies less is lost in the rounding of float32.
            usable_N = np.isfinite(deviation_N) & (deviation_N > 1e-5 * largest_N)
        place_N = np.flatnonzero(usable_N)
        yield centred_NT[place_N] / deviation_N[place_N, None], (begin + place_N) * step


def _round(standard_NT: Floats) -> Floats:
    return np.floor(standard_NT * ROUNDED_VALUES_PER_DEVIATION + _OFFSET)


def _hash(standard_NT: Floats) -> Floats:
    return np.asarray(_round(standard_NT) @ _WEIGHTS)


def _is_telling(standard_NT: Floats) -> npt.NDArray[np.bool_]:
    values_N = _count_distinct(_round(standard_NT))
    steps_N = _count_distinct(_round(np.diff(standard_NT, axis=1)))
    return np.minimum(values_N, steps_N) >= MIN_DISTINCT_VALUES


def _count_distinct(rounded_NT: Floats) -> npt.NDArray[np.int64]:
    return 1 + (np.diff(np.sort(rounded_NT, axis=1), axis=1) > 0).sum(axis=1)


def check(corpus: Path, evaluations: Sequence[Path]) -> dict[str, Any]:
    """Compare a corpus with evaluation data.

    Parameters
    ----------
    corpus : Path
        Folder of parquet files, one for each source.
    evaluations : sequence of Path
        Folders with evaluation data.

    Returns
    -------
    dict
        Ready for JSON: what was compared, the sources that are ``denied`` by their name, and the
        ``overlaps``, one for each pair of a corpus series and an evaluation set, with the number
        of common windows and the position of the first in the corpus series.

    Raises
    ------
    ValueError
        When there is nothing to read in one of the folders.
    """
    sets: list[str] = []
    points: Counter[str] = Counter()

    def values_of_evaluations() -> Iterator[Floats]:
        for folder in evaluations:
            for one in read_evaluation(folder):
                sets.append(one.set)
                points[one.set] += len(one.values)
                yield one.values

    windows = EvaluationWindows(values_of_evaluations())
    series = Counter(sets)
    compared: Counter[str] = Counter()
    for name, count in zip(sets, windows.counts, strict=True):
        compared[name] += count
    report: dict[str, Any] = {
        "window": WINDOW_POINTS,
        "corpus": {"sources": 0, "series": 0, "series_too_short": 0, "points": 0},
        "evaluation": [
            {"set": name, "series": series[name], "points": points[name], "windows": compared[name]}
            for name in series
        ],
        "denied": [],
        "overlaps": [],
    }
    sources = set()
    for one in read_corpus(corpus):
        sources.add(one.set)
        report["corpus"]["series"] += 1
        report["corpus"]["points"] += len(one.values)
        report["corpus"]["series_too_short"] += len(one.values) < WINDOW_POINTS
        common: dict[str, set[int]] = {}
        for match in windows.search(one.values):
            common.setdefault(sets[match.series], set()).add(match.position)
        report["overlaps"] += [
            {
                "source": one.set,
                "item_id": one.name,
                "evaluation": name,
                "windows": len(positions),
                "first": min(positions),
            }
            for name, positions in common.items()
        ]
    report["corpus"]["sources"] = len(sources)
    report["denied"] = sorted(source for source in sources if find_benchmark(source))
    return report
