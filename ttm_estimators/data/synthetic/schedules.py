"""Schedules: one long cycle of any shape that no shorter one explains, as of a week of machines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ttm_estimators.data.synthetic.components import (
    Draw,
    heavy_tailed,
    seasonal,
    smooth_curve,
    spectral_noise,
    standardise,
)

CYCLES = (7.0, 12.0, 52.0, 168.0, 168.0, 336.0, 672.0, 1008.0, 1440.0, 2016.0, 2016.0, 2016.0)
"""Steps of a cycle. The longer it is, the less a network meets it elsewhere."""

SHORTEST = 2.2
"""Times that a series holds its cycle, at least."""

POINTS = 512
"""Points of a cycle's shape."""


def schedules(draw: Draw) -> Tensor:
    """A shape repeated with changes of size and level, under noise that may be smooth itself."""
    longest = max(CYCLES[0], draw.length / SHORTEST)
    period_N1 = draw.choice(tuple(steps for steps in CYCLES if steps <= longest))
    series = seasonal(draw, period_N1, _shapes(draw))
    bent = torch.exp(draw.uniform(0.2, 1.2) * series.clamp(-3.0, 2.5))
    series = torch.where(draw.chance(0.4), standardise(bent), series)
    series = series * torch.exp(draw.uniform(0.0, 0.4) * draw.chance(0.5) * smooth_curve(draw, 6))
    wandering = spectral_noise(draw, draw.uniform(0.5, 2.5)) * draw.log_uniform(0.03, 1.0)
    trend = smooth_curve(draw, 3) * draw.log_uniform(0.05, 1.0) * draw.chance(0.5)
    noise = heavy_tailed(draw) * draw.log_uniform(0.003, 0.3) * draw.chance(0.7)
    return series + wandering + trend + noise


def _shapes(draw: Draw) -> Tensor:
    """Smooth to rough shapes that close in a circle, shape (N, POINTS)."""
    order = torch.arange(1, POINTS // 2 + 1, device=draw.device, dtype=torch.float32)
    # From about a day of the week on: the slowest waves need not be the largest.
    slowest = draw.log_uniform(1.0, 10.0)
    amplitude = (order.clamp(min=slowest) / slowest).pow(-draw.uniform(0.7, 2.0))
    spectrum = torch.view_as_complex(draw.normal(len(order), 2)) * amplitude
    spectrum = functional.pad(spectrum, (1, 0))
    return standardise(torch.fft.irfft(spectrum, n=POINTS))
