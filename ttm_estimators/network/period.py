"""Lengths of the cycles of a history, found by how well it repeats itself (ours).

Shape suffixes: N series, T time, G lags, K lags of the calendar, P periods, F features.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CALENDAR = (7, 12, 52, 168, 336, 364, 672, 1008, 1440, 2016)
"""Lags at which a calendar repeats: the week of days and at the usual rates from an hour down to
five minutes, the year of months, weeks and days, the day of minutes."""

FOUND = 2
"""Lengths of cycles that are found among all lags: the best and a short one."""

PERIODS = FOUND + 1
"""Those, and that of the calendar."""

SHORT = 1
"""Place of the short one, which is not looked for before the context."""

FEATURES = 3
"""Numbers that tell how well a cycle repeats."""

ERROR = 1
"""Place of the root of the squared error among them."""

ALIKE = 1e-3
"""Falls that differ by less than about this are taken to be the same."""

CLOSE = 0.25
"""A short cycle counts when it gains at least all but this share of what the best one gains."""


class Periods(NamedTuple):
    """Lengths of the cycles of series."""

    period_NP: Tensor
    """Lags in steps: the best, a short one, and that of the calendar."""

    repetition_NPF: Tensor
    """How well each repeats: its squared error as a share of the largest at shorter lags (1: no
    cycle), the root of its squared error, the logarithm of its length."""

    fall_NG: Tensor
    """The first of these for every lag from 1 on."""


def find_periods(x_NT: Tensor, observed_NT: Tensor) -> Periods:
    """Find the lengths of the cycles of normalised series.

    The squared difference of a series from itself, a lag earlier, grows with the lag until it falls
    again at the length of a cycle. The best cycle is where it falls deepest under what it had been,
    that of the calendar where it does among the lags of the calendar. Where nothing repeats, a
    length is the shortest lag that is looked at.

    Parameters
    ----------
    x_NT : Tensor
        Series of shape (N, T), any value where nothing was observed.
    observed_NT : Tensor
        Mask of the same shape.
    """
    # float64: the rounding of a batch, or of a scale, must not decide between lags that are alike
    line_free_NT = _without_line(x_NT.double(), observed_NT)
    error_NG, counted_NG = _squared_difference(line_free_NT, observed_NT)
    fall_NG = _falls(error_NG, counted_NG)
    best_N1 = _first_lowest(fall_NG)
    deepest_N1 = fall_NG.gather(1, best_N1)
    close_NG = fall_NG <= deepest_N1 + CLOSE * (1 - deepest_N1)
    # The first lag that is close lies on the way down: the short cycle ends at its bottom.
    short_N1 = _first_bottom(fall_NG, close_NG)
    lags = [lag - 1 for lag in CALENDAR if lag <= fall_NG.shape[1]] or [0]
    lag_K = torch.tensor(lags, device=fall_NG.device)
    calendar_N1 = lag_K[_first_lowest(fall_NG[:, lag_K])]
    lag_NP = torch.cat([best_N1, short_N1, calendar_N1], dim=1)
    period_NP = lag_NP + 1
    repetition_NPF = torch.stack(
        [
            fall_NG.gather(1, lag_NP),
            error_NG.gather(1, lag_NP).clamp(min=0).sqrt(),
            period_NP.to(fall_NG.dtype).log2() / 10,
        ],
        dim=-1,
    )
    return Periods(period_NP, repetition_NPF, fall_NG)


def _falls(error_NG: Tensor, counted_NG: Tensor) -> Tensor:
    """Squared difference at every lag as a share of the largest at shorter ones, shape (N, G)."""
    enough_NG = counted_NG >= (counted_NG[:, :1] / 3).clamp(min=4)
    largest_NG = torch.where(enough_NG, error_NG, 0.0).cummax(dim=1).values
    fall_NG = error_NG / largest_NG.clamp(min=1e-6)
    # The fewer pairs there are at a lag, the easier it falls by chance.
    fall_NG = fall_NG * (1 + counted_NG.clamp(min=1).rsqrt())
    return torch.where(enough_NG & (largest_NG > 1e-6), fall_NG, 1.0).clamp(max=1.0)


def _without_line(x_NT: Tensor, observed_NT: Tensor) -> Tensor:
    """Take the straight line of least squares out, and set what was not observed to 0."""
    weight_NT = observed_NT.to(x_NT.dtype)
    count_N1 = weight_NT.sum(dim=1, keepdim=True).clamp(min=1)
    time_T = torch.linspace(-1.0, 1.0, x_NT.shape[1], device=x_NT.device, dtype=x_NT.dtype)
    time_NT = time_T - (weight_NT * time_T).sum(dim=1, keepdim=True) / count_N1
    x_NT = x_NT - (weight_NT * x_NT).sum(dim=1, keepdim=True) / count_N1
    slope_N1 = (weight_NT * time_NT * x_NT).sum(dim=1, keepdim=True) / (
        weight_NT * time_NT.square()
    ).sum(dim=1, keepdim=True).clamp(min=1e-6)
    return (x_NT - slope_N1 * time_NT) * weight_NT


def _squared_difference(x_NT: Tensor, observed_NT: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared difference at lags up to two thirds of T, and the pairs it is the mean of."""
    length = x_NT.shape[1]
    lags = max(1, 2 * length // 3)
    # Padded, so that no lag reaches around, to a multiple that a Fourier transform is fast at.
    padded = -(-(length + lags) // 128) * 128

    def at_lags(spectrum: Tensor) -> Tensor:
        return torch.fft.irfft(spectrum, n=padded)[:, 1 : lags + 1]

    value = torch.fft.rfft(x_NT, n=padded)
    # The compiler does not take a branch that depends on values.
    if not torch.compiler.is_compiling() and bool(observed_NT.all()):
        lag_G = torch.arange(1, lags + 1, device=x_NT.device)
        counted_NG = (length - lag_G).double().expand(len(x_NT), -1)
        # Sums of squares that the earlier and the later points of all pairs have, by difference.
        energy_NT = x_NT.square().cumsum(dim=1)
        earlier_NG = energy_NT[:, length - 1 - lags : length - 1].flip(1)
        squares_NG = earlier_NG + energy_NT[:, -1:] - energy_NT[:, :lags]
        total_NG = squares_NG - 2 * at_lags(_product(value, value))
    else:
        mask = torch.fft.rfft(observed_NT.double(), n=padded)
        square = torch.fft.rfft(x_NT.square(), n=padded)
        counted_NG = at_lags(_product(mask, mask)).round()
        total_NG = at_lags(2 * (_product(square, mask) - _product(value, value)))
    error_NG = (total_NG / counted_NG.clamp(min=1)).clamp(min=0)
    return error_NG, counted_NG


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Real part of a spectrum times the conjugate of another."""
    return a.real * b.real + a.imag * b.imag


def _first_bottom(fall_NG: Tensor, close_NG: Tensor) -> Tensor:
    """Lag of the lowest point of the first stretch of lags that are close."""
    begun_NG = close_NG.cumsum(dim=1) > 0
    ended_NG = (begun_NG & ~close_NG).cumsum(dim=1) > 0
    return _first_lowest(torch.where(begun_NG & ~ended_NG, fall_NG, 2.0))


def _first_lowest(fall_NG: Tensor) -> Tensor:
    """Lag of the lowest point, the shortest of those that are alike.

    A wave repeats at every multiple of its period. Which of them were lowest, rounding would
    decide, and a forecast could change with the scale of its series.
    """
    lags_G = torch.arange(fall_NG.shape[1], device=fall_NG.device, dtype=fall_NG.dtype)
    return ((fall_NG / ALIKE).round() + lags_G / (2 * len(lags_G))).argmin(dim=1, keepdim=True)
