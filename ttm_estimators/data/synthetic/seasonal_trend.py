"""Trend with several seasonalities, noise, level shifts and outliers: the bulk of real series."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    heavy_tailed,
    level_shifts,
    seasonal,
    smooth_curve,
    spectral_noise,
)

CYCLES = (
    (24.0, 168.0),
    (48.0, 336.0),
    (96.0, 672.0),
    (144.0, 1008.0),
    (288.0, 2016.0),
    (12.0, 144.0),
    (7.0, 365.25),
    (7.0, 30.44),
    (52.18, 4.35),
    (12.0, 60.0),
    (4.0, 20.0),
    (5.0, 21.74),
    (60.0, 1440.0),
)
"""Two periods of common calendars, in steps, the more prominent one first."""


def seasonal_trend(draw: Draw) -> Tensor:
    """Series of trend, one to three seasonalities and noise, additive or multiplicative."""
    # A season is learnt from a few repetitions: short series get short ones.
    longest = max(6.0, draw.length / 5)
    cycles = [cycle for cycle in CYCLES if cycle[0] <= longest]
    index_N = draw.uniform(0.0, len(cycles)).long().clamp(max=len(cycles) - 1).squeeze(1)
    calendar_N2 = torch.tensor(cycles, device=draw.device)[index_N]
    free_N1 = draw.chance(0.35)
    short_N1 = torch.where(free_N1, draw.log_uniform(2.5, min(500.0, longest)), calendar_N2[:, :1])
    long_N1 = torch.where(free_N1, short_N1 * draw.log_uniform(2.0, 12.0), calendar_N2[:, 1:])
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
