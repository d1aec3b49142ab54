"""The exogenous mixer: refine a forecast by what is known about the future (section 3.3).

Shape suffixes: B batch, T time, H horizon, W window, V target channels, N targets and covariates.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.mixer import MixerBlock, make_gate


class ExogenousMixer(nn.Module):
    """Look at every future step with its neighbours, over all targets and covariates at once.

    A window of ``2 * exogenous_context + 1`` steps around each future step holds the forecasts of
    the targets and the known covariates. Before the first step stands the recent past; after the
    last one, zeros. The result is added to the forecast.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.context = config.exogenous_context
        window = 2 * self.context + 1
        targets = len(config.targets)
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
        self.projection = nn.Linear(members * features, targets)

    def forward(self, forecast_BHV: Tensor, past_BTN: Tensor, future_BHN: Tensor) -> Tensor:
        """Refine a forecast.

        Parameters
        ----------
        forecast_BHV : Tensor
            Forecast of the head, targets only.
        past_BTN : Tensor
            History of targets, then covariates.
        future_BHN : Tensor
            Future values of the covariates only.
        """
        known_BHN = torch.cat([forecast_BHV, future_BHN], dim=-1)
        recent = past_BTN[:, past_BTN.shape[1] - self.context :]
        around = functional.pad(torch.cat([recent, known_BHN], dim=1), (0, 0, 0, self.context))
        window_BHNW = around.unfold(1, 2 * self.context + 1, 1)
        mixed = self.blocks(self.embedding(window_BHNW))
        correction: Tensor = self.projection(self.gate(rearrange(mixed, "b h n w -> b h (n w)")))
        return forecast_BHV + correction
