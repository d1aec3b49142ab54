"""Cycles of a history, laid into the future (ours).

A mixer of a million parameters smears a pattern that it has to carry through its features. Here
the latest cycles are laid into the future as they are, and the head decides what to make of them.

Shape suffixes: B batch, C channels, N series (B times C), T time, G lags, H horizon, P periods,
K continuations, F features, S = P * F, J = K + 1, W windows, O = J * W, L latest points, R = L + H,
X any.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor

from ttm_estimators.network.period import ERROR, PERIODS, SHORT, find_periods

CONTINUATIONS = 5
"""Ways in which cycles are continued."""

AVERAGED = 4
"""Latest repetitions of a cycle that are averaged."""

WINDOWS = (1, 4, 16, 64)
"""Latest points over which a history is compared with where its cycles would have had it."""

SMOOTHEST = 1e-4
"""Smallest step, in standard deviations of the history, that makes a difference."""

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

    offset_BCO: Tensor
    """How far the latest points lie above each cycle, as it would have been continued to them, and
    above zero, which is no cycle: O = (K + 1) * W means over windows of several lengths. NaN where
    nothing can be compared. What a cycle becomes with its offset is an airline model, no cycle
    with its offset a moving average."""

    roughness_BCW: Tensor
    """Logarithm of the mean absolute step from point to point in these windows."""


@torch.no_grad()
def continue_seasons(
    x_BTC: Tensor,
    observed_BTC: Tensor,
    horizon: int,
    context_length: int,
    compared: int | None = None,
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
    compared : int, optional
        Steps ahead over which a cycle of points before the context is compared with the latest, at
        least ``horizon``, which is the default. The same number for every horizon makes a longer
        forecast begin with the shorter one.
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
    if compared is None or x_NT.shape[1] == context_length:
        compared = horizon
    latest_NPR, mean_NPR = _latest_and_mean(x_NT, observed_NT, period_NP, compared, context_length)
    best, calendar = 0, PERIODS - 1
    around_NKR = torch.stack(
        [
            latest_NPR[:, best],
            mean_NPR[:, SHORT],
            mean_NPR[:, best],
            latest_NPR[:, calendar],
            mean_NPR[:, calendar],
        ],
        dim=1,
    )
    recent = around_NKR.shape[-1] - compared
    ahead_NKH = around_NKR[..., recent : recent + horizon]
    offset_NJW = _offsets(context_NT, seen_NT, around_NKR[..., :recent])
    roughness_NW = _roughness(context_NT, seen_NT)
    return Seasons(
        rearrange(ahead_NKH, "(b c) k h -> b c k h", c=channels).to(x_BTC.dtype),
        rearrange(repetition_NPF, "(b c) p f -> b c (p f)", c=channels).to(x_BTC.dtype),
        rearrange(offset_NJW, "(b c) j w -> b c (j w)", c=channels).to(x_BTC.dtype),
        rearrange(roughness_NW, "(b c) w -> b c w", c=channels).to(x_BTC.dtype),
    )


def _offsets(x_NT: Tensor, observed_NT: Tensor, before_NKL: Tensor) -> Tensor:
    """How far the latest points lie above what was continued to them, and above zero: (N, J, W).

    NaN stands for what could not be continued, and for means of nothing.
    """
    latest = before_NKL.shape[-1]
    x_NL = torch.where(observed_NT[:, -latest:], x_NT[:, -latest:], torch.nan)
    change_NJL = torch.cat([x_NL[:, None] - before_NKL, x_NL[:, None]], dim=1)
    return _window_means(change_NJL)


def _roughness(x_NT: Tensor, observed_NT: Tensor) -> Tensor:
    """Logarithm of the mean absolute step in the latest windows, shape (N, W)."""
    x_NL = torch.where(observed_NT, x_NT, torch.nan)[:, -WINDOWS[-1] - 1 :]
    mean_NW = _window_means(x_NL.diff(dim=1).abs())
    return mean_NW.nan_to_num(1.0).clamp(min=SMOOTHEST).log10()


def _window_means(x_L: Tensor) -> Tensor:
    """Mean over the latest points that are not NaN, for every window, NaN where there is none."""
    known_L = ~x_L.isnan()
    x_L = torch.where(known_L, x_L, 0.0)
    return torch.stack(
        [x_L[..., -w:].sum(dim=-1) / known_L[..., -w:].sum(dim=-1) for w in WINDOWS], dim=-1
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
    # float64, here and below: rounding must not decide
    error_N1 = change_NC.double().square().sum(dim=1, keepdim=True) / count_N1.clamp(min=1)
    enough_N1 = 3 * count_N1 >= seen_NC.sum(dim=1, keepdim=True)
    return torch.where(enough_N1, error_N1, torch.inf)


def _latest_and_mean(
    x_NT: Tensor, observed_NT: Tensor, period_NP: Tensor, horizon: int, context_length: int
) -> tuple[Tensor, Tensor]:
    """The cycles as they were last, and the means of the latest four, both of shape (N, P, R).

    They begin with the latest points, as they would have been continued to from a cycle earlier,
    NaN where nothing was observed, and go on with the future. Of cycles before the context only
    those like the latest are in the mean, and only those like the latest points go on to them. The
    short one is taken from the context alone.
    """
    length = x_NT.shape[1]
    recent = min(WINDOWS[-1], context_length)
    step_R = torch.arange(-recent, horizon, device=x_NT.device)
    ahead_R = step_R >= 0
    phase_NPR = torch.where(ahead_R, step_R % period_NP[..., None], step_R)
    x_NPT = repeat(x_NT, "n t -> n p t", p=PERIODS)
    observed_NPT = repeat(observed_NT, "n t -> n p t", p=PERIODS)
    observed_NPL, x_NPL = observed_NPT[..., -recent:], x_NPT[..., -recent:]
    first_P1 = torch.zeros(PERIODS, 1, device=x_NT.device)
    first_P1[SHORT] = length - context_length

    def cycle(number: int) -> tuple[Tensor, Tensor, Tensor]:
        step_NPR = length - number * period_NP[..., None] + phase_NPR
        place_NPR = step_NPR.clamp(min=0)
        known_NPR = (step_NPR >= first_P1) & observed_NPT.gather(2, place_NPR)
        value_NPR = torch.where(known_NPR, x_NPT.gather(2, place_NPR), 0.0)
        if length == context_length:
            return known_NPR, value_NPR, torch.ones_like(known_NPR)
        within_NPR = step_NPR >= length - context_length
        alike_NP1 = _alike(x_NPL, observed_NPL, value_NPR[..., :recent], known_NPR[..., :recent])
        return known_NPR & (ahead_R | within_NPR | alike_NP1), value_NPR, within_NPR

    seen_NPR, latest_NPR, _ = cycle(1)
    total_NPR, count_NPR = torch.where(seen_NPR, latest_NPR, 0.0), seen_NPR.to(x_NT.dtype)
    for number in range(2, AVERAGED + 1):
        known_NPR, value_NPR, within_NPR = cycle(number)
        if length > context_length:
            known_NPR = known_NPR & (
                within_NPR
                | _alike(
                    latest_NPR[..., recent:],
                    seen_NPR[..., recent:],
                    value_NPR[..., recent:],
                    known_NPR[..., recent:],
                )
            )
        total_NPR = total_NPR + torch.where(known_NPR, value_NPR, 0.0)
        count_NPR = count_NPR + known_NPR
    mean_NPR = total_NPR / count_NPR.clamp(min=1)
    return (
        latest_NPR.masked_fill(~seen_NPR & ~ahead_R, torch.nan),
        mean_NPR.masked_fill((count_NPR == 0) & ~ahead_R, torch.nan),
    )


def _alike(a_X: Tensor, seen_X: Tensor, b_X: Tensor, known_X: Tensor) -> Tensor:
    """Whether two stretches are clearly nearer than unrelated ones, of shape (..., 1)."""
    both_X = seen_X & known_X
    change_X = torch.where(both_X, a_X - b_X, 0.0)
    error_1 = change_X.double().square().sum(-1, True) / both_X.sum(-1, True).clamp(min=1)
    return error_1 < CLEARLY * UNRELATED
