"""What training minimises.

Shape suffixes: B batch, H horizon, V target channels, Q quantile levels.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from ttm_estimators.network.heads import spread_indices

TARGET_BOUND = 10.0
"""Normalised targets are cut here, so that a broken window can not rule a batch (ours)."""


TAUGHT_SHARE = 0.5
"""Weight of what teachers forecast, beside what came: a network that learns from both in equal parts
learns the quantiles of their even mixture (ours)."""

SPREAD_FLOOR = 0.05
"""Added to the spread of a forecast, in standard deviations of the history, before a step is
weighed by it (ours): what is known almost to the last digit must not rule a batch."""


def pinball_loss(
    forecast_BHVQ: Tensor,
    target_BHV: Tensor,
    levels: tuple[float, ...],
    *,
    relative: bool = False,
    taught_BHVQ: Tensor | None = None,
    taught_levels: tuple[float, ...] = (),
) -> Tensor:
    """Mean pinball loss over observed targets, twice, so that the median's part is its error.

    Near steps weigh more than far ones, as 1 / sqrt(24 + step): a horizon of 720 would else teach
    mostly what is far (ours). Without levels the forecast is a median.

    Parameters
    ----------
    forecast_BHVQ : Tensor
        Forecast on the normalised scale.
    target_BHV : Tensor
        Normalised future, NaN where it is unknown.
    levels : tuple of float
        Quantile levels of the forecast.
    relative : bool, default False
        Whether a step weighs the less, the further its outer quantiles lie apart (ours): benchmarks
        measure errors relative to those of a simple forecast, so that regular series, and the near
        steps of slow ones, count as much as what can not be known. Not for a comparison of
        networks, as each has weights of its own.
    taught_BHVQ : Tensor, optional
        Quantiles that teachers forecast on the same scale. They stand for a distribution that a
        half of the loss is measured on.
    taught_levels : tuple of float
        Their levels, all among ``levels``.
    """
    # Filled on the device: a CUDA graph can not copy from the processor.
    tau_Q = torch.stack([torch.full((), tau, device=target_BHV.device) for tau in levels or (0.5,)])
    known_BHV = ~target_BHV.isnan()
    target_BHV = target_BHV.nan_to_num(0.0).clamp(-TARGET_BOUND, TARGET_BOUND)
    error_BHVQ = target_BHV[..., None] - forecast_BHVQ.float()
    loss_BHVQ = 2 * torch.maximum(tau_Q * error_BHVQ, (tau_Q - 1) * error_BHVQ)
    if taught_BHVQ is not None:
        taught = _taught_losses(forecast_BHVQ.float(), levels, taught_BHVQ.float(), taught_levels)
        loss_BHVQ = torch.stack(
            [
                torch.lerp(loss_BHVQ[..., i], taught[level], TAUGHT_SHARE)
                if level in taught
                else loss_BHVQ[..., i]
                for i, level in enumerate(levels)
            ],
            dim=-1,
        )
    loss_BHV = loss_BHVQ.mean(dim=-1)
    steps = torch.arange(target_BHV.shape[1], device=target_BHV.device)
    weight_BHV = known_BHV * torch.rsqrt(24.0 + steps)[None, :, None]
    if relative:
        low, high = spread_indices(levels or (0.5,))
        spread_BHV = (forecast_BHVQ[..., high] - forecast_BHVQ[..., low]).detach().float()
        weight_BHV = weight_BHV / (SPREAD_FLOOR + spread_BHV)
    return (loss_BHV * weight_BHV).sum() / weight_BHV.sum().clamp(min=1e-6)


def _taught_losses(
    forecast_BHVQ: Tensor,
    levels: tuple[float, ...],
    taught_BHVQ: Tensor,
    taught_levels: tuple[float, ...],
) -> dict[float, Tensor]:
    """Mean pinball loss, twice, under the distribution of the teachers, for each of their levels.

    Every quantile of theirs stands for what lies nearer to it than to its neighbours, so that the
    loss at a level is least at their quantile.
    """
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(taught_levels)), 1.0]
    losses = {}
    for tau in taught_levels:
        forecast_BHV = forecast_BHVQ[..., levels.index(tau)]
        loss_BHV = torch.zeros_like(forecast_BHV)
        for i, (below, above) in enumerate(pairwise(edges)):
            error_BHV = taught_BHVQ[..., i] - forecast_BHV
            each_BHV = torch.maximum(tau * error_BHV, (tau - 1) * error_BHV)
            loss_BHV = loss_BHV + 2 * (above - below) * each_BHV
        losses[tau] = loss_BHV
    return losses
