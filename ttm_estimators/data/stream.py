"""The stream of windows that a network is pre-trained on: synthetic and real series, interleaved.

Shape suffixes: B batch, T time, H horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import IterableDataset, get_worker_info

from ttm_estimators.data.augmentation import augment
from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.synthetic import Draw, sample
from ttm_estimators.data.synthetic.components import standardise
from ttm_estimators.data.windows import MIN_HISTORY_POINTS, Window
from ttm_estimators.inputs.forward_fill import forward_fill
from ttm_estimators.network.resolution import UNKNOWN

YOUNG_FRACTION = 0.5
"""Fraction of synthetic series that are young: they begin inside the history."""

YOUNG_LENGTHS = 24
"""Different histories of young series, even on a logarithmic scale. They are few, so that the same
shapes come again: a Fourier transform on a GPU needs a plan for every new one."""

YOUNG_LENGTHS_OF_A_BATCH = 6
"""How many of them a batch has at most. The next batch has others."""

YOUNG_STRIDE = 7
"""From one length to the next, so that every batch has short and long ones."""


class WindowStream(IterableDataset[Window]):
    """An endless stream of batches of windows.

    Batch ``k`` depends on the seed and ``k`` alone: a run that stopped goes on at ``first`` as if
    it had not, and any number of loader workers gives the same stream. Rank ``r`` of ``R`` takes
    the batches ``r``, ``r + R`` and so on.

    Parameters
    ----------
    context_length, horizon, batch_size : int
        Shape of the batches.
    input_length : int, optional
        Points of a history with those before its context. Default: ``context_length``.
    seed : int, default 0
        Another seed gives other windows.
    first : int, default 0
        Batches that this rank has had before.
    rank, ranks : int, default 0 and 1
        Which process this is of how many.
    corpus : Corpus, optional
        Real series.
    real_fraction : float, default 0.5
        Fraction of windows that are cut from the corpus, when there is one.
    augmentation : bool, default True
        Whether windows are changed further.
    device : str or torch.device, default "cpu"
        Where windows are made. The same seed gives other windows on another kind of device.
    """

    def __init__(
        self,
        context_length: int,
        horizon: int,
        batch_size: int,
        seed: int = 0,
        first: int = 0,
        rank: int = 0,
        ranks: int = 1,
        corpus: Corpus | None = None,
        real_fraction: float = 0.5,
        augmentation: bool = True,
        device: str | torch.device = "cpu",
        input_length: int | None = None,
    ) -> None:
        self.context_length = context_length
        self.input_length = input_length or context_length
        self.horizon = horizon
        self.batch_size = batch_size
        self.seed = seed
        self.first = first
        self.rank = rank
        self.ranks = ranks
        self.augmentation = augmentation
        self.device = torch.device(device)
        self.real = round(real_fraction * batch_size) if corpus is not None else 0
        if corpus is not None:
            self.corpus = corpus.to(self.device)
            self.chances = corpus.weights().cumsum(0).to(self.device)

    def __iter__(self) -> Iterator[Window]:
        worker = get_worker_info()
        index, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        k = self.first + index
        while True:
            yield self.batch(k * self.ranks + self.rank)
            k += workers

    def batch(self, k: int) -> Window:
        """Make batch ``k`` of all ranks together."""
        generator = torch.Generator(self.device).manual_seed(1_000_003 * self.seed + k)
        parts = []
        resolution_B = torch.full((self.batch_size,), UNKNOWN, device=self.device)
        if self.real < self.batch_size:
            parts.append(self._synthetic(self.batch_size - self.real, k, generator))
        if self.real:
            draw = Draw(self.real, 1, generator)
            shape = self.input_length, self.horizon
            windows_BT, resolution_B[-self.real :] = self.corpus.windows(draw, self.chances, *shape)
            parts.append(windows_BT)
        series_BT = torch.cat(parts)
        order_B = torch.randperm(self.batch_size, generator=generator, device=self.device)
        draw = Draw(self.batch_size, series_BT.shape[1], generator)
        series_BT = series_BT[order_B]
        infinite_B1 = series_BT.isinf().any(dim=1, keepdim=True)
        if self.augmentation:
            series_BT = augment(series_BT, self.input_length, draw)
        else:
            series_BT = standardise(series_BT)
        past_BT1 = series_BT[:, : self.input_length, None]
        filled_BT1, known_BT1 = forward_fill(past_BT1, past_BT1.isfinite(), self.context_length)
        past_BT = filled_BT1.masked_fill(~known_BT1, math.nan).squeeze(-1)
        future_BH = series_BT[:, self.input_length :]
        # Nothing is to be learnt from a context that does not vary.
        context_BT = past_BT[:, -self.context_length :]
        centred_BT = context_BT - context_BT.nanmean(dim=1, keepdim=True)
        constant_B1 = ~(centred_BT.nan_to_num().abs().amax(dim=1, keepdim=True) > 1e-4)
        future_BH = future_BH.masked_fill(constant_B1, math.nan)
        # Training counts such windows, and leaves them out.
        future_BH = future_BH.masked_fill(infinite_B1, math.inf)
        return Window(past_BT, future_BH, resolution_B[order_B])

    def _synthetic(self, series: int, k: int, generator: torch.Generator) -> Tensor:
        young = round(series * YOUNG_FRACTION)
        parts = [_sample(series - young, self.input_length + self.horizon, generator)]
        histories = self._young_lengths(k)
        ends = [young * (i + 1) // len(histories) for i in range(len(histories))]
        for start, end, history in zip([0, *ends], ends, histories, strict=False):
            if end > start:
                parts.append(self._young(end - start, history, generator))
        return torch.cat(parts)

    def _young_lengths(self, k: int) -> list[int]:
        """Points of history of the young series of batch ``k``."""
        even = [
            round(
                MIN_HISTORY_POINTS
                * (self.input_length / MIN_HISTORY_POINTS) ** ((i + 0.5) / YOUNG_LENGTHS)
            )
            for i in range(YOUNG_LENGTHS)
        ]
        first = k * YOUNG_LENGTHS_OF_A_BATCH
        return [
            even[i * YOUNG_STRIDE % YOUNG_LENGTHS]
            for i in range(first, first + YOUNG_LENGTHS_OF_A_BATCH)
        ]

    def _young(self, series: int, history: int, generator: torch.Generator) -> Tensor:
        """Series whose trends and cycles unfold over a short life, of one length."""
        future = min(self.horizon, max(history, 48))
        values = _sample(series, history + future, generator)
        left, right = self.input_length - history, self.horizon - future
        return functional.pad(values, (left, right), value=math.nan)


def _sample(series: int, length: int, generator: torch.Generator) -> Tensor:
    """Synthetic series, infinite where a family failed: NaN would stand for what is missing."""
    return sample(series, length, generator).nan_to_num(math.inf, math.inf, -math.inf)
