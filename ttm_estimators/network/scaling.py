"""Reversible instance normalisation (RevIN) with statistics over observed points only.

Shape suffixes: B batch, T time, C channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

VARIANCE_FLOOR = 1e-5
"""Added to the variance, as published: a constant history stays finite."""

MAX_DEVIATIONS_BEFORE_CONTEXT = 10.0
"""Standard deviations of the context at which points before it are clipped: a level of long ago
must not decide what repeats now (ours)."""


class Scaling(NamedTuple):
    """Location and scale of each channel, both of shape (batch, 1, channels)."""

    loc: Tensor
    scale: Tensor

    @classmethod
    def of(cls, x_BTC: Tensor, observed_BTC: Tensor) -> Scaling:
        """Mean and biased standard deviation of the observed points.

        A channel with nothing observed gets location 0 and scale ``sqrt(1e-5)``. Every series has
        statistics of its own, so no forecast depends on its batch mates.
        """
        weight_BTC = observed_BTC.to(x_BTC.dtype)
        count_B1C = weight_BTC.sum(dim=1, keepdim=True).clamp(min=1)
        loc_B1C = (x_BTC * weight_BTC).sum(dim=1, keepdim=True) / count_B1C
        deviation_BTC = (x_BTC - loc_B1C) * weight_BTC
        variance_B1C = deviation_BTC.square().sum(dim=1, keepdim=True) / count_B1C
        return cls(loc_B1C, torch.sqrt(variance_B1C + VARIANCE_FLOOR))

    def normalise(self, x_BTC: Tensor) -> Tensor:
        """Take values to the normalised scale."""
        return (x_BTC - self.loc) / self.scale

    def denormalise(self, x_BTC: Tensor) -> Tensor:
        """Take normalised values back."""
        return x_BTC * self.scale + self.loc
