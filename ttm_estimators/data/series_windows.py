"""Training windows cut from real series, each once before any comes again.

Shape suffixes: B batch, T context, H horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset, get_worker_info

from ttm_estimators.data.windows import YOUNGEST, Window
from ttm_estimators.inputs.batch import make_batch
from ttm_estimators.network.resolution import UNKNOWN

SHORTENED_SHARE = 0.25
"""Share of windows whose history is cut short, so that young series are met in training too."""

GOLDEN = (math.sqrt(5) - 1) / 2


class SeriesWindows(IterableDataset[Window]):
    """An endless stream of batches of windows.

    A pass takes one window of every series, in random order. Passes cut a series at points far
    from each other, and at no point twice before all have been used. Batch ``k`` depends on the
    seed and ``k`` alone. Rank ``r`` of ``R`` takes the batches ``r``, ``r + R`` and so on, so that
    processes share windows out among them, and any number of loader workers gives the same stream.

    Windows are scaled to mean 0 and standard deviation 1 of their history. Nothing is to be learnt
    from one whose history is constant or missing: its future is all NaN.

    Parameters
    ----------
    series : sequence of array
        Series of shape (time,), NaN where missing. Those of a single point are left out.
    context_length, horizon, batch_size : int
        Shape of the batches. What a series does not have is NaN.
    seed : int, default 0
        Another seed gives other windows.
    first : int, default 0
        Batches that this rank has had before.
    rank, ranks : int, default 0 and 1
        Which process this is of how many.
    input_length : int, optional
        Points of a history with those before its context. Default: ``context_length``.

    Raises
    ------
    ValueError
        When a series holds infinity, or none has two points.
    """

    def __init__(
        self,
        series: Sequence[npt.NDArray[Any]],
        context_length: int,
        horizon: int,
        batch_size: int,
        seed: int = 0,
        first: int = 0,
        rank: int = 0,
        ranks: int = 1,
        input_length: int | None = None,
    ) -> None:
        _refuse_infinity(series, "series")
        self.series = [values for values in series if len(values) > 1]
        if not self.series:
            raise ValueError("there is nothing to train on: no series has two points or more")
        self.context_length = context_length
        self.input_length = input_length or context_length
        self.horizon = horizon
        self.batch_size = batch_size
        self.seed = seed
        self.first = first
        self.rank = rank
        self.ranks = ranks
        self._turn, self._permutation = -1, np.arange(0)

    def __iter__(self) -> Iterator[Window]:
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        k = self.first + index
        while True:
            yield self.batch(k * self.ranks + self.rank)
            k += workers

    def batch(self, k: int) -> Window:
        """Make batch ``k`` of all ranks together."""
        random = np.random.default_rng([self.seed, 0, k])
        shorten = random.random(self.batch_size) < SHORTENED_SHARE
        depth = random.random(self.batch_size)
        return cut_windows(
            [
                self._cutoff(k * self.batch_size + i, depth[i] if shorten[i] else 1.0)
                for i in range(self.batch_size)
            ],
            self.context_length,
            self.horizon,
            self.input_length,
        )

    def _cutoff(self, position: int, depth: float) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """History and future of the window at a position of the stream."""
        turn, slot = divmod(position, len(self.series))
        series = int(self._order(turn)[slot])
        values = self.series[series]
        earliest, points = cutoffs(len(values), self.horizon)
        lap, step = divmod(turn, points)
        start = int(np.random.default_rng([self.seed, 2, series, lap]).integers(points))
        cut = earliest + (start + step * _stride(points)) % points
        longest = min(cut, self.input_length)
        shortest = min(YOUNGEST, longest)
        history = round(shortest * (longest / shortest) ** depth)
        return values[cut - history : cut], values[cut : cut + self.horizon]

    def _order(self, turn: int) -> npt.NDArray[Any]:
        """Order of the series in a pass, kept until the next."""
        if self._turn != turn:
            random = np.random.default_rng([self.seed, 1, turn])
            self._turn, self._permutation = turn, random.permutation(len(self.series))
        return self._permutation


def cutoffs(length: int, horizon: int) -> tuple[int, int]:
    """Earliest point that a series can be cut at, and how many there are from it on.

    A cut leaves a whole horizon where the series has one behind a short history, or else half of
    the series, at least one point.
    """
    earliest = min(YOUNGEST, length // 2)
    return earliest, max(1, length - horizon - earliest + 1)


def last_windows(
    series: Sequence[npt.NDArray[Any]],
    context_length: int,
    horizon: int,
    batch_size: int,
    input_length: int,
) -> list[Window]:
    """Batches of the last window of every series that has two points, for validation.

    Raises
    ------
    ValueError
        When a series holds infinity.
    """
    _refuse_infinity(series, "validation series")
    pairs = []
    for values in series:
        if len(values) > 1:
            cut = sum(cutoffs(len(values), horizon)) - 1
            pairs.append((values[max(0, cut - input_length) : cut], values[cut : cut + horizon]))
    return [
        cut_windows(pairs[i : i + batch_size], context_length, horizon, input_length)
        for i in range(0, len(pairs), batch_size)
    ]


def cut_windows(
    pairs: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]],
    context_length: int,
    horizon: int,
    input_length: int,
) -> Window:
    """Scale and pad histories and futures, as a forecaster does what it is given."""
    # A context that is all missing becomes a constant, which has no scale either.
    pasts = [
        past if np.isfinite(past[-context_length:]).any() else np.zeros(1) for past, _ in pairs
    ]
    members = [("window", past.astype(np.float64)[:, None]) for past in pasts]
    batch = make_batch(members, context_length, input_length)
    future_BH = np.full((len(pairs), horizon), np.nan)
    for row, (_, future) in zip(future_BH, pairs, strict=True):
        row[: len(future)] = future
    scale_B1 = np.where(batch.scale_BC > 0, batch.scale_BC, np.nan)
    return Window(
        torch.from_numpy(np.where(batch.observed_BTC, batch.past_BTC, np.float32(np.nan))[..., 0]),
        torch.from_numpy(((future_BH - batch.loc_BC) / scale_B1).astype(np.float32)),
        torch.full((len(pairs),), UNKNOWN),
    )


def _refuse_infinity(series: Sequence[npt.NDArray[Any]], called: str) -> None:
    for i, values in enumerate(series):
        if np.isinf(values).any():
            raise ValueError(f"{called} {i} holds infinity: replace it by NaN for missing")


def _stride(points: int) -> int:
    """Step that visits every point once: the one nearest the golden section that can."""
    stride = max(1, round(GOLDEN * points))
    while math.gcd(stride, points) > 1:
        stride += 1
    return stride
