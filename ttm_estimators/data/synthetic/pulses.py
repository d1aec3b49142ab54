"""Saw teeth, square waves, daylight curves and recurring or random spikes over a quiet base."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, heavy_tailed, smooth_curve


def pulses(draw: Draw) -> Tensor:
    """One of four sharp periodic shapes, with slow changes of size and a little noise."""
    period = torch.where(
        draw.chance(0.6),
        draw.choice((7.0, 12.0, 24.0, 48.0, 96.0, 144.0, 168.0, 288.0)),
        draw.log_uniform(5.0, 600.0),
    )
    phase = (draw.time() / period + draw.uniform(0.0, 1.0)) % 1.0
    cycle = torch.floor(draw.time() / period)
    duty = draw.uniform(0.05, 0.7)
    saw = torch.where(draw.chance(0.5), phase, 1.0 - phase)
    square = (phase < duty).float()
    daylight = torch.sin(torch.pi * phase / duty) * square
    spike = torch.exp(-phase / (0.1 * duty))
    kind = draw.uniform(0.0, 1.0)
    shape = torch.where(
        kind < 0.2, saw, torch.where(kind < 0.45, square, torch.where(kind < 0.75, daylight, spike))
    )
    # The same size for a whole cycle, so that a cloudy day differs from a bright one.
    noise = draw.normal(draw.length)
    size_of_cycle = noise.gather(1, cycle.long().expand_as(noise) % draw.length)
    size = 1.0 + draw.uniform(0.0, 0.5) * draw.chance(0.5) * size_of_cycle
    size = size * (1.0 + 0.5 * draw.chance(0.4) * smooth_curve(draw, 5))
    return shape * size + heavy_tailed(draw) * draw.log_uniform(0.001, 0.3) * draw.chance(0.7)
