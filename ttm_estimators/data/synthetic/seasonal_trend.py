"""Trend with several seasonalities, noise, level shifts and outliers: the bulk of real series.

Shape suffixes: N series.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    heavy_tailed,
    level_shifts,
    periods,
    seasonal,
    smooth_curve,
    spectral_noise,
)


def seasonal_trend(draw: Draw) -> Tensor:
    """Series of trend, one to three seasonalities and noise, additive or multiplicative."""
    short_N1, long_N1 = periods(draw)
    jitter_N1 = 1.0 + 0.05 * draw.normal(1) * draw.chance(0.15)

    first = seasonal(draw, short_N1 * jitter_N1)
    second = seasonal(draw, long_N1)
    first = first * (1.0 + draw.uniform(0.0, 0.8) * draw.chance(0.4) * smooth_curve(draw, 6))
    # Days that differ by the day of the week: the long cycle changes the size of the short one.
    first = first * (1.0 + draw.uniform(0.0, 0.6) * draw.chance(0.4) * second)
    season = first * draw.chance(0.85) + second * draw.log_uniform(0.05, 2.0) * draw.chance(0.5)

    straight = (draw.time() / draw.length - 0.5) * draw.normal(1)
    bent = smooth_curve(draw, 4)
    wandering = spectral_noise(draw, draw.uniform(1.5, 3.0))
    kind = draw.uniform(0.0, 1.0)
    trend = torch.where(kind < 0.35, straight, torch.where(kind < 0.55, bent, wandering))
    trend = trend * draw.log_uniform(0.05, 4.0) * draw.chance(0.75)

    noise = torch.where(
        draw.chance(0.3), spectral_noise(draw, draw.uniform(0.0, 1.2)), heavy_tailed(draw)
    )
    noise = noise * (1.0 + draw.chance(0.25) * 0.7 * season.clamp(-1.4, 3.0))
    quiet = draw.chance(0.35)
    noise = noise * torch.where(quiet, draw.log_uniform(0.003, 0.05), draw.log_uniform(0.05, 1.5))

    shifts = level_shifts(draw, draw.uniform(0.5, 4.0)) * draw.chance(0.12)
    series = trend + season + noise + shifts
    growth = draw.uniform(0.1, 0.9)
    multiplicative = torch.exp(growth * trend.clamp(-4, 4)) * (
        1.0 + draw.uniform(0.1, 0.6) * season + 0.3 * noise
    )
    series = torch.where(draw.chance(0.25), multiplicative, series)
    outlier = draw.chance(0.004, draw.length) * draw.chance(0.1)
    return series + outlier * 4.0 * draw.normal(draw.length)
