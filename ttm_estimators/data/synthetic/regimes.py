"""Processes that switch between two regimes of level and volatility."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, level_shifts, seasonal, spectral_noise


def regimes(draw: Draw) -> Tensor:
    """A calm and a wild regime that take turns, with a level and a roughness each."""
    turns = draw.uniform(0.0, 1.0, draw.length) < draw.log_uniform(0.001, 0.05)
    wild = (turns.long().cumsum(dim=-1) % 2).bool()
    calm_noise = spectral_noise(draw, draw.uniform(0.0, 2.0)) * draw.log_uniform(0.05, 0.5)
    wild_noise = spectral_noise(draw, draw.uniform(0.0, 2.0))
    level = draw.normal(1) * 1.5
    series = torch.where(wild, level + wild_noise, calm_noise)
    season = seasonal(draw, draw.choice((7.0, 12.0, 24.0, 48.0, 96.0, 168.0, 288.0)))
    series = series + season * draw.log_uniform(0.1, 2.0) * draw.chance(0.5)
    return series + level_shifts(draw, draw.uniform(0.5, 3.0)) * draw.chance(0.3)
