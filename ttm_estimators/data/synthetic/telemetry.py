"""What machines report: load, queues, bursts, leaks that end in a restart, modes of operation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    Draw,
    calendar_period,
    heavy_tailed,
    held,
    mixture,
    recursion,
    seasonal,
    segments,
    spectral_noise,
)


def telemetry(draw: Draw) -> Tensor:
    """One measure of a system, with a heartbeat, jitter, and outages to zero in some series."""
    series = mixture(draw, MEASURES)
    beat = (draw.time() + draw.uniform(0.0, 100.0)) % draw.choice((6.0, 10.0, 12.0, 30.0, 60.0))
    series = series + (beat < 1.0) * draw.uniform(0.2, 2.0) * draw.chance(0.2)
    series = series + heavy_tailed(draw) * draw.log_uniform(0.002, 0.2) * draw.chance(0.7)
    lost = segments(draw, draw.log_uniform(1.0, 30.0)) % 10 == 9
    series = series * ~(lost & draw.chance(0.2))
    unit = draw.log_uniform(0.02, 0.2)
    return torch.where(draw.chance(0.2), (series / unit).round() * unit, series)


def load(draw: Draw) -> Tensor:
    """Users by the time of day; short of capacity, the response grows without proportion."""
    users = draw.uniform(1.0, 4.0) + _day(draw) + 0.3 * spectral_noise(draw, draw.uniform(0, 1.5))
    users = users.clamp(min=0.0)
    busy = (users / draw.uniform(5.0, 8.0)).clamp(max=0.95)
    return torch.where(draw.chance(0.3), busy / (1.0 - busy), users)


def queue(draw: Draw) -> Tensor:
    """Work that waits: arrivals less capacity, never below zero (Lindley's recursion)."""
    surplus = _day(draw) * draw.uniform(0.0, 1.5) + draw.normal(draw.length)
    walk = (surplus - draw.log_uniform(0.05, 1.5)).cumsum(dim=-1)
    return 0.3 * (walk - walk.cummin(dim=-1).values)


def bursts(draw: Draw) -> Tensor:
    """Events of very different sizes, each fading away exponentially, in busy hours more often."""
    rate = draw.log_uniform(3.0, 0.15 * draw.length + 4.0) / draw.length
    rate = rate * torch.exp(_day(draw).clamp(-2.0, 1.5) * draw.chance(0.5))
    happens = draw.uniform(0.0, 1.0, draw.length) < rate
    size = torch.exp(draw.uniform(0.1, 1.0) * draw.normal(draw.length))
    gain = torch.exp(-1.0 / draw.log_uniform(0.5, 40.0))
    return draw.uniform(0.0, 1.0) + recursion(gain, happens * size)


def ramps(draw: Draw) -> Tensor:
    """Memory or a tank that fills at a steady pace until it is emptied, at random or when full."""
    moment = draw.uniform(0.0, 1.0, draw.length) < draw.log_uniform(2.0, 20.0) / draw.length
    step = draw.time() + draw.uniform(0.0, 0.2) * draw.length
    since = step - (step * moment).cummax(dim=-1).values
    cycle = draw.log_uniform(6.0, max(8.0, 0.3 * draw.length))
    fill = torch.where(draw.chance(0.5), since / cycle, (step / cycle) % 1.0)
    fill = fill.pow(draw.log_uniform(0.4, 2.0))
    return torch.where(draw.chance(0.7), fill, -fill) * 3.0


def plateaus(draw: Draw) -> Tensor:
    """Modes of operation: a few levels, held, reached at once or gradually."""
    mode = held(draw, segments(draw, draw.log_uniform(2.0, 0.05 * draw.length + 3.0)))
    level = (mode * draw.uniform(0.8, 2.0)).round() + 0.1 * draw.uniform(0.0, 1.0) * mode
    gain = torch.exp(-1.0 / draw.log_uniform(0.2, 20.0))
    return recursion(gain, torch.cat((level[:, :1], (1.0 - gain) * level[:, 1:]), dim=-1))


def _day(draw: Draw) -> Tensor:
    """A profile of the day at samples from ten seconds to an hour apart; days differ in a week."""
    day = calendar_period(draw, 24.0, 96.0, 144.0, 288.0, 288.0, 720.0, 1440.0)
    day = torch.where(draw.chance(0.1), torch.full_like(day, 8640.0), day)
    week = seasonal(draw, 7.0 * day) * draw.uniform(0.0, 0.9) * draw.chance(0.5)
    return seasonal(draw, day) * (1.0 + week) + draw.log_uniform(0.1, 5.0) * week


MEASURES: dict[Callable[[Draw], Tensor], float] = {
    load: 0.3,
    queue: 0.15,
    bursts: 0.25,
    ramps: 0.15,
    plateaus: 0.15,
}
"""Every measure with its fraction."""
