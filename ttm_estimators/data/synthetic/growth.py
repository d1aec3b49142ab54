"""Growth: adoption, saturation and decay, alone or one after the other."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, periods, seasonal, spectral_noise

CURVES = 3
"""Most curves of one series."""


def growth(draw: Draw) -> Tensor:
    """One to three growth curves, times a season, times noise that may remember its past."""
    number = draw.uniform(1.0, CURVES + 1.0)
    series = _curve(draw)
    for k in range(1, CURVES):
        series = series + _curve(draw) * draw.log_uniform(0.1, 1.5) * (number >= k + 1)
    series = series + draw.uniform(0.02, 0.6)
    first, second = periods(draw)
    period = torch.where(draw.chance(0.7), first, second)
    season = seasonal(draw, period) * draw.uniform(0.02, 0.4) * draw.chance(0.6)
    noise = spectral_noise(draw, draw.uniform(0.0, 2.0)) * draw.log_uniform(0.01, 0.3)
    return series * torch.exp(season.clamp(max=2.0) + noise)


def _curve(draw: Draw) -> Tensor:
    """Logistic, Gompertz, exponential, or the adopters per step of a Bass model."""
    # The window may show the beginning, the whole or the end of the story.
    centre, width = draw.uniform(-0.3, 1.2), draw.log_uniform(0.06, 0.5)
    z = (draw.time() / draw.length - centre) / width
    kind = draw.uniform(0.0, 1.0)
    logistic = torch.sigmoid(z)
    gompertz = torch.exp(-torch.exp(-z.clamp(min=-4.0)))
    exponential = torch.exp(draw.uniform(-3.0, 3.0) * draw.time() / draw.length)
    # Bass adoption by imitation, scaled to a peak of one.
    decline = torch.exp(-z.clamp(-20.0, 20.0))
    bass = 4.0 * decline / (1.0 + decline).square()
    rising = torch.where(kind < 0.35, logistic, gompertz)
    rising = torch.where(kind < 0.55, rising, exponential)
    curve = torch.where(kind < 0.75, rising, bass)
    return torch.where(draw.chance(0.15) & (kind < 0.55), 1.0 - curve, curve)
