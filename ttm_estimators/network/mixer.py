"""The TSMixer block: MLPs that mix patches, features and, if asked, channels (section 3.1).

Every mixer is pre-norm with a residual. In inference mode a step overwrites what the one before it
made, which is in the cache of a processor and needs no memory of its own.

Shape suffixes: B batch, C channels, P patches, D features, N series (B times C), A other axes: the
one that a layer mixes.
"""

from __future__ import annotations

from typing import Literal

import torch
from einops import rearrange
from torch import Tensor, nn

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.dropout import Dropout

NORM_EPSILON = 1e-5

Gate = Literal["softmax", "sigmoid", "none"]


class PatchLinear(nn.Linear):
    """A linear layer over the axis before the last.

    It multiplies from the left, so that nothing is copied in another order.
    """

    def __init__(self, size: int, out: int) -> None:
        super().__init__(size, out)

    def forward(self, x_NAD: Tensor) -> Tensor:
        weight = self.weight.expand(x_NAD.shape[0], -1, -1)
        return torch.baddbmm(self.bias[:, None], weight, x_NAD)


class GELU(nn.GELU):
    """The exact GELU, which overwrites its input in inference mode."""

    def forward(self, x_A: Tensor) -> Tensor:
        return torch.ops.aten.gelu_(x_A) if in_place() else super().forward(x_A)


def in_place() -> bool:
    """Whether nobody can ask for gradients, which need what every step has read."""
    return not torch.compiler.is_compiling() and torch.is_inference_mode_enabled()


def add(x_A: Tensor, y_A: Tensor) -> Tensor:
    """Add a residual branch ``y_A``, which may be overwritten, to its input."""
    return y_A.add_(x_A) if in_place() else x_A + y_A


class MLP(nn.Module):
    """Two linear layers over one axis with GELU between, dropout after each.

    ``layer`` decides on the axis: the last, or the one before.
    """

    def __init__(
        self, size: int, *, expansion: int, dropout: float, layer: type[nn.Linear] = nn.Linear
    ) -> None:
        super().__init__()
        self.fc1 = layer(size, size * expansion)
        self.fc2 = layer(size * expansion, size)
        self.activation = GELU()
        self.dropout = Dropout(dropout)

    def forward(self, x_A: Tensor) -> Tensor:
        return self.dropout(self.fc2(self.dropout(self.activation(self.fc1(x_A)))))


class GatedAttention(nn.Module):
    """Weights over the axis of ``layer``, computed from the input, times the input."""

    def __init__(self, size: int, *, gate: Gate, layer: type[nn.Linear] = nn.Linear) -> None:
        super().__init__()
        self.attention = layer(size, size)
        self.axis = -2 if issubclass(layer, PatchLinear) else -1
        self.gate = gate

    def forward(self, x_A: Tensor) -> Tensor:
        logits = self.attention(x_A)
        if self.gate == "softmax":
            return x_A * logits.softmax(dim=self.axis)
        return logits.sigmoid_().mul_(x_A) if in_place() else x_A * logits.sigmoid()


def make_gate(size: int, gate: Gate, layer: type[nn.Linear] = nn.Linear) -> nn.Module:
    """The gate that a configuration names."""
    return nn.Identity() if gate == "none" else GatedAttention(size, gate=gate, layer=layer)


class AxisMixer(nn.Module):
    """MLP and gate over one axis, shared by the three mixers below.

    Parameters
    ----------
    config : TTMConfig
        It says how wide MLPs are, and which gate follows them.
    dropout : float
        That of the backbone, or of what comes after it.
    size : int
        Length of the axis that is mixed.
    features : int
        Length of the feature axis, over which inputs are normalised.
    """

    layer: type[nn.Linear] = nn.Linear
    """How its layers find the axis: the last, or the one before."""

    def __init__(self, config: TTMConfig, dropout: float, size: int, features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features, eps=NORM_EPSILON)
        self.mlp = MLP(size, expansion=config.expansion, dropout=dropout, layer=self.layer)
        self.gate = make_gate(size, config.gate, self.layer)


class PatchMixer(AxisMixer):
    """Mix along patches: what happened when."""

    layer: type[nn.Linear] = PatchLinear

    def forward(self, x_BCPD: Tensor) -> Tensor:
        x_NPD = rearrange(self.norm(x_BCPD), "b c p d -> (b c) p d")
        y_NPD = self.gate(self.mlp(x_NPD))
        return add(x_BCPD, rearrange(y_NPD, "(b c) p d -> b c p d", c=x_BCPD.shape[1]))


class FeatureMixer(AxisMixer):
    """Mix along the features of each patch."""

    def forward(self, x_BCPD: Tensor) -> Tensor:
        return add(x_BCPD, self.gate(self.mlp(self.norm(x_BCPD))))


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
        config: TTMConfig,
        dropout: float,
        patches: int,
        features: int,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        mixers: dict[str, nn.Module] = {}
        if channels is not None:
            mixers["channel"] = ChannelMixer(config, dropout, channels, features)
        if patches > 1:
            mixers["patch"] = PatchMixer(config, dropout, patches, features)
        mixers["feature"] = FeatureMixer(config, dropout, features, features)
        self.mixers = nn.ModuleDict(mixers)

    def forward(self, x_BCPD: Tensor) -> Tensor:
        for mixer in self.mixers.values():
            x_BCPD = mixer(x_BCPD)
        return x_BCPD
