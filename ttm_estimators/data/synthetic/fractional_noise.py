"""Long memory: fractionally integrated noise and its sums."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, periods, seasonal, standardise


def fractional_noise(draw: Draw) -> Tensor:
    """ARFIMA(0, d, 0) noise with d from -0.4 to 0.49, half of it summed once, in part seasonal.

    Its power spectrum is (2 sin(ω / 2))^(-2 d). Twice the length is drawn and half kept: the end of
    the whole would join its beginning.
    """
    memory = draw.uniform(-0.4, 0.49)
    frequency = torch.arange(1, draw.length + 1, device=draw.device) * (torch.pi / draw.length)
    amplitude = torch.exp(-memory * (2.0 * torch.sin(frequency / 2)).log())
    spectrum = torch.view_as_complex(draw.normal(draw.length, 2)) * amplitude
    spectrum = torch.nn.functional.pad(spectrum, (1, 0))
    noise = standardise(torch.fft.irfft(spectrum, n=2 * draw.length)[:, : draw.length])
    # A drift of its own, since the sum of standardised noise would end where it began.
    walk = standardise((noise + draw.normal(1) * draw.length**-0.5).cumsum(dim=-1))
    series = torch.where(draw.chance(0.5), walk, noise)
    first, _ = periods(draw)
    series = series + seasonal(draw, first) * draw.log_uniform(0.1, 3.0) * draw.chance(0.4)
    positive = torch.exp(draw.uniform(0.1, 0.8) * series.clamp(-6.0, 6.0))
    return torch.where(draw.chance(0.2), positive, series)
