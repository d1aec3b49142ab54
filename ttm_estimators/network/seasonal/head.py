"""The patch head with seasonal naive forecasts beside its features (ours).

Shape suffixes: B batch, C channels, P patches, F future patches, L values in a patch,
D features, H horizon, Q quantile levels, M cycles (the three kinds), U features of a cycle,
Y seasonal naive forecasts, A other axes: the median, and the
distances of other quantiles from it.
"""

from __future__ import annotations

from typing import cast

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.heads import Head, PatchHead
from ttm_estimators.network.seasonal.combination import NaiveCombination, future_patches
from ttm_estimators.network.seasonal.naive_forecasts import SEASONAL_NAIVE, SeasonalForecasts
from ttm_estimators.network.seasonal.periods import Cycle, Repetition

MIN_CYCLE_ERROR = 1e-3
"""Standard deviations of the history below which a cycle is as exact as can be."""


class SeasonalHead(Head):
    """A patch head that is shown the seasonal naive forecasts of a history."""

    layers: PatchHead

    def __init__(self, config: TTMConfig) -> None:
        super().__init__(config)
        self.layers.seasons = SeasonalInput(config)  # there, for the names in weights files

    def forward(  # type: ignore[override]
        self,
        x_BCPD: Tensor,
        horizon: int,
        shift_BCH: Tensor | None,
        seasons: SeasonalForecasts,
    ) -> Tensor:
        patches, seasonal = self.layers, cast(SeasonalInput, self.layers.seasons)
        added_BCFD = seasonal.embed(seasons, patches.count(horizon))
        x_BCFD = patches.features(x_BCPD, horizon, added_BCFD)
        forecast_BCHQ = self.quantiles(patches.write(x_BCFD, horizon), shift_BCH)
        return seasonal(forecast_BCHQ, seasons, x_BCFD, self.median)


class SeasonalInput(nn.Module):
    """What a patch head makes of the seasonal naive forecasts.

    Every future patch sees its part of each forecast and how well its cycle repeats. It answers
    with the weight at which each is added to its steps, and with a factor that shrinks all else: a
    network can not be exact to the last digit of a series that repeats itself so well, unless its
    output has the size of what does not repeat. All begin at zero, as if there were no cycles.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.length = config.output_patch_length
        hidden, forecasts = config.decoder_hidden_size, len(SEASONAL_NAIVE)
        features = forecasts * self.length + len(Cycle) * len(Repetition)
        self.embedding = nn.Linear(features, hidden)
        self.trust = nn.Linear(hidden, forecasts)
        self.size = nn.Linear(hidden, 2)
        self.simple = NaiveCombination(config)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def embed(self, seasons: SeasonalForecasts, patches: int) -> Tensor:
        """Features that are added to every future patch, shape (B, C, F, D)."""
        forecasts = rearrange(
            future_patches(seasons, patches, self.length), "b c y f l -> b c f (y l)"
        )
        repetition = repeat(seasons.repetition_BCMU, "b c m u -> b c f (m u)", f=patches)
        x_BCFD: Tensor = self.embedding(torch.cat([forecasts, repetition], dim=-1))
        return x_BCFD + self.simple.embed(seasons)

    def forward(
        self, forecast_BCHQ: Tensor, seasons: SeasonalForecasts, x_BCFD: Tensor, median: int
    ) -> Tensor:
        """Add the cycles to a forecast, and combine it with the naive forecasts."""
        horizon = forecast_BCHQ.shape[2]
        cycles_BCH = self.cycles(seasons, x_BCFD)[:, :, :horizon]
        factor_BCHA = self.factors(seasons, x_BCFD)[:, :, :horizon]
        middle_BCH1 = forecast_BCHQ[..., median, None]
        forecast_BCHQ = (
            cycles_BCH[..., None]
            + middle_BCH1 * factor_BCHA[..., :1]
            + (forecast_BCHQ - middle_BCH1) * factor_BCHA[..., 1:]
        )
        combined_BCHQ: Tensor = self.simple(forecast_BCHQ, seasons, x_BCFD, median)
        return combined_BCHQ

    def cycles(self, seasons: SeasonalForecasts, x_BCFD: Tensor) -> Tensor:
        """Sum of the seasonal naive forecasts by the weights of each patch, shape (B, C, F*L)."""
        forecast_BCYFL = future_patches(seasons, x_BCFD.shape[2], self.length)
        sum_BCFL = torch.einsum("bcyfl,bcfy->bcfl", forecast_BCYFL, self.trust(x_BCFD))
        return rearrange(sum_BCFL, "b c f l -> b c (f l)")

    def factors(self, seasons: SeasonalForecasts, x_BCFD: Tensor) -> Tensor:
        """Powers of the smaller error of the cycles BEST and SHORT, shape (B, C, F*L, A).

        That of CALENDAR does not count: it may be small where the history does not repeat.
        """
        error_BCM = seasons.repetition_BCMU[..., : Cycle.CALENDAR, Repetition.ERROR]
        log_error_BC = error_BCM.amin(dim=-1).clamp(MIN_CYCLE_ERROR, 1.0).log()
        factor_BCFA = (torch.tanh(self.size(x_BCFD)) * log_error_BC[..., None, None]).exp()
        return repeat(factor_BCFA, "b c f a -> b c (f l) a", l=self.length)
