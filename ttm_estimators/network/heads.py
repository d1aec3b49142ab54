"""Forecast heads: decoder features to quantiles of every future step.

Shape suffixes: B batch, C channels, P patches, F future patches, L future patch length,
D features, H horizon, Q quantile levels (1 for a point forecast), K continued cycles.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional

from ttm_estimators.network.blending import Blend, SimpleForecasts
from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.dropout import Dropout
from ttm_estimators.network.mixer import FeatureMixer
from ttm_estimators.network.period import ERROR, FEATURES, FOUND, PERIODS
from ttm_estimators.network.season import CONTINUATIONS, Seasons

SMALLEST = 1e-3
"""Smallest error of a cycle, in standard deviations of the history, that makes a difference."""


def monotone_quantiles(raw_Q: Tensor, median: int) -> Tensor:
    """Turn free numbers into quantiles that can not cross.

    The number at ``median`` is the median. Every other level lies a softplus, and so a positive
    step, further out than its inner neighbour (ours; the published network forecasts points).

    Parameters
    ----------
    raw_Q : Tensor
        Any shape, levels last.
    median : int
        Index of the level 0.5.
    """
    if raw_Q.shape[-1] == 1:
        return raw_Q
    middle = raw_Q[..., median : median + 1]
    step_Q = functional.softplus(raw_Q)
    above = middle + step_Q[..., median + 1 :].cumsum(dim=-1)
    below = middle - step_Q[..., :median].flip(-1).cumsum(dim=-1).flip(-1)
    return torch.cat([below, middle, above], dim=-1)


def median_index(config: TTMConfig) -> int:
    """Place of the level 0.5 among the quantile levels."""
    return config.quantile_levels.index(0.5) if config.quantile_levels else 0


def linear_rows(layer: nn.Linear, x: Tensor, rows: int) -> Tensor:
    """Apply the first ``rows`` outputs of a linear layer: what pruning of the horizon saves."""
    return functional.linear(x, layer.weight[:rows], layer.bias[:rows])


class Cyclic(NamedTuple):
    """What a head takes from the cycles of a history."""

    cycles_BCH: Tensor
    """Sum of the cycles, each as far as it is trusted."""

    sizes_BCHS: Tensor
    """Factors on what comes on top of them: one of the median, one of the steps between levels."""

    blend: Blend
    """Simple forecasts that near steps are drawn to."""


class FlatHead(nn.Module):
    """Dropout and one linear layer over all features of a channel, as published."""

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.levels = max(1, len(config.quantile_levels))
        self.dropout = Dropout(config.head_dropout)
        self.projection = nn.Linear(
            config.patches * config.decoder_hidden_size, config.horizon * self.levels
        )

    def forward(
        self, x_BCPD: Tensor, horizon: int, seasons: Seasons | None = None
    ) -> tuple[Tensor, Cyclic | None]:
        features = self.dropout(rearrange(x_BCPD, "b c p d -> b c (p d)"))
        out = linear_rows(self.projection, features, horizon * self.levels)
        return rearrange(out, "b c (h q) -> b c h q", q=self.levels), None


class PatchHead(nn.Module):
    """Patches of the past to patches of the future, then one layer that writes each out (ours).

    A flat head for nine quantiles of 720 steps would need millions of parameters. Here a linear
    layer along the patch axis makes the future patches, a feature mixer refines each, and a layer
    shared by all of them writes their steps. A shorter horizon computes fewer future patches.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        hidden = config.decoder_hidden_size
        self.levels = max(1, len(config.quantile_levels))
        self.length = config.output_patch_length
        self.future = nn.Linear(config.patches, config.output_patches)
        self.mixer = FeatureMixer(
            hidden,
            hidden,
            expansion=config.expansion,
            dropout=config.head_dropout,
            gate=config.gate,
        )
        self.norm = nn.LayerNorm(hidden)
        self.dropout = Dropout(config.head_dropout)
        self.projection = nn.Linear(hidden, self.length * self.levels)
        self.seasons = SeasonalInput(config) if config.seasons else None

    def forward(
        self, x_BCPD: Tensor, horizon: int, seasons: Seasons | None = None
    ) -> tuple[Tensor, Cyclic | None]:
        future_patches = -(-horizon // self.length)
        x_BCDP = rearrange(x_BCPD, "b c p d -> b c d p")
        x_BCFD = rearrange(linear_rows(self.future, x_BCDP, future_patches), "b c d f -> b c f d")
        if self.seasons is not None and seasons is not None:
            x_BCFD = x_BCFD + self.seasons.embed(seasons, future_patches)
        x_BCFD = self.dropout(self.norm(self.mixer(x_BCFD)))
        # [B, C, F, L*Q] -> [B, C, F*L, Q], of which the last patch may reach too far
        out_BCHQ = rearrange(self.projection(x_BCFD), "b c f (l q) -> b c (f l) q", q=self.levels)
        cyclic = None
        if self.seasons is not None and seasons is not None:
            cyclic = self.seasons.answer(seasons, x_BCFD, horizon)
        return out_BCHQ[:, :, :horizon], cyclic


class SeasonalInput(nn.Module):
    """What a patch head takes from the cycles of the history that were laid into the future (ours).

    Every future patch sees its piece of each cycle and how well the cycle repeats. It answers with
    the share of each that is added to its steps, and how much smaller all else is to be: a network
    can not be exact to the last digit of a series that repeats itself so well, unless its answer
    has the size of what does not repeat. All begin at zero, as if there were no cycles.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.length = config.output_patch_length
        hidden = config.decoder_hidden_size
        self.embedding = nn.Linear(CONTINUATIONS * self.length + PERIODS * FEATURES, hidden)
        self.trust = nn.Linear(hidden, CONTINUATIONS)
        self.size = nn.Linear(hidden, 2)
        self.simple = SimpleForecasts(config)
        for layer in (self.embedding, self.trust, self.size):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def embed(self, seasons: Seasons, future_patches: int) -> Tensor:
        """Features that the cycles add to every future patch, shape (B, C, F, D)."""
        ahead_BCFS = rearrange(self._patches(seasons, future_patches), "b c k f l -> b c f (k l)")
        repetition_BCFS = repeat(seasons.repetition_BCS, "b c s -> b c f s", f=future_patches)
        cycles_BCFD: Tensor = self.embedding(torch.cat([ahead_BCFS, repetition_BCFS], dim=-1))
        return cycles_BCFD + self.simple.embed(seasons)

    def answer(self, seasons: Seasons, x_BCFD: Tensor, horizon: int) -> Cyclic:
        """What the features of the future patches make of the cycles, for the steps asked for."""
        return Cyclic(
            self.trusted(seasons, x_BCFD)[:, :, :horizon],
            self.sizes(seasons, x_BCFD)[:, :, :horizon],
            Blend(*(part_BCH[:, :, :horizon] for part_BCH in self.simple(seasons, x_BCFD))),
        )

    def trusted(self, seasons: Seasons, x_BCFD: Tensor) -> Tensor:
        """Sum of the cycles by the share that each patch takes of them, shape (B, C, F*L)."""
        ahead_BCKFL = self._patches(seasons, x_BCFD.shape[2])
        sum_BCFL = torch.einsum("bckfl,bcfk->bcfl", ahead_BCKFL, self.trust(x_BCFD))
        return rearrange(sum_BCFL, "b c f l -> b c (f l)")

    def sizes(self, seasons: Seasons, x_BCFD: Tensor) -> Tensor:
        """Powers of the error of the better of the cycles that were found, shape (B, C, F*L, 2).

        That of the calendar does not count: its error may be small where it does not repeat at all.
        """
        error_BCP = seasons.repetition_BCS[..., ERROR : FOUND * FEATURES : FEATURES]
        size_BC11 = rearrange(error_BCP.amin(dim=-1).clamp(SMALLEST, 1.0).log(), "b c -> b c 1 1")
        sizes_BCFS = (torch.tanh(self.size(x_BCFD)) * size_BC11).exp()
        return repeat(sizes_BCFS, "b c f s -> b c (f l) s", l=self.length)

    def _patches(self, seasons: Seasons, future_patches: int) -> Tensor:
        steps = future_patches * self.length
        return rearrange(seasons.ahead_BCKH[..., :steps], "b c k (f l) -> b c k f l", l=self.length)


class Shortcut(nn.Module):
    """From the latest patch straight to every step, the same for all quantiles (ours).

    It starts at zero, as if it were not there.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.projection = nn.Linear(config.patch_length, config.horizon)
        nn.init.zeros_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, patch_BCL: Tensor, horizon: int) -> Tensor:
        latest_BCL = patch_BCL[..., : self.projection.in_features]  # without the mask
        return linear_rows(self.projection, latest_BCL, horizon)


class Head(nn.Module):
    """The head that the configuration names, with quantiles that can not cross.

    Input (B, C, P, D), output (B, C, H, Q) on the normalised scale. ``level_BCH`` is added to all
    quantiles.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.layers = FlatHead(config) if config.head == "flat" else PatchHead(config)
        self.median = median_index(config)

    def forward(
        self,
        x_BCPD: Tensor,
        horizon: int,
        seasons: Seasons | None = None,
        level_BCH: Tensor | None = None,
    ) -> Tensor:
        raw_BCHQ, cyclic = self.layers(x_BCPD, horizon, seasons)
        forecast_BCHQ = monotone_quantiles(raw_BCHQ, self.median)
        if level_BCH is not None:
            forecast_BCHQ = forecast_BCHQ + level_BCH[..., None]
        if cyclic is None:
            return forecast_BCHQ
        middle_BCH1 = forecast_BCHQ[..., self.median, None]
        forecast_BCHQ = (
            cyclic.cycles_BCH[..., None]
            + middle_BCH1 * cyclic.sizes_BCHS[..., :1]
            + (forecast_BCHQ - middle_BCH1) * cyclic.sizes_BCHS[..., 1:]
        )
        return cyclic.blend.apply(forecast_BCHQ, self.median)
