"""Changes to windows that make more kinds of series out of those there are.

Every function takes windows of shape (B, T), NaN where missing, and changes some of their rows.
Rows have about mean 0 and standard deviation 1.

Shape suffixes: B batch, T time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ttm_estimators.data.synthetic import Draw
from ttm_estimators.data.synthetic.components import smooth_curve, standardise


def augment(x_BT: Tensor, context_length: int, draw: Draw) -> Tensor:
    """Change windows in all ways of this file, each row by chance in none, one or several.

    Parameters
    ----------
    x_BT : Tensor
        Windows, history and future, in random order.
    context_length : int
        Points of history.
    draw : Draw
        Randomness, of the shape of the windows.

    Returns
    -------
    Tensor
        Windows with about mean 0 and standard deviation 1 in each row.
    """
    x_BT = standardise(x_BT)
    x_BT = mix_up(x_BT, draw)
    x_BT = modulate(x_BT, draw)
    x_BT = flip_sign(x_BT, draw)
    x_BT = censor(x_BT, draw)
    x_BT = spike(x_BT, draw)
    x_BT = quantise(x_BT, draw)
    x_BT = shorten(x_BT, context_length, draw)
    return lose(x_BT, draw)


def mix_up(x_BT: Tensor, draw: Draw, fraction: float = 0.15) -> Tensor:
    """Add another series to a series (TSMixup), where the other is known throughout."""
    partner_BT = x_BT.roll(1, dims=0)
    weight_B1 = draw.uniform(0.2, 0.95)
    both_BT = weight_B1 * x_BT + (1 - weight_B1) * partner_BT
    whole_B1 = partner_BT.isfinite().all(dim=-1, keepdim=True)
    return torch.where(draw.chance(fraction) & whole_B1, both_BT, x_BT)


def modulate(x_BT: Tensor, draw: Draw, fraction: float = 0.08) -> Tensor:
    """Let the size of a series change slowly."""
    change_BT = (draw.uniform(0.1, 0.6) * smooth_curve(draw, 4)).exp()
    return torch.where(draw.chance(fraction), x_BT * change_BT, x_BT)


def flip_sign(x_BT: Tensor, draw: Draw, fraction: float = 0.25) -> Tensor:
    """Turn a series upside down."""
    return torch.where(draw.chance(fraction), -x_BT, x_BT)


def censor(x_BT: Tensor, draw: Draw, fraction: float = 0.05) -> Tensor:
    """Cut a series at a floor or a ceiling, as a sensor or a stock does."""
    limit_B1 = draw.uniform(-0.7, 1.5)
    cut_BT = torch.where(draw.chance(0.5), x_BT.clamp(max=limit_B1), x_BT.clamp(min=-limit_B1))
    return torch.where(draw.chance(fraction), cut_BT, x_BT)


def spike(x_BT: Tensor, draw: Draw, fraction: float = 0.04) -> Tensor:
    """Add rare large values, of one sign or both."""
    size_BT = draw.normal(draw.length) * draw.log_uniform(1.0, 6.0)
    size_BT = torch.where(draw.chance(0.5), size_BT.abs(), size_BT)
    hit_BT = draw.uniform(0.0, 1.0, draw.length) < draw.log_uniform(0.001, 0.02)
    return x_BT + draw.chance(fraction) * hit_BT * size_BT


def quantise(x_BT: Tensor, draw: Draw, fraction: float = 0.06) -> Tensor:
    """Round to steps, as a meter with few digits does."""
    step_B1 = draw.log_uniform(0.02, 0.8)
    return torch.where(draw.chance(fraction), (x_BT / step_B1).round() * step_B1, x_BT)


def shorten(x_BT: Tensor, context_length: int, draw: Draw, fraction: float = 0.15) -> Tensor:
    """Forget the beginning of a history."""
    kept_B1 = draw.log_uniform(8.0, float(max(context_length, 8)))
    forgotten_BT = draw.time() < context_length - kept_B1
    return x_BT.masked_fill(forgotten_BT & draw.chance(fraction), math.nan)


def lose(x_BT: Tensor, draw: Draw, fraction: float = 0.08) -> Tensor:
    """Lose single points of some windows and a block of others."""
    points_BT = draw.uniform(0.0, 1.0, draw.length) < draw.log_uniform(0.005, 0.4)
    start_B1 = draw.uniform(0.0, 1.0) * draw.length
    age_BT = draw.time() - start_B1
    block_BT = (age_BT >= 0) & (age_BT < draw.log_uniform(2.0, 400.0))
    lost_BT = (draw.chance(fraction) & points_BT) | (draw.chance(fraction) & block_BT)
    return x_BT.masked_fill(lost_BT, math.nan)
