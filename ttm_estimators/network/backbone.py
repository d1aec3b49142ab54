"""The pre-trained part: patch embedding, resolution prefix and adaptive-patching levels.

Shape suffixes: B batch, C channels, P patches, L values in a patch, D features.
"""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.mixer import MixerBlock


class ResolutionPrefix(nn.Module):
    """One token that tells the sampling resolution (resolution prefix tuning, section 3.1)."""

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        length, hidden = config.patch_length, config.hidden_size
        self.embedding = nn.Embedding(config.resolutions, length)
        self.projection = nn.Sequential(
            nn.Linear(length, (length + hidden) // 2),
            nn.GELU(),
            nn.Linear((length + hidden) // 2, hidden),
        )

    def forward(self, x_BCPD: Tensor, resolution_B: Tensor) -> Tensor:
        token_BD = self.projection(self.embedding(resolution_B))
        token_BCPD = repeat(token_BD, "b d -> b c 1 d", c=x_BCPD.shape[1])
        return torch.cat([token_BCPD, x_BCPD], dim=2)


class AdaptivePatchingLevel(nn.Module):
    """Blocks that mix patches cut in pieces (adaptive patching, section 3.1)."""

    def __init__(self, config: TTMConfig, factor: int) -> None:
        super().__init__()
        self.factor = factor
        patches, features = config.patches * factor, config.hidden_size // factor
        self.blocks = nn.Sequential(
            *(
                MixerBlock(config, config.dropout, patches, features)
                for _ in range(config.blocks_per_level)
            )
        )

    def forward(self, x_BCPD: Tensor) -> Tensor:
        # [B, C, P, factor*D'] -> [B, C, P*factor, D'] and back
        pieces = rearrange(x_BCPD, "b c p (k d) -> b c (p k) d", k=self.factor)
        return rearrange(self.blocks(pieces), "b c (p k) d -> b c p (k d)", k=self.factor)


class Backbone(nn.Module):
    """Patches in, features out: (B, C, P, L) → (B, C, P, D), each channel by itself."""

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.embedding = nn.Linear(config.patch_values, config.hidden_size)
        self.prefix = ResolutionPrefix(config) if config.resolutions else None
        self.levels = nn.Sequential(
            *(AdaptivePatchingLevel(config, factor) for factor in config.level_factors)
        )

    def forward(self, patch_BCPL: Tensor, resolution_B: Tensor | None) -> Tensor:
        x_BCPD = self.embedding(patch_BCPL)
        if self.prefix is not None:
            if resolution_B is None:
                raise ValueError("this network has a resolution prefix: give resolution_B")
            x_BCPD = self.prefix(x_BCPD, resolution_B)
        out: Tensor = self.levels(x_BCPD)
        return out
