"""Lengths of the cycles of a history, found by how well it repeats itself (ours).

Shape suffixes: N series, T time, G lags, A other axes: lags of the calendar, M cycles
(the three kinds), U features of a cycle.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor

from ttm_estimators.network.seasonal.correlation import squared_difference


class Cycle(IntEnum):
    """The three cycles of a history, in the order of the axis M.

    A random walk repeats by chance at some long lag, but seldom at one of a few given ones: a cycle
    of the calendar can be trusted more.
    """

    BEST = 0  # the lag of the lowest normalised difference
    SHORT = 1  # a shorter lag that is nearly as good
    CALENDAR = 2  # the best among the lags of the calendar


class Repetition(IntEnum):
    """How well a cycle repeats: its features, in the order of the axis U."""

    DIFFERENCE = 0  # normalised difference at its lag, 1 where there is no cycle
    ERROR = 1  # root of the mean squared difference
    LENGTH = 2  # binary logarithm of the lag, over 10


CALENDAR_LAGS = (7, 12, 52, 168, 336, 364, 672, 1008, 1440, 2016)
"""Steps after which a calendar repeats: the week of days and of the usual frequencies from an hour
to five minutes, the year of months, weeks and days, the day of minutes."""

DIFFERENCE_TOLERANCE = 1e-3
"""Normalised differences that lie closer together are taken to be equal."""

MAX_GAIN_LOST_BY_SHORT_CYCLE = 0.25
"""Fraction of the gain of the best cycle, which is 1 less its normalised difference."""

MIN_SQUARED_DIFFERENCE = 1e-6
"""Squared standard deviations of the history below which it is constant."""


MAX_POINTS_AT_ONCE = 2**16
"""Points that are searched together on a CPU: what they become on the way fits its cache, and is
not handed back to the system and cleared again by it (ours)."""

MIN_POINTS_SEARCHED = 128
"""Latest points that are searched, observed or not."""


class Periods(NamedTuple):
    """Lengths of the cycles of series."""

    period_NM: Tensor
    """Steps of each cycle."""

    repetition_NMU: Tensor
    """How well each repeats."""

    difference_NG: Tensor
    """Normalised difference at every lag from 1 on."""


def find_periods(x_NT: Tensor, observed_NT: Tensor) -> Periods:
    """Find the lengths of the cycles of normalised series.

    Where nothing repeats, a length is the shortest lag that is searched.

    Parameters
    ----------
    x_NT : Tensor
        Series of shape (N, T), any finite value where nothing was observed.
    observed_NT : Tensor
        Mask of the same shape.
    """
    length = x_NT.shape[1]
    # The compiler does not take a branch that depends on values.
    if torch.compiler.is_compiling() or x_NT.device.type != "cpu":
        return _find_periods(x_NT, observed_NT, length)
    # Nothing was observed before: no pair begins there.
    first = min(int(observed_NT.any(dim=0).int().argmax()), max(0, length - MIN_POINTS_SEARCHED))
    rows = max(1, MAX_POINTS_AT_ONCE // (length - first))
    parts = [
        _find_periods(x_NT[row : row + rows, first:], observed_NT[row : row + rows, first:], length)
        for row in range(0, len(x_NT), rows)
    ]
    return Periods(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _find_periods(x_NT: Tensor, observed_NT: Tensor, length: int) -> Periods:
    """Find periods in the latest T of ``length`` points, before which nothing was observed."""
    # float64: rounding, which batch and scale change, must not decide between equal lags.
    detrended_NT = _detrended(x_NT.double(), observed_NT, length)
    lags = max(1, min(2 * length // 3, x_NT.shape[1] - 1))
    error_NG, pairs_NG = _squared_difference(detrended_NT, observed_NT, lags)
    difference_NG = normalised_difference(error_NG, pairs_NG)
    best_N1 = _first_lowest(difference_NG)
    lowest_N1 = difference_NG.gather(1, best_N1)
    low_NG = difference_NG <= lowest_N1 + MAX_GAIN_LOST_BY_SHORT_CYCLE * (1 - lowest_N1)
    # The first low lag lies on the way down: the short cycle is the minimum that follows.
    short_N1 = _first_minimum(difference_NG, low_NG)
    calendar = [lag - 1 for lag in CALENDAR_LAGS if lag <= lags] or [0]
    index_A = torch.tensor(calendar, device=difference_NG.device)
    calendar_N1 = index_A[_first_lowest(difference_NG[:, index_A])]
    index_NM = torch.cat([best_N1, short_N1, calendar_N1], dim=1)
    period_NM = index_NM + 1
    repetition_NMU = torch.stack(
        [
            difference_NG.gather(1, index_NM),
            error_NG.gather(1, index_NM).clamp(min=0).sqrt(),
            period_NM.to(difference_NG.dtype).log2() / 10,
        ],
        dim=-1,
    )
    return Periods(period_NM, repetition_NMU, difference_NG)


def normalised_difference(error_NG: Tensor, pairs_NG: Tensor) -> Tensor:
    """Mean squared difference at every lag over the largest at shorter lags, (N, G), at most 1.

    Close to the cumulative mean normalised difference of YIN (de Cheveigné and Kawahara 2002, step
    3), which divides by the mean over shorter lags. That mean stays small where a series moves
    slowly, so the largest is taken here. It is also raised where pairs are few, and 1 where they
    are too few.

    Parameters
    ----------
    error_NG : Tensor
        Mean squared difference at lags from 1 on.
    pairs_NG : Tensor
        Pairs of observed points that each is the mean of.
    """
    enough_NG = pairs_NG >= (pairs_NG[:, :1] / 3).clamp(min=4)
    largest_NG = torch.where(enough_NG, error_NG, 0.0).cummax(dim=1).values
    known_NG = enough_NG & (largest_NG > MIN_SQUARED_DIFFERENCE)
    difference_NG = error_NG / largest_NG.clamp_(min=MIN_SQUARED_DIFFERENCE)
    # The fewer pairs a mean has, the smaller it is by chance.
    difference_NG = difference_NG.mul_(1 + pairs_NG.clamp(min=1).rsqrt())
    return torch.where(known_NG, difference_NG, 1.0).clamp_(max=1.0)


def _detrended(x_NT: Tensor, observed_NT: Tensor, length: int) -> Tensor:
    """Subtract the line of least squares, and set unobserved points to 0."""
    # Of series without gaps all have the weights of the first.
    weight_NT = (observed_NT[:1] if _no_gaps(observed_NT) else observed_NT).to(x_NT.dtype)
    x_NT = x_NT * weight_NT
    time_T = torch.linspace(-1.0, 1.0, length, device=x_NT.device, dtype=x_NT.dtype)
    time_T = time_T[-x_NT.shape[1] :]
    power_TA = torch.stack([torch.ones_like(time_T), time_T, time_T.square()], dim=1)
    count_N1, time_N1, square_N1 = torch.unbind((weight_NT @ power_TA)[..., None], dim=1)
    total_N1, product_N1 = torch.unbind((x_NT @ power_TA[:, :2])[..., None], dim=1)
    mean_N1, middle_N1 = total_N1 / count_N1.clamp(min=1), time_N1 / count_N1.clamp(min=1)
    slope_N1 = (product_N1 - middle_N1 * total_N1) / (square_N1 - middle_N1 * time_N1).clamp(
        min=1e-6
    )
    line_NA = torch.cat([mean_N1 - slope_N1 * middle_N1, slope_N1], dim=1)
    return torch.addmm(x_NT, line_NA, power_TA[:, :2].T, alpha=-1).mul_(weight_NT)


def _squared_difference(x_NT: Tensor, observed_NT: Tensor, lags: int) -> tuple[Tensor, Tensor]:
    """Mean squared difference at lags from 1 on, and the number of its pairs."""
    length = x_NT.shape[1]
    # Padded, so that no lag wraps around, to a multiple that a Fourier transform is fast at.
    padded = -(-(length + lags) // 128) * 128

    def at_lags(spectrum: Tensor) -> Tensor:
        return torch.fft.irfft(spectrum, n=padded)[:, 1 : lags + 1]

    # torch 2.6 can not tell an export from a compilation, for which this is as right, and slower.
    if getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)():
        total_NG, pairs_NG = squared_difference(x_NT, observed_NT, lags)
        return (total_NG / pairs_NG.clamp(min=1)).clamp(min=0), pairs_NG
    value = torch.fft.rfft(x_NT, n=padded)
    if _no_gaps(observed_NT):
        lag_G = torch.arange(1, lags + 1, device=x_NT.device)
        pairs_NG = (length - lag_G).double()[None]  # the same for all series
        # Sums of squares of the earlier and of the later points of all pairs.
        energy_NT = x_NT.square().cumsum(dim=1)
        earlier_NG = energy_NT[:, length - 1 - lags : length - 1].flip(1)
        squares_NG = earlier_NG.add_(energy_NT[:, -1:]).sub_(energy_NT[:, :lags])
        total_NG = squares_NG.sub_(at_lags(_product(value, value)), alpha=2)
    else:
        mask = torch.fft.rfft(observed_NT.double(), n=padded)
        square = torch.fft.rfft(x_NT.square(), n=padded)
        pairs_NG = at_lags(_product(mask, mask)).round()
        total_NG = at_lags(2 * (_product(square, mask) - _product(value, value)))
    error_NG = (total_NG / pairs_NG.clamp(min=1)).clamp_(min=0)
    return error_NG, pairs_NG


def _no_gaps(observed_NT: Tensor) -> bool:
    """Whether all is known to be observed. The compiler takes no branch that depends on values."""
    return not torch.compiler.is_compiling() and bool(observed_NT.all())


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Real part of a spectrum times the conjugate of another."""
    return (a.real * b.real).addcmul_(a.imag, b.imag)


def _first_minimum(difference_NG: Tensor, low_NG: Tensor) -> Tensor:
    """Index of the lowest point in the first run of low lags, shape (N, 1)."""
    begun_NG = low_NG.cumsum(dim=1) > 0
    ended_NG = (begun_NG & ~low_NG).cumsum(dim=1) > 0
    return _first_lowest(torch.where(begun_NG & ~ended_NG, difference_NG, 2.0))


def _first_lowest(difference_NG: Tensor) -> Tensor:
    """Index of the lowest point, the first of equal ones, shape (N, 1).

    A wave repeats at every multiple of its period. Without a tolerance rounding would choose one,
    and the forecast could change with the scale of the series.
    """
    index_G = torch.arange(
        difference_NG.shape[1], device=difference_NG.device, dtype=difference_NG.dtype
    )
    rank_NG = (difference_NG / DIFFERENCE_TOLERANCE).round_().add_(index_G / (2 * len(index_G)))
    return rank_NG.argmin(dim=1, keepdim=True)
