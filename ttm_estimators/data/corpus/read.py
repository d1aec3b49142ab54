"""Real series for pre-training: a folder of parquet files, cut into windows without loading it.

Shape suffixes: B batch, T time.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from platformdirs import user_cache_path
from torch import Tensor

from ttm_estimators.atomic import read_json, replacing
from ttm_estimators.data.corpus.deny_list import refuse
from ttm_estimators.data.synthetic import Draw
from ttm_estimators.data.windows import MIN_HISTORY_POINTS
from ttm_estimators.network.resolution import STEPS, resolution_tokens
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.steps import is_even, parse_step

MIN_OBSERVED_POINTS = 16
"""Observed points of the shortest series that is kept."""

MAX_SOURCE_FRACTION = 0.06
"""Fraction of windows that a single source may have, unless there are too few sources."""

SAMPLING_FACTORS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 24, 48)
"""Factors by which a series is down-sampled."""

DOWNSAMPLED_FRACTION = 0.35
"""Fraction of windows from a down-sampled series, where the series is long enough."""

DECIMATED_FRACTION = 0.3
"""Fraction of these that take every k-th point, where the others take the mean of k."""

REVERSED_FRACTION = 0.1
"""Fraction of windows that run backwards in time."""

CACHE_FORMAT = 3
"""Of the cache: to be raised when what is written there changes."""

CHECKED_AT_ONCE_BYTES = 1 << 20


@dataclass(frozen=True)
class Corpus:
    """Series on disk. A window is the difference of two looks into running sums.

    Running sums make a mean over any number of steps as cheap as a single value, and a memory map
    reads no more of them than the windows need.

    Parameters
    ----------
    sums : Tensor
        Running sums of the standardised values of every series, one after the other, each with a
        0 in front. Missing values count as 0.
    counts : Tensor
        Running counts of the observed values, alike.
    starts, lengths : Tensor
        Where in ``sums`` each series begins, and its number of points.
    intervals : Tensor
        Nanoseconds from one point of each series to the next, 0 where they are not known or not
        even, as months are.
    sources : tuple of str
        Where each series comes from.
    place : Path, optional
        Folder whose files ``sums`` and ``counts`` are maps of.
    """

    sums: Tensor
    counts: Tensor
    starts: Tensor
    lengths: Tensor
    intervals: Tensor
    sources: tuple[str, ...]
    place: Path | None = None

    @classmethod
    def read(cls, folder: str | Path, cache: str | Path | None = None) -> Corpus:
        """Read a folder of parquet files with a column ``target``, one row for each series.

        The name of a file is the source of its series. A column ``freq`` may hold the frequency of
        each, as a pandas alias; another text is as good as none. Constant series, and those of
        fewer than 16 observed points, are left out.

        Parameters
        ----------
        folder : str or Path
            Folder with the files.
        cache : str or Path, optional
            Folder for the running sums, 12 bytes for each point. The default is in the user's
            cache folder. They are made again when the files have changed, or when they are damaged.

        Raises
        ------
        FileNotFoundError
            When there are no parquet files.
        ValueError
            When a file is named after a benchmark, can not be read, has no column ``target``, or
            no series can be used.
        """
        files = sorted(Path(folder).glob("*.parquet"))
        if not files:
            raise FileNotFoundError(f"{folder} holds no parquet files: name a corpus folder")
        for file in files:
            refuse(file.stem)
        state = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        key = hashlib.sha256(json.dumps([CACHE_FORMAT, *state]).encode()).hexdigest()[:16]
        place = Path(cache or user_cache_path("ttm-estimators", appauthor=False) / "corpus")
        index = _read_index(place / key)
        if index is None:
            place.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(place / key, ignore_errors=True)
            try:
                with replacing(place / key) as partial:
                    partial.mkdir()
                    _write_sums(files, partial)
            except OSError:
                if not (place / key).exists():  # else another process was faster
                    raise
            index = _read_index(place / key)
            if index is None:
                raise ValueError(f"{place / key} can not be read: remove it, or name another cache")
        return cls._open(place / key, index)

    @classmethod
    def _open(cls, place: Path, index: dict[str, Any]) -> Corpus:
        lengths = torch.tensor(index["lengths"])
        starts = (lengths + 1).cumsum(0) - (lengths + 1)
        intervals = torch.tensor(index["intervals"])
        sums, counts = _map(place)
        return cls(sums, counts, starts, lengths, intervals, tuple(index["sources"]), place)

    def __getstate__(self) -> dict[str, Any]:
        """Leave maps of files out: torch can not send them, and another process maps the files."""
        return self.__dict__ | ({} if self.place is None else {"sums": None, "counts": None})

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["place"] is not None:
            state["sums"], state["counts"] = _map(state["place"])
        self.__dict__.update(state)

    def __len__(self) -> int:
        return len(self.sources)

    def to(self, device: str | torch.device) -> Corpus:
        """Copy to a device, so that windows are cut there."""
        tensors = ("sums", "counts", "starts", "lengths", "intervals")
        here = {name: getattr(self, name).to(device) for name in tensors}
        return replace(self, **here, place=self.place if here["sums"] is self.sums else None)

    def split(self, held_back: float = 0.02, seed: int = 0) -> tuple[Corpus, Corpus]:
        """Hold whole series back for validation, at least one.

        Returns
        -------
        tuple of Corpus
            The series to train on, and those held back.
        """
        if len(self) < 2:
            raise ValueError("a corpus of one series has none to hold back: add another")
        order = np.random.default_rng(seed).permutation(len(self))
        held = max(1, round(held_back * len(self)))
        return self._take(np.sort(order[held:])), self._take(np.sort(order[:held]))

    def _take(self, indices: npt.NDArray[np.int64]) -> Corpus:
        chosen = torch.from_numpy(indices)
        return replace(
            self,
            starts=self.starts[chosen],
            lengths=self.lengths[chosen],
            intervals=self.intervals[chosen],
            sources=tuple(self.sources[i] for i in indices),
        )

    def weights(self) -> Tensor:
        """Chance of each series: as the root of its length, no source over its largest fraction."""
        names, source = np.unique(np.array(self.sources), return_inverse=True)
        within = np.sqrt(self.lengths.cpu().numpy().astype(np.float64))
        fraction = np.bincount(source, within)
        max_fraction = max(MAX_SOURCE_FRACTION, 1.0 / len(names))
        for _ in range(len(names)):  # what is cut off goes to the others, and may lift them over
            fraction = fraction / fraction.sum()
            over = fraction >= max_fraction - 1e-12
            if not (fraction > max_fraction + 1e-12).any():
                break
            rest = fraction[~over].sum()
            fraction = np.where(
                over, max_fraction, fraction * (1 - max_fraction * over.sum()) / (rest or 1.0)
            )
        weight = within * (fraction / np.bincount(source, within))[source]
        return torch.from_numpy(weight / weight.sum())

    def windows(
        self, draw: Draw, chances: Tensor, context_length: int, horizon: int
    ) -> tuple[Tensor, Tensor]:
        """Cut random windows, some of them down-sampled or backwards.

        Parameters
        ----------
        draw : Draw
            Randomness; ``draw.series`` windows are cut.
        chances : Tensor
            Running sum of the chances of the series.
        context_length, horizon : int
            Points before and after the cut. NaN where the series has none.

        Returns
        -------
        tuple of Tensor
            Windows of shape (B, context_length + horizon), and the token of the resolution that
            each has after down-sampling, shape (B,).
        """
        row_B1 = torch.searchsorted(chances, draw.uniform(0.0, 1.0).to(chances.dtype))
        row_B1 = row_B1.clamp(max=len(self) - 1)
        start_B1, length_B1 = self.starts[row_B1], self.lengths[row_B1]

        factor_B1 = draw.choice(SAMPLING_FACTORS).long()
        usable_B1 = draw.chance(DOWNSAMPLED_FRACTION) & (length_B1 >= 64 * factor_B1)
        factor_B1 = torch.where(usable_B1, factor_B1, 1)
        width_B1 = torch.where(draw.chance(DECIMATED_FRACTION), 1, factor_B1)
        offset_B1 = (draw.uniform(0.0, 1.0) * factor_B1).long()
        steps_B1 = (length_B1 - offset_B1) // factor_B1

        earliest_B1 = (steps_B1 // 2).clamp(max=MIN_HISTORY_POINTS)
        latest_B1 = steps_B1 - (steps_B1 // 4).clamp(min=1, max=48)
        span_B1 = (latest_B1 - earliest_B1).clamp(min=0) + 1
        cut_B1 = earliest_B1 + (draw.uniform(0.0, 1.0) * span_B1).long()
        cut_B1 = torch.minimum(cut_B1, steps_B1 - 1)

        time_T = torch.arange(-context_length, horizon, device=self.sums.device)
        step_BT = cut_B1 + time_T
        inside_BT = (step_BT >= 0) & (step_BT < steps_B1)
        step_BT = torch.where(draw.chance(REVERSED_FRACTION), steps_B1 - 1 - step_BT, step_BT)
        step_BT = torch.where(inside_BT, step_BT, 0)
        left_BT = start_B1 + offset_B1 + step_BT * factor_B1
        right_BT = left_BT + width_B1
        count_BT = self.counts[right_BT] - self.counts[left_BT]
        value_BT = (self.sums[right_BT] - self.sums[left_BT]) / count_BT
        known_BT = inside_BT & (2 * count_BT >= width_B1) & (count_BT > 0)
        resolution_B = resolution_tokens((self.intervals[row_B1] * factor_B1).squeeze(1))
        return torch.where(known_BT, value_BT, math.nan).float(), resolution_B


def _map(place: Path) -> tuple[Tensor, Tensor]:
    """Map the files of running sums and of running counts."""
    sums, counts = place / "sums.bin", place / "counts.bin"
    entries = sums.stat().st_size // torch.float64.itemsize
    return (
        torch.from_file(str(sums), size=entries, dtype=torch.float64),
        torch.from_file(str(counts), size=entries, dtype=torch.int32),
    )


def _read_index(place: Path) -> dict[str, Any] | None:
    """What is cached in a folder, None where nothing is, or it was damaged."""
    try:
        index = read_json(place / "index.json")
        entries = sum(index["lengths"]) + len(index["lengths"])
        whole = (
            index.pop("crc32") == _checksum(place, index)
            and (place / "sums.bin").stat().st_size == 8 * entries
            and (place / "counts.bin").stat().st_size == 4 * entries
            and min(index["lengths"]) >= MIN_OBSERVED_POINTS
            and len(index["lengths"]) == len(index["intervals"]) == len(index["sources"])
            and all(isinstance(one, int) and 0 <= one <= STEPS[-1] for one in index["intervals"])
            and all(isinstance(one, str) for one in index["sources"])
        )
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return index if whole else None


def _write_sums(files: list[Path], place: Path) -> None:
    """Write running sums of all series, a batch of rows in memory at a time."""
    lengths, intervals, sources = [], [], []
    with (place / "sums.bin").open("wb") as sums, (place / "counts.bin").open("wb") as counts:
        for file in files:
            for values, freq in _read_series(file):
                observed = np.isfinite(values)
                if observed.sum() < MIN_OBSERVED_POINTS:
                    continue
                # By the largest first: the square of 1e+30 would not fit a float32 file's peers.
                values = values / (np.abs(values[observed]).max() or 1.0)
                mean, deviation = values[observed].mean(), values[observed].std()
                if deviation <= 1e-9 * max(abs(mean), 1.0):
                    continue
                standard = np.where(observed, (values - mean) / deviation, 0.0)
                np.concatenate([[0.0], standard.cumsum()]).tofile(sums)
                np.concatenate([[0], observed.cumsum()]).astype(np.int32).tofile(counts)
                lengths.append(len(values))
                intervals.append(_interval(freq))
                sources.append(file.stem)
    if not lengths:
        raise ValueError(
            f"no series of {files[0].parent} has {MIN_OBSERVED_POINTS} points that vary"
        )
    index: dict[str, Any] = {"lengths": lengths, "intervals": intervals, "sources": sources}
    index["crc32"] = _checksum(place, index)
    (place / "index.json").write_text(json.dumps(index), encoding="utf-8")


def _checksum(place: Path, index: Mapping[str, Any]) -> int:
    """CRC-32 of all that is cached, which zlib takes at 4 GB a second."""
    value = zlib.crc32(json.dumps(index).encode())
    for name in ("sums.bin", "counts.bin"):
        with (place / name).open("rb") as file:
            while part := file.read(CHECKED_AT_ONCE_BYTES):
                value = zlib.crc32(part, value)
    return value


def _read_series(file: Path) -> Iterator[tuple[npt.NDArray[np.float64], object]]:
    """Series of a file, trimmed of what is missing at their ends, and what it has as frequency."""
    if file.is_dir():
        raise ValueError(f"{file} is a folder: a corpus has a file for each source")
    file.open("rb").close()  # what the system refuses is no damage
    try:
        yield from _read_file(file)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file} can not be read ({error}): write it again") from error


def _read_file(file: Path) -> Iterator[tuple[npt.NDArray[np.float64], object]]:
    parquet = pq.ParquetFile(file)
    schema = parquet.schema_arrow
    kind = schema.field("target").type if schema.names.count("target") == 1 else pa.null()
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not lists or not _is_number(kind.value_type):
        raise ValueError(f"{file} has no column 'target': every row needs a list of numbers there")
    has_freq = schema.names.count("freq") == 1
    columns = ["target", "freq"] if has_freq else ["target"]
    for batch in parquet.iter_batches(batch_size=64, columns=columns):
        freqs = batch.column("freq").to_pylist() if has_freq else [None] * len(batch)
        for cell, freq in zip(batch.column("target"), freqs, strict=True):
            if cell.is_valid:
                values = np.array(cell.values.to_numpy(zero_copy_only=False), dtype=np.float64)
                known = np.flatnonzero(np.isfinite(values))
                if len(known):
                    yield values[known[0] : known[-1] + 1], freq


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _interval(freq: object) -> int:
    """Nanoseconds of a step of a pandas alias, 0 where they are not even or it is none."""
    interval = _nanoseconds(freq) if isinstance(freq, str) else 0
    # None that is longer has a token, and its multiples might not fit.
    return interval if 0 < interval <= STEPS[-1] else 0


@lru_cache
def _nanoseconds(freq: str) -> int:
    try:
        step = parse_step(freq)
    except TableError:
        return 0
    if isinstance(step, pd.offsets.Week):
        return int(step.n * pd.Timedelta(days=7).value)
    return int(step.nanos) if is_even(step) else 0
