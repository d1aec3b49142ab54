"""Counts and intermittent demand: whole numbers, many of them zero.

Shape suffixes: N series, T time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, seasonal, smooth_curve


def counts(draw: Draw) -> Tensor:
    """Poisson counts of a seasonal, drifting rate, a third of them with demand on few days."""
    season = seasonal(draw, draw.choice((7.0, 12.0, 24.0, 30.44, 48.0, 52.18, 96.0, 168.0)))
    drift = smooth_curve(draw, 5) * draw.uniform(0.0, 0.6)
    log_rate = draw.log_uniform(0.05, 200.0).log() + drift + season * draw.uniform(0.0, 0.7)
    rate = torch.exp(log_rate.clamp(max=9.0))
    # A Poisson number by its normal approximation where it is good, by thresholds where it is not:
    # torch.poisson is an order of magnitude slower.
    u = draw.uniform(0.0, 1.0, draw.length)
    few = sum_of_thresholds(rate, u)
    many = torch.round(rate + rate.sqrt() * draw.normal(draw.length)).clamp(min=0.0)
    series = torch.where(rate < 4.0, few, many)
    demand = draw.uniform(0.0, 1.0, draw.length) < draw.log_uniform(0.03, 0.8)
    return torch.where(draw.chance(0.35), series * demand, series)


def sum_of_thresholds(rate_NT: Tensor, u_NT: Tensor, largest: int = 12) -> Tensor:
    """Invert the Poisson distribution function: how many of its steps lie below ``u``."""
    probability = torch.exp(-rate_NT)
    cumulative = probability
    number = (u_NT > cumulative).float()
    for k in range(1, largest):
        probability = probability * rate_NT / k
        cumulative = cumulative + probability
        number = number + (u_NT > cumulative)
    return number
