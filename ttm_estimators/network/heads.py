"""Forecast heads: decoder features to quantiles of every future step.

Shape suffixes: B batch, C channels, P patches, F future patches, L values in a patch, D features,
H horizon, Q quantile levels (1 for a point forecast).
"""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.dropout import Dropout
from ttm_estimators.network.mixer import FeatureMixer
from ttm_estimators.network.monotone_quantiles import monotone_quantiles


def median_index(config: TTMConfig) -> int:
    """Index of 0.5 among the quantile levels."""
    return config.quantile_levels.index(0.5) if config.quantile_levels else 0


def linear_rows(layer: nn.Linear, x: Tensor, rows: int) -> Tensor:
    """Apply the first ``rows`` outputs of a linear layer: what pruning of the horizon saves."""
    return functional.linear(x, layer.weight[:rows], layer.bias[:rows])


class FlatHead(nn.Module):
    """Dropout and one linear layer over all features of a channel, as published."""

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.quantiles = max(1, len(config.quantile_levels))
        self.dropout = Dropout(config.head_dropout)
        self.projection = nn.Linear(
            config.patches * config.decoder_hidden_size, config.horizon * self.quantiles
        )

    def forward(self, x_BCPD: Tensor, horizon: int) -> Tensor:
        features = self.dropout(rearrange(x_BCPD, "b c p d -> b c (p d)"))
        out = linear_rows(self.projection, features, horizon * self.quantiles)
        return rearrange(out, "b c (h q) -> b c h q", q=self.quantiles)


class PatchHead(nn.Module):
    """Patches of the past to patches of the future, then one layer that writes each out (ours).

    A flat head for nine quantiles of 720 steps would need millions of parameters. Here a linear
    layer along the patch axis makes the future patches, a feature mixer refines each, and a layer
    shared by all of them writes their steps. A shorter horizon computes fewer future patches.
    """

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        hidden = config.decoder_hidden_size
        self.quantiles = max(1, len(config.quantile_levels))
        self.length = config.output_patch_length
        self.future = nn.Linear(config.patches, config.output_patches)
        self.mixer = FeatureMixer(config, config.head_dropout, hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.dropout = Dropout(config.head_dropout)
        self.projection = nn.Linear(hidden, self.length * self.quantiles)

    def forward(self, x_BCPD: Tensor, horizon: int) -> Tensor:
        return self.write(self.features(x_BCPD, horizon), horizon)

    def count(self, horizon: int) -> int:
        """Future patches that cover a horizon."""
        return -(-horizon // self.length)

    def features(self, x_BCPD: Tensor, horizon: int, added_BCFD: Tensor | None = None) -> Tensor:
        """Features of the future patches, to which others may be added before they are mixed."""
        x_BCDP = rearrange(x_BCPD, "b c p d -> b c d p")
        x_BCDF = linear_rows(self.future, x_BCDP, self.count(horizon))
        x_BCFD = rearrange(x_BCDF, "b c d f -> b c f d")
        if added_BCFD is not None:
            x_BCFD = x_BCFD + added_BCFD
        out: Tensor = self.dropout(self.norm(self.mixer(x_BCFD)))
        return out

    def write(self, x_BCFD: Tensor, horizon: int) -> Tensor:
        """Free numbers for the quantiles of every step, shape (B, C, H, Q)."""
        # [B, C, F, L*Q] -> [B, C, F*L, Q]: the last patch may end after the horizon
        out = rearrange(self.projection(x_BCFD), "b c f (l q) -> b c (f l) q", q=self.quantiles)
        return out[:, :, :horizon]


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
    """A flat or a patch head, with quantiles that can not cross.

    Input (B, C, P, D), output (B, C, H, Q) on the normalised scale.
    """

    layers: FlatHead | PatchHead

    def __init__(self, config: TTMConfig) -> None:
        super().__init__()
        self.layers = FlatHead(config) if config.head == "flat" else PatchHead(config)
        self.median = median_index(config)

    def forward(self, x_BCPD: Tensor, horizon: int, shift_BCH: Tensor | None = None) -> Tensor:
        return self.quantiles(self.layers(x_BCPD, horizon), shift_BCH)

    def quantiles(self, raw_BCHQ: Tensor, shift_BCH: Tensor | None) -> Tensor:
        """Monotone quantiles, all of them shifted alike."""
        forecast_BCHQ = monotone_quantiles(raw_BCHQ, self.median)
        return forecast_BCHQ if shift_BCH is None else forecast_BCHQ + shift_BCH[..., None]
