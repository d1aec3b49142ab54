"""Training windows: a history and its future, both with NaN for what is missing.

Shape suffixes: B batch, T context, H horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import IterableDataset, get_worker_info

from ttm_estimators.data.synthetic import Draw, sample
from ttm_estimators.data.synthetic.components import standardise

YOUNG_SHARE = 0.4
"""Share of a batch whose series are young: they begin inside the context."""

YOUNG_LENGTHS = 4
"""Different histories among the young series of a batch."""

YOUNGEST = 8
"""Points of history of the youngest series."""


class Window(NamedTuple):
    """History of shape (B, T) and future of shape (B, H)."""

    past: Tensor
    future: Tensor


class SyntheticWindows(IterableDataset[Window]):
    """An endless stream of batches of synthetic windows.

    Batch ``k`` depends on the seed and ``k`` alone, so a run that stopped goes on at ``first`` as
    if it had not, and any number of loader workers gives the same stream.

    Parameters
    ----------
    context_length, horizon, batch_size : int
        Shape of the batches.
    seed : int, default 0
        Another seed gives other series.
    first : int, default 0
        Index of the first batch.
    """

    def __init__(
        self, context_length: int, horizon: int, batch_size: int, seed: int = 0, first: int = 0
    ) -> None:
        self.context_length = context_length
        self.horizon = horizon
        self.batch_size = batch_size
        self.seed = seed
        self.first = first

    def __iter__(self) -> Iterator[Window]:
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        k = self.first + index
        while True:
            yield self.batch(k)
            k += workers

    def batch(self, k: int) -> Window:
        """Make batch ``k``."""
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + k)
        each = round(self.batch_size * YOUNG_SHARE / YOUNG_LENGTHS)
        grown = self.batch_size - YOUNG_LENGTHS * each
        parts = [sample(grown, self.context_length + self.horizon, generator)]
        parts += [self._young(generator, each) for _ in range(YOUNG_LENGTHS) if each]
        series_BT = torch.cat(parts)
        draw = Draw(self.batch_size, series_BT.shape[1], generator)
        series_BT = _mixed_up(series_BT, draw)
        series_BT = torch.where(draw.chance(0.2), -series_BT, series_BT)
        series_BT = _with_missing(series_BT, draw)
        return Window(series_BT[:, : self.context_length], series_BT[:, self.context_length :])

    def _young(self, generator: torch.Generator, series: int) -> Tensor:
        """Series whose trends and cycles unfold over a short life, of one length."""
        u = float(torch.rand((), generator=generator))
        history = round(YOUNGEST * (self.context_length / YOUNGEST) ** u)
        future = min(self.horizon, max(history, 48))
        values = sample(series, history + future, generator)
        left, right = self.context_length - history, self.horizon - future
        return functional.pad(values, (left, right), value=math.nan)


def _mixed_up(series_BT: Tensor, draw: Draw) -> Tensor:
    """Add another series to one in six of those that fill the window (TSMixup)."""
    partner = series_BT.roll(1, dims=0)
    weight = draw.uniform(0.1, 0.9)
    both = weight * standardise(series_BT) + (1 - weight) * standardise(partner)
    return torch.where(draw.chance(0.17) & both.isfinite(), both, series_BT)


def _with_missing(series_BT: Tensor, draw: Draw) -> Tensor:
    """Lose single points of a tenth of the series and a block of another tenth."""
    points = draw.chance(0.1) & (draw.uniform(0.0, 1.0, draw.length) < draw.log_uniform(0.005, 0.4))
    start = draw.uniform(0.0, 1.0) * draw.length
    inside = (draw.time() >= start) & (draw.time() < start + draw.log_uniform(2.0, 400.0))
    return series_BT.masked_fill(points | (inside & draw.chance(0.1)), math.nan)
