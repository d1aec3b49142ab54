"""Breaks: level, trend, variance and season change for good at random moments."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    heavy_tailed,
    held,
    periods,
    seasonal,
    segments,
    spectral_noise,
)


def structural_breaks(draw: Draw) -> Tensor:
    """A season and noise on a broken line, each of whose properties some breaks may change."""
    segment = segments(draw, draw.log_uniform(0.7, 5.0))
    first = torch.zeros_like(segment)

    def broken(probability: float) -> Tensor:
        return held(draw, torch.where(draw.chance(probability), segment, first))

    level = broken(0.6) * draw.log_uniform(0.3, 5.0)
    slope = broken(0.5) * draw.log_uniform(0.3, 5.0) * draw.chance(0.5)
    size_of_noise = torch.exp(broken(0.4)) * draw.log_uniform(0.03, 0.7)
    size_of_season = torch.exp(0.7 * broken(0.4)) * draw.chance(0.7)
    period, _ = periods(draw)
    memory = spectral_noise(draw, draw.uniform(0.0, 1.2))
    noise = torch.where(draw.chance(0.5), memory, heavy_tailed(draw))
    trend = slope.cumsum(dim=-1) / draw.length
    return level + trend + size_of_season * seasonal(draw, period) + size_of_noise * noise
