"""The decoder: the small part that fine-tuning adapts (section 3.2).

Shape suffixes: B batch, C channels, K static covariates, P patches, D features.
"""

from __future__ import annotations

import torch
from einops import repeat
from torch import Tensor, nn

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.mixer import MixerBlock


class Decoder(nn.Module):
    """Adapter and TSMixer blocks, each channel by itself or mixing all of them.

    With ``mix_channels`` every static covariate joins as one more channel, whose features are its
    category's embedding at every patch; it is dropped again after the blocks.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        hidden = config.decoder_hidden_size
        self.adapter = (
            nn.Linear(config.hidden_size, hidden) if config.hidden_size != hidden else nn.Identity()
        )
        self.statics = nn.ModuleList(
            nn.Embedding(cardinality, hidden) for cardinality in config.static_cardinalities
        )
        channels = config.channels + len(config.static_cardinalities)
        size = (config.patches, hidden, channels if config.mix_channels else None)
        self.blocks = nn.Sequential(
            *(MixerBlock(config, config.head_dropout, *size) for _ in range(config.decoder_blocks))
        )

    def forward(self, x_BCPD: Tensor, static_BK: Tensor | None) -> Tensor:
        x_BCPD = self.adapter(x_BCPD)
        channels, patches = x_BCPD.shape[1:3]
        if len(self.statics):
            if static_BK is None:
                raise ValueError("this network has static covariates: give static_BK")
            embedding_BKD = torch.stack(
                [embed(static_BK[:, k]) for k, embed in enumerate(self.statics)], dim=1
            )
            static_BCPD = repeat(embedding_BKD, "b k d -> b k p d", p=patches)
            x_BCPD = torch.cat([x_BCPD, static_BCPD], dim=1)
        out: Tensor = self.blocks(x_BCPD)
        return out[:, :channels]
