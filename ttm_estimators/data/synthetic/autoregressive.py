"""Second-order autoregressions, stationary and integrated."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, standardise


def autoregressive(draw: Draw) -> Tensor:
    """AR(2) series with poles near or far from the unit circle, a third of them integrated.

    The filter is applied in the frequency domain, over twice the length, of which half is kept: the
    end of the whole would join its beginning.
    """
    length = 2 * draw.length
    radius = 1.0 - draw.log_uniform(0.002, 0.9)
    angle = torch.where(
        draw.chance(0.5), 2 * math.pi / draw.log_uniform(4.0, 400.0), torch.zeros_like(radius)
    )
    phi1, phi2 = 2 * radius * torch.cos(angle), -radius.square()
    frequency = torch.arange(draw.length + 1, device=draw.device) * (math.pi / draw.length)
    delay = torch.polar(torch.ones_like(frequency), -frequency)
    response = 1.0 / (1.0 - phi1 * delay - phi2 * delay.square())
    shocks = torch.view_as_complex(draw.normal(draw.length + 1, 2))
    series = standardise(torch.fft.irfft(shocks * response, n=length)[:, draw.length :])
    walk = standardise((series + draw.uniform(-0.1, 0.1)).cumsum(dim=-1))
    return torch.where(draw.chance(0.35), walk, series)
