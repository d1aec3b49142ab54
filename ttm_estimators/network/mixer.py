"""The TSMixer block: MLPs that mix patches, features and, if asked, channels (section 3.1).

Every mixer is pre-norm with a residual. Shape suffixes: B batch, C channels, P patches,
D features, N the axis that a layer mixes.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from einops import rearrange
from torch import Tensor, nn

from ttm_estimators.network.dropout import Dropout

NORM_EPSILON = 1e-5

Gate = Literal["softmax", "sigmoid", "none"]


class MixerSettings(TypedDict):
    """What every mixer of a block shares."""

    expansion: int
    dropout: float
    gate: Gate


class MLP(nn.Module):
    """Two linear layers over the last axis with GELU between, dropout after each."""

    def __init__(self, size: int, *, expansion: int, dropout: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(size, size * expansion)
        self.fc2 = nn.Linear(size * expansion, size)
        self.activation = nn.GELU()
        self.dropout = Dropout(dropout)

    def forward(self, x_N: Tensor) -> Tensor:
        return self.dropout(self.fc2(self.dropout(self.activation(self.fc1(x_N)))))


class GatedAttention(nn.Module):
    """Weights over the last axis, computed from the input, times the input."""

    def __init__(self, size: int, *, gate: Gate) -> None:
        super().__init__()
        self.attention = nn.Linear(size, size)
        self.gate = gate

    def forward(self, x_N: Tensor) -> Tensor:
        logits = self.attention(x_N)
        weights = logits.softmax(dim=-1) if self.gate == "softmax" else logits.sigmoid()
        return x_N * weights


def make_gate(size: int, gate: Gate) -> nn.Module:
    """The gate that a configuration names."""
    return nn.Identity() if gate == "none" else GatedAttention(size, gate=gate)


class AxisMixer(nn.Module):
    """MLP and gate over one axis, shared by the three mixers below.

    Parameters
    ----------
    size : int
        Length of the axis that is mixed.
    features : int
        Length of the feature axis, over which inputs are normalised.
    expansion, dropout, gate
        As in the configuration.
    """

    def __init__(
        self, size: int, features: int, *, expansion: int, dropout: float, gate: Gate
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features, eps=NORM_EPSILON)
        self.mlp = MLP(size, expansion=expansion, dropout=dropout)
        self.gate = make_gate(size, gate)


class PatchMixer(AxisMixer):
    """Mix along patches: what happened when."""

    def forward(self, x_BCPD: Tensor) -> Tensor:
        y_BCDP = rearrange(self.norm(x_BCPD), "b c p d -> b c d p")
        return x_BCPD + rearrange(self.gate(self.mlp(y_BCDP)), "b c d p -> b c p d")


class FeatureMixer(AxisMixer):
    """Mix along the features of each patch."""

    def forward(self, x_BCPD: Tensor) -> Tensor:
        return x_BCPD + self.gate(self.mlp(self.norm(x_BCPD)))


class ChannelMixer(AxisMixer):
    """Mix along channels. The gate comes first here, as published."""

    def forward(self, x_BCPD: Tensor) -> Tensor:
        y_BDPC = rearrange(self.norm(x_BCPD), "b c p d -> b d p c")
        return x_BCPD + rearrange(self.mlp(self.gate(y_BDPC)), "b d p c -> b c p d")


class MixerBlock(nn.Module):
    """One TSMixer block: channels (if ``channels`` is given), patches (if more than one),
    features. Input and output have shape (B, C, P, D).
    """

    def __init__(
        self,
        patches: int,
        features: int,
        *,
        expansion: int,
        dropout: float,
        gate: Gate,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        settings: MixerSettings = {"expansion": expansion, "dropout": dropout, "gate": gate}
        mixers: dict[str, nn.Module] = {}
        if channels is not None:
            mixers["channel"] = ChannelMixer(channels, features, **settings)
        if patches > 1:
            mixers["patch"] = PatchMixer(patches, features, **settings)
        mixers["feature"] = FeatureMixer(features, features, **settings)
        self.mixers = nn.ModuleDict(mixers)

    def forward(self, x_BCPD: Tensor) -> Tensor:
        for mixer in self.mixers.values():
            x_BCPD = mixer(x_BCPD)
        return x_BCPD
