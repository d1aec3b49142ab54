"""Ornstein-Uhlenbeck processes whose level, speed and size of shocks switch with a regime."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    held,
    periods,
    recursion,
    seasonal,
    segments,
)


def ornstein_uhlenbeck(draw: Draw) -> Tensor:
    """Reversion to a level that jumps at random moments, fast or slow by turns, plus a season.

    The process is exact at whole steps: x[t] = μ + (x[t-1] - μ) exp(-θ) + σ √(1 - exp(-2θ)) z.
    """
    regime = segments(draw, draw.log_uniform(0.5, 12.0))
    other = (regime % 2).bool() & draw.chance(0.7)
    slowest = max(4.0, 0.2 * draw.length)
    speed = torch.where(other, draw.log_uniform(1 / slowest, 1.0), draw.log_uniform(1 / slowest, 1))
    shock = torch.where(other, draw.log_uniform(0.2, 3.0), torch.ones_like(speed))
    level = held(draw, regime) * draw.log_uniform(0.5, 5.0)
    gain = torch.exp(-speed)
    shocks = shock * (1.0 - gain.square()).sqrt() * draw.normal(draw.length)
    start = level[:, :1] + draw.normal(1)
    rest = (1.0 - gain) * level + shocks
    series = recursion(gain, torch.cat((start, rest[:, 1:]), dim=-1))
    first, _ = periods(draw)
    return series + seasonal(draw, first) * draw.log_uniform(0.2, 4.0) * draw.chance(0.5)
