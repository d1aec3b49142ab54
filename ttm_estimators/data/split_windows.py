"""Windows of series whose last part is kept for validation.

Shape suffixes: N series, here windows of them, T time, H horizon, C channels, V target channels,
X covariates known in the future, K static covariates, B batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ttm_estimators.data.windows import MIN_HISTORY_POINTS
from ttm_estimators.inputs.batch import make_batch, padded_length
from ttm_estimators.inputs.covariates import Joined, scale_future
from ttm_estimators.network import TTMConfig

SCALED_AT_ONCE = 512
"""Windows that are scaled together."""


class Windows(NamedTuple):
    """Windows on the scale of their histories, NaN for what is missing."""

    past: Tensor
    """Shape (N, time, channels), time as the network takes it."""

    future: Tensor
    """Shape (N, horizon, targets)."""

    known: Tensor
    """Known covariates of the future, shape (N, horizon, covariates)."""

    static: Tensor
    """Shape (N, static covariates)."""

    block: Tensor
    """Shape (N,). Windows of one number are of the same series, in one channel or several, and
    begin within two horizons: they have much of their futures in common."""


def cutoffs(length: int, horizon: int) -> tuple[int, int]:
    """Earliest point that a series can be cut at, and how many there are from it on.

    A cut leaves a whole horizon where the series has one behind a short history, or else half of
    the series, at least one point.
    """
    earliest = min(MIN_HISTORY_POINTS, length // 2)
    return earliest, max(1, length - horizon - earliest + 1)


class Cuts(NamedTuple):
    """Where a series may be cut in history and future: at ``points`` points from ``first`` on."""

    series: Joined
    first: int
    points: int

    def after(self, history: int, *, half: bool) -> Cuts:
        """Leave the cuts out that are before ``history``; of them half at most, if asked."""
        dropped = max(0, history - self.first)
        dropped = min(dropped, self.points // 2 if half else self.points)
        return Cuts(self.series, self.first + dropped, self.points - dropped)


def split(series: Sequence[Joined], horizon: int, fraction: float) -> tuple[list[Cuts], list[Cuts]]:
    """Cuts to train on, and to validate on, whose futures come after all that the first see.

    A series keeps this fraction of its points for validation: at least one horizon, at most a
    third. Where that is less than a horizon, futures are as much shorter, so that young series have
    both.
    """
    training, validation = [], []
    for one in series:
        points = len(one.values_TC)
        kept = min(max(horizon, round(fraction * points)), points // 3)
        steps = min(horizon, kept)
        if kept:
            end = points - kept
            training.append(Cuts(one._replace(values_TC=one.values_TC[:end]), *cutoffs(end, steps)))
            validation.append(Cuts(one, end, kept - steps + 1))
    return training, validation


def every_cut(series: Sequence[Joined], horizon: int) -> list[Cuts]:
    """All cuts of series that keep nothing for validation."""
    return [
        Cuts(one, *cutoffs(len(one.values_TC), horizon)) for one in series if len(one.values_TC) > 1
    ]


def last_cut(series: Sequence[Joined], horizon: int) -> list[Cuts]:
    """The last cut of each series, for validation on series that are given for it."""
    return [Cuts(one, first + points - 1, 1) for one, first, points in every_cut(series, horizon)]


def make_windows(
    cuts: Sequence[Cuts], config: TTMConfig, horizon: int, *, max_windows: int, seed: int
) -> Windows:
    """Make the windows of some cuts, drawn at random where there are more than ``max_windows``."""
    ends = np.cumsum([one.points for one in cuts])
    chosen = np.arange(ends[-1])
    if len(chosen) > max_windows:
        random = np.random.default_rng([seed, len(chosen)])
        chosen = np.sort(random.choice(len(chosen), max_windows, replace=False))
    which = np.searchsorted(ends, chosen, side="right")
    points = [
        (cuts[i].series, cuts[i].first + int(k - (ends[i] - cuts[i].points)))
        for i, k in zip(which, chosen, strict=True)
    ]
    blocks = [
        (cuts[i].series.origin, (cut - cuts[i].first) // (2 * horizon))
        for i, (_, cut) in zip(which, points, strict=True)
    ]
    length = padded_length(max(cut for _, cut in points), config)
    parts = [
        _cut(points[i : i + SCALED_AT_ONCE], config, horizon, length)
        for i in range(0, len(points), SCALED_AT_ONCE)
    ]
    number = {block: k for k, block in enumerate(dict.fromkeys(blocks))}
    past, future, known, static = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return Windows(past, future, known, static, torch.tensor([number[block] for block in blocks]))


def _cut(
    points: Sequence[tuple[Joined, int]], config: TTMConfig, horizon: int, length: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scale and pad histories and futures, as a forecaster does what it is given."""
    members = []
    targets, covariates = list(config.targets), list(config.covariate_channels)
    future_NHC = np.full((len(points), horizon, points[0][0].values_TC.shape[1]), np.nan)
    for row_HC, (one, cut) in zip(future_NHC, points, strict=True):
        past_TC = one.values_TC[max(0, cut - length) : cut]
        # Channels without any value become constants, which have no scale.
        empty_C = np.isnan(past_TC[-config.context_length :]).all(axis=0)
        members.append(("window", np.where(empty_C, 0.0, past_TC)))
        future_HC = one.values_TC[cut : cut + horizon]
        row_HC[: len(future_HC)] = future_HC
    batch = make_batch(members, config.context_length, length)
    loc_NV, scale_NV = batch.loc_BC[:, None], batch.scale_BC[:, None]
    if config.tied_channels:
        loc_NV, scale_NV = loc_NV[..., targets], scale_NV[..., targets]
        known_NHX = scale_future(future_NHC[..., covariates], batch, config)
        future_NHC = future_NHC[..., targets]
    else:
        known_NHX = np.empty((len(points), horizon, 0), dtype=np.float32)
    # Nothing is to be learnt from the future of a constant.
    future_NHV = (future_NHC - loc_NV) / np.where(scale_NV > 0, scale_NV, np.nan)
    return (
        torch.from_numpy(np.where(batch.observed_BTC, batch.past_BTC, np.float32(np.nan))),
        torch.from_numpy(future_NHV.astype(np.float32)),
        torch.from_numpy(known_NHX),
        torch.tensor([one.static_K for one, _ in points], dtype=torch.long),
    )
