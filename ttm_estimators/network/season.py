"""Cycles of a history, found by how well it repeats itself, and their continuation (ours).

A mixer of a million parameters smears a pattern that it has to carry through its features. Here
the latest cycles are laid into the future as they are, and the head decides what to make of them.

Shape suffixes: B batch, C channels, N series (B times C), T time, G lags, H horizon, P periods,
K continuations, F features.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
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

CONTINUATIONS = 5
"""Ways in which they are continued."""

FEATURES = 3
"""Numbers that tell how well a cycle repeats."""

AVERAGED = 4
"""Latest repetitions of a cycle that are averaged."""

ALIKE = 1e-3
"""Falls that differ by less than about this are taken to be the same."""

CLOSE = 0.25
"""A short cycle counts when it gains at least all but this share of what the best one gains."""

CLEARLY = 0.7
"""A cycle of points beyond the context is taken when its fall is below this share of that of the
cycle within, in the context or in the whole of the history, and its squared error in the context
below this share of ``UNRELATED``."""

UNRELATED = 2.0
"""Mean squared difference of two points of a context that have nothing to do with each other."""


class Seasons(NamedTuple):
    """Cycles of a history: the one that repeats best, a shorter one that is nearly as good, and the
    one of the calendar that repeats best.

    A smooth series repeats by chance at some long lag or other, but hardly at a few given ones:
    what repeats after a week is to be trusted more.
    """

    ahead_BCKH: Tensor
    """The cycles laid into the future: the best as it was last, the short one as its average, the
    best as its average, that of the calendar as it was last and as its average."""

    repetition_BCS: Tensor
    """How well each repeats, S = P * F numbers: its squared error as a share of the largest at
    shorter lags (1: no cycle), the root of its squared error, the logarithm of its length."""


@torch.no_grad()
def continue_seasons(
    x_BTC: Tensor, observed_BTC: Tensor, horizon: int, context_length: int
) -> Seasons:
    """Find the cycles of a normalised history and lay the latest of them into the future.

    The best cycle and that of the calendar go on as they were last, and as their averages over the
    last four; the short one as its average. Points before the context may show a cycle that is too
    long to repeat within it, and those that are like the latest cycle are in the averages.

    Parameters
    ----------
    x_BTC : Tensor
        Normalised history, any finite value where nothing was observed.
    observed_BTC : Tensor
        Its mask.
    horizon : int
        Steps ahead.
    context_length : int
        Latest points, in which cycles are looked for first.
    """
    channels = x_BTC.shape[2]
    x_NT = rearrange(x_BTC, "b t c -> (b c) t")
    observed_NT = rearrange(observed_BTC, "b t c -> (b c) t")
    context_NT, seen_NT = x_NT[:, -context_length:], observed_NT[:, -context_length:]
    period_NP, repetition_NPF = _periods(*_falls(context_NT, seen_NT))
    if x_NT.shape[1] > context_length:
        fall_NG, error_NG = _falls(x_NT, observed_NT)
        long_NP, long_NPF = _periods(fall_NG, error_NG)
        # What repeats in the context by chance, of few pairs, does not in the whole of the history.
        worst_NP = torch.maximum(repetition_NPF[..., 0], fall_NG.gather(1, period_NP - 1))
        # Not by its fall alone: a level that shifted before the context may look like a cycle.
        error_NP = _error_in_context(x_NT, observed_NT, long_NP, context_length)
        better_NP = (long_NPF[..., 0] < CLEARLY * worst_NP) & (error_NP < CLEARLY * UNRELATED)
        better_NP = better_NP & (torch.arange(PERIODS, device=x_NT.device) != SHORT)
        long_NPF[..., 1] = error_NP.sqrt()
        period_NP = torch.where(better_NP, long_NP, period_NP)
        repetition_NPF = torch.where(better_NP[..., None], long_NPF, repetition_NPF)
    best_N1, short_N1, calendar_N1 = torch.split(period_NP, 1, dim=1)
    latest_NH, mean_NH = _latest_and_mean(x_NT, observed_NT, best_N1, horizon, context_length)
    _, short_NH = _latest_and_mean(context_NT, seen_NT, short_N1, horizon, context_length)
    of_calendar = _latest_and_mean(x_NT, observed_NT, calendar_N1, horizon, context_length)
    ahead_NKH = torch.stack([latest_NH, short_NH, mean_NH, *of_calendar], dim=1)
    return Seasons(
        rearrange(ahead_NKH, "(b c) k h -> b c k h", c=channels).to(x_BTC.dtype),
        rearrange(repetition_NPF, "(b c) p f -> b c (p f)", c=channels).to(x_BTC.dtype),
    )


def find_periods(x_NT: Tensor, observed_NT: Tensor) -> tuple[Tensor, Tensor]:
    """Find the lengths of the cycles of normalised series.

    The squared difference of a series from itself, a lag earlier, grows with the lag until it falls
    again at the length of a cycle. The best cycle is where it falls deepest under what it had been,
    that of the calendar where it does among the lags of the calendar.

    Parameters
    ----------
    x_NT : Tensor
        Series of shape (N, T), any value where nothing was observed.
    observed_NT : Tensor
        Mask of the same shape.

    Returns
    -------
    tuple of Tensor
        Lags in steps, shape (N, P), and how well they repeat, shape (N, P, F).
    """
    return _periods(*_falls(x_NT, observed_NT))


def _falls(x_NT: Tensor, observed_NT: Tensor) -> tuple[Tensor, Tensor]:
    """Squared difference at every lag, as a share of the largest at shorter ones and as it is."""
    error_NG, counted_NG = _squared_difference(_without_line(x_NT, observed_NT), observed_NT)
    enough_NG = counted_NG >= (counted_NG[:, :1] / 3).clamp(min=4)
    largest_NG = torch.where(enough_NG, error_NG, 0.0).cummax(dim=1).values
    fall_NG = error_NG / largest_NG.clamp(min=1e-6)
    # The fewer pairs there are at a lag, the easier it falls by chance.
    fall_NG = fall_NG * (1 + counted_NG.clamp(min=1).rsqrt())
    return torch.where(enough_NG & (largest_NG > 1e-6), fall_NG, 1.0).clamp(max=1.0), error_NG


def _periods(fall_NG: Tensor, error_NG: Tensor) -> tuple[Tensor, Tensor]:
    """Lags of the cycles and how well they repeat, as :func:`find_periods` returns them."""
    best_N1 = _first_lowest(fall_NG)
    deepest_N1 = fall_NG.gather(1, best_N1)
    close_NG = fall_NG <= deepest_N1 + CLOSE * (1 - deepest_N1)
    # The first lag that is close lies on the way down: the short cycle ends at its bottom.
    short_N1 = _first_bottom(fall_NG, close_NG)
    calendar = [lag - 1 for lag in CALENDAR if lag <= fall_NG.shape[1]] or [0]
    calendar_G = torch.tensor(calendar, device=fall_NG.device)
    calendar_N1 = calendar_G[_first_lowest(fall_NG[:, calendar_G])]
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
    return period_NP, repetition_NPF


def _error_in_context(
    x_NT: Tensor, observed_NT: Tensor, period_NP: Tensor, context_length: int
) -> Tensor:
    """Mean squared difference of the context from a cycle earlier, shape (N, P).

    Infinite where too few points have one.
    """
    length = x_NT.shape[1]
    context_NC, seen_NC = x_NT[:, -context_length:], observed_NT[:, -context_length:]
    step_C = torch.arange(length - context_length, length, device=x_NT.device)
    errors = []
    for period_N1 in torch.split(period_NP, 1, dim=1):
        step_NC = step_C - period_N1
        known_NC = seen_NC & (step_NC >= 0) & observed_NT.gather(1, step_NC.clamp(min=0))
        change_NC = torch.where(known_NC, context_NC - x_NT.gather(1, step_NC.clamp(min=0)), 0.0)
        count_N1 = known_NC.sum(dim=1, keepdim=True)
        error_N1 = change_NC.square().sum(dim=1, keepdim=True) / count_N1.clamp(min=1)
        enough_N1 = 3 * count_N1 >= seen_NC.sum(dim=1, keepdim=True)
        errors.append(torch.where(enough_N1, error_N1, torch.inf))
    return torch.cat(errors, dim=1)


def _latest_and_mean(
    x_NT: Tensor, observed_NT: Tensor, period_N1: Tensor, horizon: int, context_length: int
) -> tuple[Tensor, Tensor]:
    """The latest cycle, and the mean of the latest four, both of shape (N, H).

    Of cycles before the context only those like the latest are in the mean.
    """
    length = x_NT.shape[1]
    phase_NH = torch.arange(horizon, device=x_NT.device) % period_N1

    def cycle(number: int) -> tuple[Tensor, Tensor, Tensor]:
        step_NH = length - number * period_N1 + phase_NH
        known_NH = (step_NH >= 0) & observed_NT.gather(1, step_NH.clamp(min=0))
        value_NH = torch.where(known_NH, x_NT.gather(1, step_NH.clamp(min=0)), 0.0)
        return step_NH, known_NH, value_NH

    _, seen_NH, latest_NH = cycle(1)
    total_NH, count_NH = latest_NH, seen_NH.to(x_NT.dtype)
    for number in range(2, AVERAGED + 1):
        step_NH, known_NH, value_NH = cycle(number)
        if length > context_length:
            both_NH = known_NH & seen_NH
            change_NH = torch.where(both_NH, value_NH - latest_NH, 0.0)
            error_N1 = change_NH.square().sum(1, True) / both_NH.sum(1, True).clamp(min=1)
            alike_N1 = error_N1 < CLEARLY * UNRELATED
            known_NH = known_NH & (alike_N1 | (step_NH >= length - context_length))
        total_NH = total_NH + torch.where(known_NH, value_NH, 0.0)
        count_NH = count_NH + known_NH
    return latest_NH, total_NH / count_NH.clamp(min=1)


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

    # float64: the rounding of a batch must not decide between lags that are alike
    value_NT = x_NT.double()
    value = torch.fft.rfft(value_NT, n=padded)
    # The compiler does not take a branch that depends on values.
    if not torch.compiler.is_compiling() and bool(observed_NT.all()):
        lag_G = torch.arange(1, lags + 1, device=x_NT.device)
        counted_NG = (length - lag_G).double().expand(len(x_NT), -1)
        # Sums of squares that the earlier and the later points of all pairs have, by difference.
        energy_NT = value_NT.square().cumsum(dim=1)
        squares_NG = energy_NT[:, length - 1 - lag_G] + energy_NT[:, -1:] - energy_NT[:, lag_G - 1]
        total_NG = squares_NG - 2 * at_lags(_product(value, value))
    else:
        mask = torch.fft.rfft(observed_NT.double(), n=padded)
        square = torch.fft.rfft(value_NT.square(), n=padded)
        counted_NG = at_lags(_product(mask, mask)).round()
        total_NG = at_lags(2 * (_product(square, mask) - _product(value, value)))
    error_NG = (total_NG / counted_NG.clamp(min=1)).clamp(min=0)
    return error_NG.to(x_NT.dtype), counted_NG.to(x_NT.dtype)


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
