"""Building blocks of synthetic series: random numbers, curves, noise and seasonal profiles.

Everything is vectorised over series and draws from one generator, so that the same code and seed
give the same series again. Shape suffixes: N series, T time, A other axes (grid points of a curve,
frequencies).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PROFILE_POINTS = 128

MANY_ROWS = 100
"""Rows of a mixture for which it matters little that the fractions of families are rounded."""

CYCLES = (
    (24.0, 168.0),
    (48.0, 336.0),
    (96.0, 672.0),
    (144.0, 1008.0),
    (288.0, 2016.0),
    (12.0, 144.0),
    (7.0, 365.25),
    (7.0, 30.44),
    (52.18, 4.35),
    (12.0, 60.0),
    (4.0, 20.0),
    (5.0, 21.74),
    (60.0, 1440.0),
)
"""Two periods of common calendars, in steps, the more prominent one first."""


@dataclass(frozen=True)
class Draw:
    """A source of random numbers for ``series`` rows of ``length`` steps."""

    series: int
    length: int
    generator: torch.Generator

    @property
    def device(self) -> torch.device:
        """Where the numbers are made."""
        return self.generator.device

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, shape (N, *shape)."""
        return torch.randn(self.series, *shape, generator=self.generator, device=self.device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform numbers, shape (N, *shape), or (N, 1) to be shared by a row."""
        u = torch.rand(self.series, *(shape or (1,)), generator=self.generator, device=self.device)
        return low + (high - low) * u

    def log_uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Numbers whose logarithm is uniform, shape (N, *shape), or (N, 1)."""
        return self.uniform(math.log(low), math.log(high), *shape).exp()

    def chance(self, probability: float, *shape: int) -> Tensor:
        """True with a probability, one decision per row unless a shape is given."""
        return self.uniform(0.0, 1.0, *shape) < probability

    def choice(self, values: tuple[float, ...], *shape: int) -> Tensor:
        """One of some values, shape (N, *shape), or (N, 1)."""
        table = torch.tensor(values, device=self.device)
        index = self.uniform(0.0, len(values), *shape).long().clamp(max=len(values) - 1)
        return table[index]

    def time(self) -> Tensor:
        """Steps 0 … T-1, shape (1, T)."""
        return torch.arange(self.length, device=self.device, dtype=torch.float32)[None]


def mixture(draw: Draw, fractions: Mapping[Callable[[Draw], Tensor], float]) -> Tensor:
    """Rows of several families in random order, each family with its fraction, shape (N, T).

    Many rows have every family with its exact fraction, rounded: the same shapes come again, which
    Fourier transforms on a GPU need. Of few rows the fractions hold on average, as where one family
    ends and the next begins is shifted at random.
    """
    shift = 0.5
    if draw.series < MANY_ROWS:
        shift = float(torch.rand((), generator=draw.generator, device=draw.device))
    parts, start, total = [], 0, 0.0
    for family, fraction in fractions.items():
        total += fraction
        end = min(draw.series, int(draw.series * total + shift + 1e-6))
        if end > start:
            parts.append(family(Draw(end - start, draw.length, draw.generator)))
        start = end
    order = torch.randperm(draw.series, generator=draw.generator, device=draw.device)
    return torch.cat(parts)[order]


def standardise(x_NT: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 of each row, NaN left out; a constant row becomes 0."""
    centred_NT = x_NT - x_NT.nanmean(dim=-1, keepdim=True)
    deviation_N1 = centred_NT.square().nanmean(dim=-1, keepdim=True).sqrt()
    return centred_NT / deviation_N1.clamp(min=1e-6)


def smooth_curve(draw: Draw, knots: int) -> Tensor:
    """Random numbers at evenly spaced knots, joined by straight lines, of shape (N, T)."""
    knots_N1A = draw.normal(1, knots)
    return functional.interpolate(
        knots_N1A, size=draw.length, mode="linear", align_corners=True
    ).squeeze(1)


def spectral_noise(draw: Draw, exponent_N1: Tensor) -> Tensor:
    """Gaussian noise with power spectrum 1 / f^exponent, unit variance, shape (N, T).

    Exponent 0 is white, 1 pink, 2 like a random walk, 3 and more smooth. Twice the length is drawn
    and half kept: a Fourier sum alone would return to where it began.
    """
    bins = draw.length + 1
    amplitude = torch.arange(1, bins + 1, device=draw.device, dtype=torch.float32).log()
    amplitude_NA = torch.exp(-0.5 * exponent_N1 * amplitude)
    spectrum_NA = torch.view_as_complex(draw.normal(bins, 2)) * amplitude_NA
    return standardise(torch.fft.irfft(spectrum_NA, n=2 * draw.length)[:, : draw.length])


def heavy_tailed(draw: Draw) -> Tensor:
    """White noise whose tails vary by row, from Gaussian to rare large values, shape (N, T)."""
    tail_N1 = draw.uniform(0.0, 0.8) * draw.chance(0.4)
    z_NT = draw.normal(draw.length)
    return z_NT * torch.exp(tail_N1 * (z_NT.abs() - 0.8))


def level_shifts(draw: Draw, rate_N1: Tensor) -> Tensor:
    """Steps of random size at random moments, ``rate_N1`` of them on average, shape (N, T)."""
    happens = draw.uniform(0.0, 1.0, draw.length) < rate_N1 / draw.length
    return (happens * draw.normal(draw.length)).cumsum(dim=-1)


def segments(draw: Draw, changes_N1: Tensor) -> Tensor:
    """Number the parts of a row between so many random moments, whole numbers of shape (N, T)."""
    happens = draw.uniform(0.0, 1.0, draw.length) < changes_N1 / draw.length
    return happens.long().cumsum(dim=-1)


def held(draw: Draw, segment_NT: Tensor) -> Tensor:
    """A standard normal number for each part, held until the next begins, shape (N, T)."""
    return draw.normal(draw.length).gather(1, segment_NT % draw.length)


def recursion(gain_NT: Tensor, input_NT: Tensor) -> Tensor:
    """Solve x[t] = gain[t] x[t-1] + input[t], where x[0] = input[0], for all steps, shape (N, T).

    Gains may differ by step. Pairs of steps are joined, then pairs of pairs, so that a loop of
    log2(T) rounds does it.
    """
    step, gain, x = 1, gain_NT.expand_as(input_NT), input_NT
    while step < x.shape[-1]:
        x = torch.cat((x[:, :step], x[:, step:] + gain[:, step:] * x[:, :-step]), dim=-1)
        gain = torch.cat((gain[:, :step], gain[:, step:] * gain[:, :-step]), dim=-1)
        step *= 2
    return x


def calendar_period(draw: Draw, *lengths: float) -> Tensor:
    """One of some periods, of which a series holds three repetitions or a day, shape (N, 1)."""
    longest = max(24.0, draw.length / 3)
    return draw.choice(tuple(p for p in lengths if p <= longest) or lengths[:1])


def profiles(draw: Draw) -> Tensor:
    """One cycle of a random shape per row, standardised, shape (N, PROFILE_POINTS).

    Smooth shapes are a few harmonics. Others are bent by an exponential (peaks), cut at a floor
    (daylight), or held in blocks (working hours, weekends).
    """
    bins = 25
    order = torch.arange(1, bins + 1, device=draw.device, dtype=torch.float32)
    spectrum = torch.view_as_complex(draw.normal(bins, 2)) * torch.exp(
        -draw.uniform(0.3, 2.5) * order.log()
    )
    spectrum = spectrum * (order <= draw.log_uniform(1.0, bins + 1.0))
    shape = standardise(
        torch.fft.irfft(functional.pad(spectrum, (1, 0)), n=PROFILE_POINTS, norm="forward")
    )
    kind = draw.uniform(0.0, 1.0)
    peaks = torch.exp(shape * draw.uniform(0.5, 1.5))
    floor = shape.clamp(min=0.0)
    edge = draw.uniform(-0.5, 1.0)
    blocks = (shape > edge).float() + 0.1 * shape
    shape = torch.where(kind < 0.2, peaks, shape)
    shape = torch.where((kind >= 0.2) & (kind < 0.32), floor, shape)
    shape = torch.where((kind >= 0.32) & (kind < 0.44), blocks, shape)
    return standardise(shape)


def seasonal(draw: Draw, period_N1: Tensor, profile_NA: Tensor | None = None) -> Tensor:
    """Repeat a profile with a period that need not be whole, shape (N, T)."""
    if profile_NA is None:
        profile_NA = profiles(draw)
    points = profile_NA.shape[-1]
    position = ((draw.time() / period_N1 + draw.uniform(0.0, 1.0)) % 1.0) * points
    left = position.long().clamp(max=points - 1)
    value = profile_NA.gather(1, left)
    following = profile_NA.gather(1, (left + 1) % points)
    return value + (following - value) * (position - left)


def periods(draw: Draw) -> tuple[Tensor, Tensor]:
    """Two periods for each row, in steps, shapes (N, 1): of a common calendar, or of none."""
    # A season is learnt from a few repetitions: short series get short ones.
    longest = max(6.0, draw.length / 5)
    cycles = [cycle for cycle in CYCLES if cycle[0] <= longest]
    index_N = draw.uniform(0.0, len(cycles)).long().clamp(max=len(cycles) - 1).squeeze(1)
    calendar_N2 = torch.tensor(cycles, device=draw.device)[index_N]
    free_N1 = draw.chance(0.35)
    first_N1 = torch.where(free_N1, draw.log_uniform(2.5, min(500.0, longest)), calendar_N2[:, :1])
    second_N1 = torch.where(free_N1, first_N1 * draw.log_uniform(2.0, 12.0), calendar_N2[:, 1:])
    return first_N1, second_N1
