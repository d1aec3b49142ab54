"""Gaussian processes whose kernels are random sums and products from a bank (KernelSynth-like)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ttm_estimators.data.synthetic.components import (
    PROFILE_POINTS,
    Draw,
    calendar_period,
    mixture,
    seasonal,
    standardise,
)

KERNELS = 4
"""Most kernels of one series."""


def kernel_gaussian_process(draw: Draw) -> Tensor:
    """One to four draws from a bank of kernels, joined one after the other by sum or product.

    A draw is made from the spectrum of its kernel. The product of two draws has the product of
    their kernels as its covariance, though it is no longer Gaussian.
    """
    series = mixture(draw, BANK)
    number = draw.uniform(1.0, KERNELS + 1.0)
    for k in range(1, KERNELS):
        other = mixture(draw, BANK) * draw.log_uniform(0.1, 2.0)
        joined = torch.where(draw.chance(0.65), series + other, series * (1.0 + other))
        series = torch.where(number >= k + 1, standardise(joined), series)
    return series


def radial_basis(draw: Draw) -> Tensor:
    """Smooth at a length scale from a few steps to the whole series: Gaussian spectrum."""
    return _stationary(draw, power=2.0)


def rational_quadratic(draw: Draw) -> Tensor:
    """Many length scales at once: kernel 1 / (1 + (r / l)²), exponential spectrum."""
    return _stationary(draw, power=1.0)


def white(draw: Draw) -> Tensor:
    """Unrelated values."""
    return draw.normal(draw.length)


def linear(draw: Draw) -> Tensor:
    """A straight line through a random point."""
    return (draw.time() / draw.length - draw.uniform(0.0, 1.0)) * 3.0 * draw.normal(1)


def periodic(draw: Draw) -> Tensor:
    """Repetition at a calendar period: kernel exp(-2 sin²(π r / p) / l²).

    The weight of harmonic j, a Bessel function, is near exp(-j² l² / 2).
    """
    order = torch.arange(1, 33, device=draw.device, dtype=torch.float32)
    amplitude = torch.exp(-0.25 * (order * draw.log_uniform(0.1, 1.5)).square())
    spectrum = torch.view_as_complex(draw.normal(32, 2)) * amplitude
    profile = torch.fft.irfft(functional.pad(spectrum, (1, 0)), n=PROFILE_POINTS)
    lengths = (4.0, 7.0, 12.0, 24.0, 30.44, 48.0, 52.18, 60.0, 96.0, 144.0, 168.0, 288.0, 365.25)
    return seasonal(draw, calendar_period(draw, *lengths), standardise(profile))


def _stationary(draw: Draw, power: float) -> Tensor:
    """Noise whose spectrum is exp(-(ω l)^power / 2), from twice the length, half of it kept."""
    frequency = torch.arange(draw.length + 1, device=draw.device) * (torch.pi / draw.length)
    scale = draw.log_uniform(1.0, max(2.0, 0.3 * draw.length))
    amplitude = torch.exp(-0.25 * (frequency * scale).pow(power))
    spectrum = torch.view_as_complex(draw.normal(draw.length + 1, 2)) * amplitude
    return standardise(torch.fft.irfft(spectrum, n=2 * draw.length)[:, : draw.length])


BANK: dict[Callable[[Draw], Tensor], float] = {
    radial_basis: 0.3,
    rational_quadratic: 0.15,
    white: 0.07,
    linear: 0.1,
    periodic: 0.38,
}
"""Every kernel with its fraction of the draws."""
