"""The exogenous mixer: refine a forecast by what is known about the future (section 3.3).

Shape suffixes: B batch, T time, C channels: targets, then covariates, H horizon, V target
channels, X covariates known in the future, Q quantile levels, S steps of a window.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.heads import median_index
from ttm_estimators.network.mixer import MixerBlock, make_gate

MAX_LOG_STRETCH = 5.0
"""Largest absolute logarithm of the factor on the distances of quantiles."""


class ExogenousMixer(nn.Module):
    """Mix every future step with its neighbours, over all targets and covariates at once.

    A window of ``2 * exogenous_context + 1`` steps around each future step holds the forecasts of
    the targets (their medians) and the known covariates. Before the first step stands the recent
    past; after the last one, zeros. The result is added to the forecast. Where that has quantiles,
    a second result stretches their distances from the median (ours): what is known of the future
    makes it more certain, or less.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.context = config.exogenous_context
        window = 2 * self.context + 1
        targets = len(config.targets)
        self.median = median_index(config)
        members = targets + len(config.covariate_channels)
        features = window
        self.embedding: nn.Module = nn.Identity()
        self.blocks: nn.Module = nn.Identity()
        if config.exogenous_blocks:
            features = 2 * window
            self.embedding = nn.Linear(window, features)
            self.blocks = nn.Sequential(
                *(
                    MixerBlock(config, config.head_dropout, members, features)
                    for _ in range(config.exogenous_blocks)
                )
            )
        self.gate = make_gate(members * features, config.gate)
        outputs = targets * (2 if config.quantile_levels else 1)
        self.projection = nn.Linear(members * features, outputs)

    def forward(self, forecast_BHVQ: Tensor, recent_BTC: Tensor, future_BHX: Tensor) -> Tensor:
        """Refine a forecast.

        Parameters
        ----------
        forecast_BHVQ : Tensor
            Forecast of the head, targets only.
        recent_BTC : Tensor
            The latest ``exogenous_context`` steps: targets, then covariates.
        future_BHX : Tensor
            Future values of the covariates.
        """
        median_BHV = forecast_BHVQ[..., self.median]
        known_BHC = torch.cat([median_BHV, future_BHX], dim=-1)
        around = functional.pad(torch.cat([recent_BTC, known_BHC], dim=1), (0, 0, 0, self.context))
        window_BHCS = around.unfold(1, 2 * self.context + 1, 1)
        mixed = self.blocks(self.embedding(window_BHCS))
        out: Tensor = self.projection(self.gate(rearrange(mixed, "b h c s -> b h (c s)")))
        targets = median_BHV.shape[-1]
        shift_BHV1 = out[..., :targets, None]
        if out.shape[-1] == targets:
            return forecast_BHVQ + shift_BHV1
        stretch_BHV1 = out[..., targets:, None].clamp(-MAX_LOG_STRETCH, MAX_LOG_STRETCH).exp()
        middle_BHV1 = median_BHV[..., None]
        return middle_BHV1 + shift_BHV1 + stretch_BHV1 * (forecast_BHVQ - middle_BHV1)
