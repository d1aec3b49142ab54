"""Draws of stationary Gaussian processes through their spectrum (KernelSynth-like, by FFT)."""

from __future__ import annotations

from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, seasonal, spectral_noise


def gaussian_process(draw: Draw) -> Tensor:
    """Sum of a rough and a smooth process, in part times or plus a periodic one."""
    rough = spectral_noise(draw, draw.uniform(0.0, 2.0))
    smooth = spectral_noise(draw, draw.uniform(2.0, 4.0))
    periodic = seasonal(draw, draw.log_uniform(4.0, 800.0))
    series = smooth + rough * draw.log_uniform(0.02, 1.0)
    product = periodic * (1.0 + 0.5 * smooth)
    return series + draw.chance(0.5) * draw.log_uniform(0.2, 3.0) * product
