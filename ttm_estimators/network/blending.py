"""Simple forecasts that a head is drawn to, the more the nearer a step is (ours).

A network that writes 48 steps at once is not exact about the first of them: where a series is
smooth, to repeat its last value was better. Here every future patch says how much of some simple
forecasts to take in place of its own, and how fast that fades.

Shape suffixes: B batch, C channels, F future patches, L future patch length, D features, H horizon,
Q quantile levels, K continued cycles, J = K + 1, W windows, O = J * W, X = W + 1 half-lives.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.season import CONTINUATIONS, WINDOWS, Seasons

OFFSETS = (CONTINUATIONS + 1) * len(WINDOWS)
"""Simple forecasts: each cycle, and none, moved to the latest points of each window."""

HALF_LIFE = 3.0
"""Binary logarithm of the steps after which half of a simple forecast is left, at first."""

LONGEST = 12.0
"""Largest such logarithm: far beyond any horizon."""

NARROWEST = 6.0
"""A band is at most this many times e narrower or wider."""


class Blend(NamedTuple):
    """What becomes of a forecast."""

    target_BCH: Tensor
    """Simple forecasts, each times its weight."""

    weight_BCH: Tensor
    """Sum of the weights: that much of the forecast is replaced."""

    width_BCH: Tensor
    """Factor on the distances of quantiles from the median."""

    def apply(self, forecast_BCHQ: Tensor, median: int) -> Tensor:
        """Move the median to the simple forecasts, and the other quantiles with it."""
        middle_BCH1 = forecast_BCHQ[..., median, None]
        moved_BCH1 = self.target_BCH[..., None] + (1 - self.weight_BCH[..., None]) * middle_BCH1
        return moved_BCH1 + self.width_BCH[..., None] * (forecast_BCHQ - middle_BCH1)


class SimpleForecasts(nn.Module):
    """Last value, moving averages, and cycles at the latest level. All begins at zero."""

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.length = config.output_patch_length
        hidden = config.decoder_hidden_size
        self.embedding = nn.Linear(OFFSETS + len(WINDOWS), hidden, bias=False)
        self.weight = nn.Linear(hidden, OFFSETS)
        self.half_life = nn.Linear(hidden, len(WINDOWS) + 1)
        self.width = nn.Linear(hidden, 1)
        for layer in (self.embedding, self.weight, self.half_life, self.width):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def embed(self, seasons: Seasons) -> Tensor:
        """Features that they add to every future patch, shape (B, C, 1, D)."""
        offset_BCO = seasons.offset_BCO.nan_to_num(0.0)
        out: Tensor = self.embedding(torch.cat([offset_BCO, seasons.roughness_BCW], dim=-1))
        return out[:, :, None]

    def forward(self, seasons: Seasons, x_BCFD: Tensor) -> Blend:
        """Weigh the simple forecasts by the features of the future patches."""
        # In bfloat16, which training may run in, the last value of a smooth series is not exact.
        with torch.autocast(x_BCFD.device.type, enabled=False):
            return self._blend(seasons, x_BCFD.to(self.weight.weight.dtype))

    def _blend(self, seasons: Seasons, x_BCFD: Tensor) -> Blend:
        future_patches = x_BCFD.shape[2]
        offset_BCJW = rearrange(seasons.offset_BCO, "b c (j w) -> b c j w", w=len(WINDOWS))
        known_BCJW = ~offset_BCJW.isnan()
        share_BCFJW = rearrange(self.weight(x_BCFD), "b c f (j w) -> b c f j w", w=len(WINDOWS))
        share_BCFJW = torch.where(known_BCJW[:, :, None], share_BCFJW, 0.0)
        fading_BCFLX = self._fading(x_BCFD)
        fading_BCFLW = fading_BCFLX[..., :-1]
        weight_BCFLJ = torch.einsum("bcfjw,bcflw->bcflj", share_BCFJW, fading_BCFLW)
        level_BCFW = (share_BCFJW * offset_BCJW.nan_to_num(0.0)[:, :, None]).sum(dim=-2)
        offset_BCFL = torch.einsum("bcflw,bcfw->bcfl", fading_BCFLW, level_BCFW)
        ahead_BCKFL = rearrange(
            seasons.ahead_BCKH[..., : future_patches * self.length],
            "b c k (f l) -> b c k f l",
            l=self.length,
        )
        cycle_BCFL = torch.einsum("bckfl,bcflk->bcfl", ahead_BCKFL, weight_BCFLJ[..., :-1])
        width_BCFL = self.width(x_BCFD) * fading_BCFLX[..., -1]
        parts = (
            cycle_BCFL + offset_BCFL,
            weight_BCFLJ.sum(dim=-1),
            width_BCFL.clamp(-NARROWEST, NARROWEST).exp(),
        )
        return Blend(*(rearrange(part_BCFL, "b c f l -> b c (f l)") for part_BCFL in parts))

    def _fading(self, x_BCFD: Tensor) -> Tensor:
        """Share left of the forecasts of each window, and of the width, shape (B, C, F, L, X)."""
        half_life_BCFX = (HALF_LIFE + self.half_life(x_BCFD)).clamp(-1.0, LONGEST)
        step_FL = torch.arange(x_BCFD.shape[2] * self.length, device=x_BCFD.device)
        step_FL = rearrange(step_FL, "(f l) -> f l", l=self.length)
        return torch.exp2(-step_FL[..., None] * torch.exp2(-half_life_BCFX)[..., None, :])
