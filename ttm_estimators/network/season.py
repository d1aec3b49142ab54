"""Cycles of a history, laid into the future (ours).

A mixer of a million parameters smears a pattern that it has to carry through its features. Here
the latest cycles are laid into the future as they are, and the head decides what to make of them.

Shape suffixes: B batch, C channels, N series (B times C), T time, G lags, H horizon, P periods,
K continuations, F features, S = P * F.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from ttm_estimators.network.period import ERROR, SHORT, find_periods

CONTINUATIONS = 5
"""Ways in which cycles are continued."""

AVERAGED = 4
"""Latest repetitions of a cycle that are averaged."""

CLEARLY = 0.7
"""A cycle of points beyond the context is taken when its fall is below this share of that of the
cycle within, and its squared error in the context below this share of ``UNRELATED``."""

UNRELATED = 2.0
"""Mean squared difference of two points of a context that have nothing to do with each other."""


class Seasons(NamedTuple):
    """Cycles of a history: the one that repeats best, a shorter one that is nearly as good, and the
    one of the calendar that repeats best.

    A series that wanders repeats by chance at some long lag or other, but seldom at one of a few
    given ones: what repeats after a week is to be trusted more.
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
    long to repeat within it, or that a cycle of few pairs within it was chance. Those of them that
    are like the latest cycle are in the averages.

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
    period_NP, repetition_NPF, _ = find_periods(context_NT, seen_NT)
    if x_NT.shape[1] > context_length:
        long_NP, long_NPF, fall_NG = find_periods(x_NT, observed_NT)
        # Of few pairs a context repeats by chance: such a cycle has to hold in all of the history.
        few_NP = 2 * period_NP > context_length
        whole_NP = torch.where(few_NP, fall_NG.gather(1, period_NP - 1), 0.0)
        worst_NP = torch.maximum(repetition_NPF[..., 0], whole_NP)
        # Not by its fall alone: a level that shifted before the context may look like a cycle.
        error_NP = torch.cat(
            [
                torch.full_like(worst_NP[:, :1], torch.inf)
                if place == SHORT
                else _error_in_context(x_NT, observed_NT, period_N1, context_length)
                for place, period_N1 in enumerate(torch.split(long_NP, 1, dim=1))
            ],
            dim=1,
        )
        better_NP = (long_NPF[..., 0] < CLEARLY * worst_NP) & (error_NP < CLEARLY * UNRELATED)
        long_NPF[..., ERROR] = error_NP.sqrt()
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


def _error_in_context(
    x_NT: Tensor, observed_NT: Tensor, period_N1: Tensor, context_length: int
) -> Tensor:
    """Mean squared difference of the context from a cycle earlier, shape (N, 1).

    Infinite where too few points have one.
    """
    length = x_NT.shape[1]
    step_NC = torch.arange(length - context_length, length, device=x_NT.device) - period_N1
    context_NC, seen_NC = x_NT[:, -context_length:], observed_NT[:, -context_length:]
    known_NC = seen_NC & (step_NC >= 0) & observed_NT.gather(1, step_NC.clamp(min=0))
    change_NC = torch.where(known_NC, context_NC - x_NT.gather(1, step_NC.clamp(min=0)), 0.0)
    count_N1 = known_NC.sum(dim=1, keepdim=True)
    error_N1 = change_NC.square().sum(dim=1, keepdim=True) / count_N1.clamp(min=1)
    enough_N1 = 3 * count_N1 >= seen_NC.sum(dim=1, keepdim=True)
    return torch.where(enough_N1, error_N1, torch.inf)


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
