"""Series held by a floor or a ceiling: solar power, sales, capacities and sensors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    calendar_period,
    heavy_tailed,
    mixture,
    periods,
    recursion,
    seasonal,
    segments,
    smooth_curve,
    spectral_noise,
)


def saturation(draw: Draw) -> Tensor:
    """Solar power, sales with stock-outs, or any seasonal series cut at a floor or ceiling."""
    return mixture(draw, KINDS)


def solar(draw: Draw) -> Tensor:
    """Zero at night, the height of the sun by day and year, dimmed by clouds, in part clipped."""
    day = draw.time() / calendar_period(draw, 24.0, 48.0, 96.0, 144.0, 288.0)
    year = day / 365.25 + draw.uniform(0.0, 1.0)
    latitude = draw.uniform(-1.0, 1.0)
    declination = -0.41 * torch.cos(2 * torch.pi * year)
    hour = torch.cos(2 * torch.pi * (day + draw.uniform(0.0, 1.0)))
    height = torch.sin(latitude) * torch.sin(declination)
    height = (height + torch.cos(latitude) * torch.cos(declination) * hour).clamp(min=0.0)
    # Some days are dull from morning to evening, on others clouds come and go.
    overcast = draw.normal(draw.length)
    overcast = recursion(draw.uniform(0.0, 0.7), overcast)
    overcast = overcast.gather(1, day.long().expand_as(overcast) % draw.length)
    passing = spectral_noise(draw, draw.uniform(0.5, 1.5))
    cloudiness = overcast * draw.uniform(0.0, 1.5) + passing * draw.uniform(0.0, 1.0)
    power = height.pow(draw.uniform(1.0, 1.5)) * torch.sigmoid(1.5 + cloudiness)
    limit = torch.where(draw.chance(0.2), draw.uniform(0.5, 0.8), torch.ones_like(latitude))
    return torch.minimum(power, limit)


def sales(draw: Draw) -> Tensor:
    """Demand with a season that cannot fall below zero, with promotions and empty shelves."""
    period, _ = periods(draw)
    season = seasonal(draw, period) * draw.uniform(0.1, 0.8)
    demand = draw.uniform(0.0, 1.5) + season + 0.5 * smooth_curve(draw, 5)
    demand = demand + heavy_tailed(draw) * draw.uniform(0.1, 0.8)
    promotion = segments(draw, draw.log_uniform(1.0, 0.1 * draw.length + 2.0)) % 6 == 5
    demand = demand * (1.0 + promotion * draw.uniform(0.0, 2.0) * draw.chance(0.4))
    empty = segments(draw, draw.log_uniform(2.0, 20.0)) % 8 == 7
    series = demand.clamp(min=0.0) * ~(empty & draw.chance(0.5))
    unit = draw.log_uniform(0.02, 0.5)
    return torch.where(draw.chance(0.4), (series / unit).round(), series)


def clipped(draw: Draw) -> Tensor:
    """A season on a wandering level, cut hard at a capacity or bent smoothly towards it."""
    period, _ = periods(draw)
    series = seasonal(draw, period) + spectral_noise(draw, draw.uniform(1.0, 3.0))
    series = series + heavy_tailed(draw) * draw.log_uniform(0.01, 0.5)
    floor = torch.where(draw.chance(0.6), draw.uniform(-1.5, 0.2), -torch.full_like(period, 9.0))
    ceiling = torch.where(draw.chance(0.6), draw.uniform(0.4, 2.0), torch.full_like(period, 9.0))
    hard = torch.minimum(torch.maximum(series, floor), ceiling)
    soft = torch.sigmoid(series * draw.uniform(1.0, 4.0) + draw.normal(1))
    return torch.where(draw.chance(0.65), hard, soft)


KINDS: dict[Callable[[Draw], Tensor], float] = {solar: 0.4, sales: 0.35, clipped: 0.25}
"""Every kind with its fraction."""
