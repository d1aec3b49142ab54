"""Naive forecasts that replace part of a head's forecast, most of it at the nearest steps (ours).

A network that writes 48 steps at once is not exact about the first of them: for a smooth series the
last value is better. Here every future patch chooses the weights of naive forecasts, and the steps
after which half of each weight is left.

Shape suffixes: B batch, C channels, F future patches, L values in a patch, D features,
H horizon, Q quantile levels, Y seasonal naive forecasts, J forecasts (Y + 1: those, and the one
without a cycle), W window lengths.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.seasonal.naive_forecasts import (
    SEASONAL_NAIVE,
    WINDOW_LENGTHS,
    SeasonalForecasts,
)

NAIVE_FORECAST_COUNT = (len(SEASONAL_NAIVE) + 1) * len(WINDOW_LENGTHS)
"""Number of naive forecasts: each of the axis J, plus its offset over each window."""

INITIAL_LOG2_HALF_LIFE = 3.0
"""Binary logarithm of steps, before training."""

MIN_LOG2_HALF_LIFE, MAX_LOG2_HALF_LIFE = -1.0, 12.0
"""From half a step to far beyond any horizon."""

MAX_LOG_SPREAD = 6.0
"""Largest absolute logarithm of the factor on the width of bands."""


class NaiveCombination(nn.Module):
    """Weights of the last value, means of the latest points, and level-corrected seasonal naive
    forecasts. All begin at zero.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.length = config.output_patch_length
        hidden, windows = config.decoder_hidden_size, len(WINDOW_LENGTHS)
        self.embedding = nn.Linear(NAIVE_FORECAST_COUNT + windows, hidden, bias=False)
        self.weight = nn.Linear(hidden, NAIVE_FORECAST_COUNT)
        self.half_life = nn.Linear(hidden, windows + 1)
        self.width = nn.Linear(hidden, 1)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def embed(self, seasons: SeasonalForecasts) -> Tensor:
        """Features that are added to every future patch, shape (B, C, 1, D)."""
        offsets = rearrange(seasons.offset_BCJW.nan_to_num(0.0), "b c j w -> b c (j w)")
        out: Tensor = self.embedding(torch.cat([offsets, seasons.roughness_BCW], dim=-1))
        return out[:, :, None]

    def forward(
        self, forecast_BCHQ: Tensor, seasons: SeasonalForecasts, x_BCFD: Tensor, median: int
    ) -> Tensor:
        """Combine a forecast with naive ones, by weights from the features of future patches.

        The median takes part; the other quantiles move with it, and their distances from it change.
        """
        # In bfloat16, which training may run in, the last value of a smooth series is not exact.
        with torch.autocast(x_BCFD.device.type, enabled=False):
            parts = self._parts(seasons, x_BCFD.to(self.weight.weight.dtype))
        horizon = forecast_BCHQ.shape[2]
        naive_BCH1, weight_BCH1, spread_BCH1 = (
            rearrange(part_BCFL, "b c f l -> b c (f l) 1")[:, :, :horizon] for part_BCFL in parts
        )
        middle_BCH1 = forecast_BCHQ[..., median, None]
        combined_BCH1 = naive_BCH1 + (1 - weight_BCH1) * middle_BCH1
        return combined_BCH1 + spread_BCH1 * (forecast_BCHQ - middle_BCH1)

    def _parts(self, seasons: SeasonalForecasts, x_BCFD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For every step the weighted sum of naive forecasts, the sum of their weights, which is
        the fraction of the forecast that they replace, and the factor on the width of bands.
        """
        offset_BCJW, windows = seasons.offset_BCJW, len(WINDOW_LENGTHS)
        weight_BCFJW = rearrange(self.weight(x_BCFD), "b c f (j w) -> b c f j w", w=windows)
        weight_BCFJW = torch.where(~offset_BCJW.isnan()[:, :, None], weight_BCFJW, 0.0)
        offset_BCFW = (weight_BCFJW * offset_BCJW.nan_to_num(0.0)[:, :, None]).sum(dim=-2)
        left_BCFLW, band_left_BCFL1 = torch.split(self._fractions_left(x_BCFD), [windows, 1], -1)
        weight_BCFLJ = torch.einsum("bcfjw,bcflw->bcflj", weight_BCFJW, left_BCFLW)
        offset_BCFL = torch.einsum("bcflw,bcfw->bcfl", left_BCFLW, offset_BCFW)
        forecast_BCYFL = future_patches(seasons, x_BCFD.shape[2], self.length)
        cycle_BCFL = torch.einsum("bcyfl,bcfly->bcfl", forecast_BCYFL, weight_BCFLJ[..., :-1])
        log_spread_BCFL = self.width(x_BCFD) * band_left_BCFL1[..., 0]
        spread_BCFL = log_spread_BCFL.clamp(-MAX_LOG_SPREAD, MAX_LOG_SPREAD).exp()
        return cycle_BCFL + offset_BCFL, weight_BCFLJ.sum(dim=-1), spread_BCFL

    def _fractions_left(self, x_BCFD: Tensor) -> Tensor:
        """Fraction left at each step, for each window and for bands, shape (B, C, F, L, W + 1)."""
        log2_half_life = (INITIAL_LOG2_HALF_LIFE + self.half_life(x_BCFD)).clamp(
            MIN_LOG2_HALF_LIFE, MAX_LOG2_HALF_LIFE
        )
        step_FL = torch.arange(x_BCFD.shape[2] * self.length, device=x_BCFD.device)
        step_FL = rearrange(step_FL, "(f l) -> f l", l=self.length)
        return torch.exp2(-step_FL[..., None] * torch.exp2(-log2_half_life)[..., None, :])


def future_patches(seasons: SeasonalForecasts, patches: int, length: int) -> Tensor:
    """The seasonal naive forecasts cut in future patches, shape (B, C, Y, F, L)."""
    forecast_BCYH = seasons.forecast_BCYH[..., : patches * length]
    return rearrange(forecast_BCYH, "b c y (f l) -> b c y f l", l=length)
