"""The process that exponential smoothing is optimal for: a walking level, a season and noise.

Shape suffixes: N series.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    heavy_tailed,
    periods,
    seasonal,
    standardise,
)


def local_level(draw: Draw) -> Tensor:
    """Random walks, with drift, season and noise of any size beside their steps (ETS-like)."""
    level = heavy_tailed(draw).cumsum(dim=-1)
    drift = draw.time() * draw.normal(1) * draw.log_uniform(0.01, 0.3) * draw.chance(0.3)
    first_N1, _ = periods(draw)
    season = seasonal(draw, first_N1) * draw.log_uniform(0.3, 30.0) * draw.chance(0.6)
    noise = draw.normal(draw.length) * draw.log_uniform(0.05, 5.0) * draw.chance(0.6)
    series = level + drift + season + noise
    growing = torch.exp(draw.uniform(0.1, 0.6) * standardise(series))
    return torch.where(draw.chance(0.2), growing, series)
