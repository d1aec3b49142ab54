"""Human calendars: working days and weekends, holidays, paydays, months and quarters.

Shape suffixes: N series, T time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import (
    PROFILE_POINTS,
    Draw,
    calendar_period,
    heavy_tailed,
    mixture,
    profiles,
    seasonal,
    smooth_curve,
    spectral_noise,
)

DAYS_OF_YEAR, DAYS_OF_MONTH = 365.25, 365.25 / 12
DAYS_IN_MONTHS = (31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0)


def calendar(draw: Draw) -> Tensor:
    """What people do by the hour, by the day, or by the week, month and quarter."""
    return mixture(draw, KINDS)


def hourly(draw: Draw) -> Tensor:
    """A profile for working days, another for days off, both larger on some days and in season."""
    steps = calendar_period(draw, 24.0, 24.0, 48.0, 96.0, 144.0, 288.0)
    day = draw.time() / steps + draw.uniform(0.0, 7.0 * 52.0)
    weekday = torch.floor(day).long() % 7
    off = (weekday == 0) | ((weekday == 1) & draw.chance(0.7))
    off = off | (_holidays(draw, day) > 0)
    working, leisure = profiles(draw), profiles(draw)
    # A day off keeps a part of the habits of a working day.
    leisure = working + draw.uniform(0.1, 1.0) * (leisure - working)
    position = ((day % 1.0) * PROFILE_POINTS).long().clamp(max=PROFILE_POINTS - 1)
    shape = torch.where(off, leisure.gather(1, position), working.gather(1, position))
    base = draw.uniform(1.2, 4.0)
    level = torch.where(off, draw.uniform(0.4, 1.1), torch.ones_like(base))
    level = level * _by_index(draw, weekday, 7, draw.uniform(0.0, 0.1))
    year = seasonal(draw, DAYS_OF_YEAR * steps)
    level = level * (1.0 + 0.2 * draw.uniform(0.0, 1.0) * year.clamp(-2.0, 2.0))
    return _finished(draw, level * (base + shape), smallest=0.005)


def daily(draw: Draw) -> Tensor:
    """Weekdays, seasons, holidays with the days before them, paydays and ends of months."""
    day = draw.time() + torch.floor(draw.uniform(0.0, 1461.0))
    level = _by_index(draw, day.long() % 7, 7, draw.log_uniform(0.05, 0.5))
    weekend = (day.long() % 7 < draw.choice((1.0, 2.0, 2.0))) & draw.chance(0.5)
    level = level * torch.where(weekend, draw.uniform(0.0, 1.6), torch.ones_like(level))
    year = seasonal(draw, torch.full_like(level[:, :1], DAYS_OF_YEAR))
    level = level * torch.exp(draw.uniform(0.0, 0.4) * year.clamp(-2.5, 2.5) * draw.chance(0.7))
    day_of_month = day % DAYS_OF_MONTH
    since_payday = (day_of_month - torch.floor(draw.uniform(0.0, 30.0))) % DAYS_OF_MONTH
    payday = torch.exp(-since_payday / draw.log_uniform(0.5, 5.0)) * draw.chance(0.3)
    level = level * (1.0 + draw.uniform(-0.3, 1.0) * payday)
    # Towards the holiday sales rise; on it they fall, or peak.
    rise = draw.uniform(0.0, 1.0) * _holidays(draw, day, draw.log_uniform(1.0, 15.0))
    series = level * (1.0 + rise * draw.chance(0.5))
    closed = torch.where(draw.chance(0.7), draw.uniform(0.0, 0.8), draw.uniform(1.2, 3.0))
    holiday = (_holidays(draw, day) > 0) & draw.chance(0.6)
    return _finished(draw, torch.where(holiday, series * closed, series), smallest=0.02)


def yearly(draw: Draw) -> Tensor:
    """Weeks, months or quarters of a year, each with a size of its own."""
    period = draw.choice((12.0, 12.0, 12.0, 4.0, 4.0, 52.18))
    step = draw.time() + torch.floor(draw.uniform(0.0, 1.0) * 20.0 * period)
    entry = torch.floor(step % period).long()
    own = _by_index(draw, entry, 53, draw.log_uniform(0.03, 0.5))
    smooth = torch.exp(0.3 * draw.uniform(0.0, 1.0) * seasonal(draw, period).clamp(-2.5, 2.5))
    special = torch.floor(draw.uniform(0.0, 1.0) * period).long()
    # A feast that moves stands in this month or the next.
    moves = draw.normal(draw.length).gather(1, (step / period).long() % draw.length) > 0
    feast = entry == (special + (moves & draw.chance(0.5)).long()) % period.round().long()
    size = torch.where(draw.chance(0.3), draw.uniform(0.4, 3.0), torch.ones_like(period))
    days = torch.tensor(DAYS_IN_MONTHS, device=draw.device)[entry % 12] / 30.44
    monthly = (period == 12.0) & draw.chance(0.5)
    series = own * smooth * torch.where(feast, size, torch.ones_like(size))
    return _finished(draw, series * torch.where(monthly, days, torch.ones_like(days)), 0.01)


def _by_index(draw: Draw, index_NT: Tensor, entries: int, spread_N1: Tensor) -> Tensor:
    """A factor near one for each of some entries, rarely far from it."""
    z = draw.normal(entries)
    return torch.exp((spread_N1 * z * (1.0 + 0.5 * z.abs())).clamp(-2.0, 1.5)).gather(1, index_NT)


def _holidays(draw: Draw, day_NT: Tensor, approach_N1: Tensor | None = None) -> Tensor:
    """One to four holidays of a year, fixed or moving from year to year, shape (N, T).

    Returns 1 on the day and 0 elsewhere, or with ``approach_N1`` a rise of so many days before it.
    """
    value = torch.zeros_like(day_NT)
    year = torch.floor(day_NT / DAYS_OF_YEAR)
    for k in range(3):
        date = draw.uniform(0.0, DAYS_OF_YEAR)
        # A lunar calendar runs 10.9 days early every year; others jump within a month.
        drift = torch.where(draw.chance(0.2), draw.choice((-10.9, 9.0)), torch.zeros_like(date))
        until = torch.floor(date + drift * year - day_NT % DAYS_OF_YEAR) % 365.0
        if approach_N1 is None:
            near = (until < draw.choice((1.0, 1.0, 2.0, 7.0))).float()
        else:
            near = torch.exp(-until / approach_N1)
        value = torch.maximum(value, near * (draw.chance(0.6) if k else 1.0))
    return value


def _finished(draw: Draw, level_NT: Tensor, smallest: float) -> Tensor:
    """Add what changes slowly and by chance: growth and noise, both in proportion to the size."""
    walk = spectral_noise(draw, draw.uniform(1.5, 2.5)) * draw.log_uniform(0.02, 0.3)
    trend = smooth_curve(draw, 3) * draw.uniform(0.0, 0.5) * draw.chance(0.5)
    noise = heavy_tailed(draw) * draw.log_uniform(smallest, 0.25)
    return level_NT * torch.exp(walk + trend) * (1.0 + noise).clamp(min=0.0)


KINDS: dict[Callable[[Draw], Tensor], float] = {hourly: 0.4, daily: 0.3, yearly: 0.3}
"""Every resolution with its fraction."""
