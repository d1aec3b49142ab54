"""Schedules: one long cycle of any shape that no shorter one explains, as of a week of machines.

Shape suffixes: N series.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ttm_estimators.data.synthetic.components import (
    Draw,
    heavy_tailed,
    held,
    seasonal,
    segments,
    smooth_curve,
    spectral_noise,
    standardise,
)

LENGTHS = (7.0, 12.0, 52.0, 168.0, 168.0, 336.0, 672.0, 1008.0, 1440.0, 2016.0, 2016.0, 2016.0)
"""Steps of a cycle. The longer it is, the less a network meets it elsewhere."""

REPETITIONS = 2.2
"""Times that a series holds its cycle, at least, unless it is shorter than a few days."""

POINTS = 512
"""Points of a cycle's shape."""


def schedules(draw: Draw) -> Tensor:
    """A shape repeated with changes of size and level, noise, and floors where nothing happens."""
    longest = max(LENGTHS[0], draw.length / REPETITIONS)
    period_N1 = draw.choice(tuple(steps for steps in LENGTHS if steps <= longest))
    series = seasonal(draw, period_N1, _shapes(draw))
    bent = torch.exp(draw.uniform(0.2, 1.2) * series.clamp(-3.0, 2.5))
    series = torch.where(draw.chance(0.4), standardise(bent), series)
    series = series * torch.exp(draw.uniform(0.0, 0.4) * draw.chance(0.5) * smooth_curve(draw, 6))
    wandering = spectral_noise(draw, draw.uniform(0.5, 2.5)) * draw.log_uniform(0.01, 1.0)
    trend = smooth_curve(draw, 3) * draw.log_uniform(0.05, 1.0) * draw.chance(0.4)
    noise = heavy_tailed(draw) * draw.log_uniform(0.003, 0.3) * draw.chance(0.6)
    series = series + wandering + trend + noise
    # Nights and days off, on which a count of users stands still.
    floor_N1 = draw.uniform(-1.0, 0.4)
    series = torch.where(draw.chance(0.6), series.clamp(min=floor_N1), series)
    unit_N1 = draw.log_uniform(0.02, 0.4)
    series = torch.where(draw.chance(0.3), (series / unit_N1).round() * unit_N1, series)
    return torch.where(draw.chance(0.15), -series, series)


def _shapes(draw: Draw) -> Tensor:
    """Shapes that close in a circle: smooth, rough or in steps, shape (N, POINTS)."""
    order = torch.arange(1, POINTS // 2 + 1, device=draw.device, dtype=torch.float32)
    # Flat up to this order, then falling: days may differ more than halves of a week do.
    slowest = draw.log_uniform(1.0, 10.0)
    amplitude = (order.clamp(min=slowest) / slowest).pow(-draw.uniform(0.7, 2.0))
    spectrum = torch.view_as_complex(draw.normal(len(order), 2)) * amplitude
    smooth = standardise(torch.fft.irfft(functional.pad(spectrum, (1, 0)), n=POINTS))
    circle = Draw(draw.series, POINTS, draw.generator)
    steps = standardise(held(circle, segments(circle, draw.log_uniform(2.0, 40.0))))
    fraction = draw.uniform(0.0, 1.0)
    mixed = standardise(fraction * smooth + (1.0 - fraction) * steps)
    return torch.where(draw.chance(0.5), mixed, smooth)
