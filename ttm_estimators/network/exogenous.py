"""The exogenous mixer: refine a forecast by what is known about the future (section 3.3).

Shape suffixes: B batch, T time, H horizon, W window, V target channels, N targets and covariates,
Q quantile levels.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.heads import median_index
from ttm_estimators.network.mixer import MixerBlock, make_gate

STRETCH_BOUND = 5.0
"""Largest logarithm of a stretch."""


class ExogenousMixer(nn.Module):
    """Look at every future step with its neighbours, over all targets and covariates at once.

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
                    MixerBlock(
                        members,
                        features,
                        expansion=config.expansion,
                        dropout=config.head_dropout,
                        gate=config.gate,
                    )
                    for _ in range(config.exogenous_blocks)
                )
            )
        self.gate = make_gate(members * features, config.gate)
        outputs = targets * (2 if config.quantile_levels else 1)
        self.projection = nn.Linear(members * features, outputs)

    def forward(self, forecast_BHVQ: Tensor, recent_BTN: Tensor, future_BHN: Tensor) -> Tensor:
        """Refine a forecast.

        Parameters
        ----------
        forecast_BHVQ : Tensor
            Forecast of the head, targets only.
        recent_BTN : Tensor
            The last ``exogenous_context`` steps of targets, then covariates.
        future_BHN : Tensor
            Future values of the covariates only.
        """
        median_BHV = forecast_BHVQ[..., self.median]
        known_BHN = torch.cat([median_BHV, future_BHN], dim=-1)
        around = functional.pad(torch.cat([recent_BTN, known_BHN], dim=1), (0, 0, 0, self.context))
        window_BHNW = around.unfold(1, 2 * self.context + 1, 1)
        mixed = self.blocks(self.embedding(window_BHNW))
        out: Tensor = self.projection(self.gate(rearrange(mixed, "b h n w -> b h (n w)")))
        targets = median_BHV.shape[-1]
        shift_BHV1 = out[..., :targets, None]
        if out.shape[-1] == targets:
            return forecast_BHVQ + shift_BHV1
        stretch_BHV1 = out[..., targets:, None].clamp(-STRETCH_BOUND, STRETCH_BOUND).exp()
        middle_BHV1 = median_BHV[..., None]
        return middle_BHV1 + shift_BHV1 + stretch_BHV1 * (forecast_BHVQ - middle_BHV1)
