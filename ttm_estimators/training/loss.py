"""What training minimises.

Shape suffixes: B batch, H horizon, V target channels, Q quantile levels.
"""

from __future__ import annotations

import torch
from torch import Tensor

MAX_TARGET_DEVIATIONS = 10.0
"""Normalised targets are clipped to so many standard deviations, so that a broken window can not
rule a batch (ours)."""

SPREAD_FLOOR = 0.05
"""Added to the spread of a forecast, in standard deviations of the history, before a step is
weighed by it (ours): what is known almost to the last digit must not rule a batch."""


def pinball_loss(
    forecast_BHVQ: Tensor,
    target_BHV: Tensor,
    levels: tuple[float, ...],
    *,
    relative: bool = False,
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
    """
    # Filled on the device: a CUDA graph can not copy from the processor.
    tau_Q = torch.stack([torch.full((), tau, device=target_BHV.device) for tau in levels or (0.5,)])
    known_BHV = ~target_BHV.isnan()
    target_BHV = target_BHV.nan_to_num(0.0).clamp(-MAX_TARGET_DEVIATIONS, MAX_TARGET_DEVIATIONS)
    error_BHVQ = target_BHV[..., None] - forecast_BHVQ.float()
    loss_BHV = 2 * torch.maximum(tau_Q * error_BHVQ, (tau_Q - 1) * error_BHVQ).mean(dim=-1)
    steps = torch.arange(target_BHV.shape[1], device=target_BHV.device)
    weight_BHV = known_BHV * torch.rsqrt(24.0 + steps)[None, :, None]
    if relative:
        spread_BHV = (forecast_BHVQ[..., -1] - forecast_BHVQ[..., 0]).detach().float()
        weight_BHV = weight_BHV / (SPREAD_FLOOR + spread_BHV)
    return (loss_BHV * weight_BHV).sum() / weight_BHV.sum().clamp(min=1e-6)
