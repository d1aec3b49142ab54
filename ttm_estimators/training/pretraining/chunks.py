"""Chunks: many windows at once, prepared so that a training step reads them as they are.

To make many windows takes hardly longer than to make a few on a GPU, where the launches of its
kernels cost more than their work. What needs no weights, above all the search for cycles, is done
here once, outside of the gradient.

Shape suffixes: B batch, T time, H horizon, V target channels, C channels, P patches, L values in a
patch, M cycles, U features of a cycle, Y seasonal naive forecasts, J forecasts, W window lengths.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ttm_estimators.data.stream import WindowStream
from ttm_estimators.data.windows import Window
from ttm_estimators.network import TTMConfig
from ttm_estimators.network.prepared import Prepared, prepare
from ttm_estimators.network.resolution import UNKNOWN
from ttm_estimators.network.scaling import Scaling
from ttm_estimators.signals import without_interrupts
from ttm_estimators.training.nested import map_tensors

CPU_PREPARED_WINDOWS = 64
"""Windows that a processor prepares at once: a tenth faster than 256, as they fit its cache."""

GPU_PREPARED_WINDOWS = 8192
"""Windows that a GPU prepares at once, which bounds memory."""


class Chunk(NamedTuple):
    """Windows of single series, as a training step reads them."""

    prepared: Prepared
    """What the network needs of the histories."""

    target_BHV: Tensor
    """Normalised futures, NaN where there is no loss."""

    resolution_B: Tensor
    """Token of the sampling resolution, one that the network knows."""

    finite_B: Tensor
    """False where a value of a window was not finite. Such a window has no loss."""


def require_single_series(config: TTMConfig) -> None:
    """Refuse a network that takes more than windows of single series."""
    if config.tied_channels:
        raise ValueError(
            "this network mixes channels or takes covariates, which single series do not have: "
            "choose another"
        )


@torch.no_grad()
def prepare_chunk(config: TTMConfig, window: Window) -> Chunk:
    """Prepare windows for a network."""
    at_once = GPU_PREPARED_WINDOWS if window.past.is_cuda else CPU_PREPARED_WINDOWS
    parts = [
        _prepare(config, Window(*part))
        for part in zip(*(torch.split(tensor, at_once) for tensor in window), strict=True)
    ]
    chunk: Chunk = map_tensors(lambda *tensors: torch.cat(tensors), *parts)
    return chunk


def _prepare(config: TTMConfig, window: Window) -> Chunk:
    past_BT, future_BH, resolution_B = window
    prepared = prepare(config, past_BT[..., None], horizon=future_BH.shape[1])
    scaling = Scaling(prepared.loc_B1C, prepared.scale_B1C)
    target_BHV = scaling.normalise(future_BH[..., None])
    seasons = prepared.seasons
    # NaN is allowed in these, for what was not observed.
    may_lack = [past_BT, target_BHV, *([seasons.offset_BCJW] if seasons else [])]
    numbers = [prepared.patch_BCPL]
    if seasons:
        numbers += [seasons.forecast_BCYH, seasons.repetition_BCMU, seasons.roughness_BCW]
    finite_B = torch.stack(
        [tensor.flatten(1).isfinite().all(dim=1) for tensor in numbers]
        + [~tensor.flatten(1).isinf().any(dim=1) for tensor in may_lack]
    ).all(dim=0)

    def without_others(tensor: Tensor) -> Tensor:
        return torch.where(finite_B.view(-1, *[1] * (tensor.ndim - 1)), tensor, 0)

    return Chunk(
        map_tensors(without_others, prepared),
        target_BHV.masked_fill(~finite_B[:, None, None], math.nan),
        resolution_B.where(resolution_B < config.resolutions, UNKNOWN),
        finite_B,
    )


class _Chunks(IterableDataset[Chunk]):
    """What a stream makes, prepared."""

    def __init__(self, config: TTMConfig, stream: WindowStream) -> None:
        self.config = config
        self.stream = stream

    def __iter__(self) -> Iterator[Chunk]:
        for window in self.stream:
            yield prepare_chunk(self.config, window)


def chunks(config: TTMConfig, stream: WindowStream, workers: int) -> Iterator[Chunk]:
    """Make chunks of all batches of a stream, each while the one before it is trained on.

    Parameters
    ----------
    config : TTMConfig
        The network.
    stream : WindowStream
        Its batches are the chunks. Where its device is a GPU they are made there, on a CUDA stream
        of their own.
    workers : int
        Processes that make them elsewhere. 0: this one does, between the steps.
    """
    made = _Chunks(config, stream)
    if stream.device.type == "cuda":
        return _beside_training(iter(made))
    with without_interrupts():
        return iter(DataLoader(made, batch_size=None, num_workers=workers))


def _beside_training(made: Iterator[Chunk]) -> Iterator[Chunk]:
    """Make each chunk on a stream of its own, while the steps on the last one run."""
    training, making = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    making.wait_stream(training)  # which has brought the corpus here
    while True:
        with torch.cuda.stream(making):
            chunk = next(made)
        training.wait_stream(making)
        yield chunk
        map_tensors(lambda tensor: _used_by(tensor, training), chunk)


def _used_by(tensor: Tensor, stream: torch.cuda.Stream) -> Tensor:
    """Keep the memory of a tensor until a stream has done what is queued on it."""
    tensor.record_stream(stream)
    return tensor
