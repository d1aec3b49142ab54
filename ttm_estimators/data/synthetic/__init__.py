"""Synthetic priors: random series that look like what people forecast, made as fast as read.

Every family is a function of its own file that turns a :class:`Draw` into series of shape
(series, length).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.autoregressive import autoregressive
from ttm_estimators.data.synthetic.components import Draw
from ttm_estimators.data.synthetic.counts import counts
from ttm_estimators.data.synthetic.gaussian_process import gaussian_process
from ttm_estimators.data.synthetic.local_level import local_level
from ttm_estimators.data.synthetic.pulses import pulses
from ttm_estimators.data.synthetic.regimes import regimes
from ttm_estimators.data.synthetic.seasonal_trend import seasonal_trend

Family = Callable[[Draw], Tensor]

FAMILIES: dict[Family, float] = {
    seasonal_trend: 0.38,
    local_level: 0.20,
    gaussian_process: 0.10,
    autoregressive: 0.10,
    regimes: 0.07,
    counts: 0.08,
    pulses: 0.07,
}
"""Every family with its share of a sample."""


def sample(series: int, length: int, generator: torch.Generator) -> Tensor:
    """Draw series from all families, interleaved at random.

    Parameters
    ----------
    series, length : int
        Shape of the result.
    generator : torch.Generator
        Source of randomness; its device makes the series.

    Returns
    -------
    Tensor
        Finite values of shape (series, length). Their scale carries no meaning.
    """
    ends = [round(series * sum(list(FAMILIES.values())[: k + 1])) for k in range(len(FAMILIES))]
    parts, start = [], 0
    for family, end in zip(FAMILIES, ends, strict=True):
        if end > start:
            parts.append(family(Draw(end - start, length, generator)))
        start = end
    order = torch.randperm(series, generator=generator, device=generator.device)
    return torch.cat(parts)[order]


__all__ = ["FAMILIES", "Draw", "Family", "sample"]
