"""Seasonal naive forecasts: the latest cycles of a history, repeated (ours).

A mixer of a million parameters smears a pattern that passes through its features. Here cycles are
copied to the future unchanged, and the head decides how much of each to use.

Shape suffixes: B batch, C channels, N series (B times C), T time, G lags, H horizon, M cycles (the
three kinds), U features of a cycle, Y seasonal naive forecasts, J forecasts (Y + 1: those, and
the one without a cycle, which is zero), W window lengths, S steps before the horizon, A other axes:
S + H.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from ttm_estimators.network.seasonal.periods import Cycle, Repetition, find_periods

SEASONAL_NAIVE = (
    (Cycle.BEST, "latest"),
    (Cycle.SHORT, "mean"),
    (Cycle.BEST, "mean"),
    (Cycle.CALENDAR, "latest"),
    (Cycle.CALENDAR, "mean"),
)
"""What is repeated, in the order of the axis Y: the latest cycle, or the mean of several."""

CYCLES_AVERAGED = 4
"""Latest cycles that a mean is over."""

WINDOW_LENGTHS = (1, 4, 16, 64)
"""Latest steps over which a history is compared with its seasonal naive forecasts."""

MIN_MEAN_STEP = 1e-4
"""Standard deviations of the context below which a series is as smooth as can be."""

MAX_DIFFERENCE_RATIO = 0.7
"""A cycle of the whole history replaces that of the context where its normalised difference is
below this fraction of the other's."""

MAX_SQUARED_DIFFERENCE_OF_A_CYCLE = 0.7 * 2.0
"""Squared standard deviations of the context. Two independent points of it differ by 2.0."""


class SeasonalForecasts(NamedTuple):
    """Seasonal naive forecasts of a history, and what tells how good they are."""

    forecast_BCYH: Tensor
    """The forecasts."""

    repetition_BCMU: Tensor
    """How well each cycle repeats."""

    offset_BCJW: Tensor
    """Mean of the latest points less each forecast of them from a cycle earlier, over windows of
    several lengths, NaN where nothing can be compared. A forecast plus its offset is a
    level-corrected seasonal naive forecast; zero plus its offset is a mean of the latest points."""

    roughness_BCW: Tensor
    """Decimal logarithm of the mean absolute step from point to point in these windows."""


@torch.no_grad()
def seasonal_naive_forecasts(
    x_BTC: Tensor,
    observed_BTC: Tensor,
    horizon: int,
    context_length: int,
    compared: int | None = None,
) -> SeasonalForecasts:
    """Find the cycles of a normalised history and repeat the latest of them.

    Points before the context serve three ends: they can show a cycle that is too long to repeat
    within it; they can refute one that has few pairs within it; and those of them that are like the
    latest cycle are in the means.

    Parameters
    ----------
    x_BTC : Tensor
        Normalised history, any finite value where nothing was observed.
    observed_BTC : Tensor
        Its mask.
    horizon : int
        Future steps.
    context_length : int
        Latest points, in which cycles are searched first.
    compared : int, optional
        Future steps over which a cycle before the context is compared with the latest one, at least
        ``horizon``, which is the default. One number for all horizons makes a longer forecast begin
        with the shorter one.
    """
    channels = x_BTC.shape[2]
    x_NT = rearrange(x_BTC, "b t c -> (b c) t")
    observed_NT = rearrange(observed_BTC, "b t c -> (b c) t")
    period_NM, repetition_NMU = _cycles(x_NT, observed_NT, context_length)
    if compared is None or x_NT.shape[1] == context_length:
        compared = horizon
    x_NT = torch.where(observed_NT, x_NT, torch.nan)
    repeated = _repeated(x_NT, period_NM, horizon, compared, context_length)
    forecast_NYA = torch.stack([repeated[kind][:, cycle] for cycle, kind in SEASONAL_NAIVE], dim=1)
    steps = forecast_NYA.shape[-1] - horizon
    x_NT = x_NT[:, -context_length:]
    x_N1S = x_NT[:, None, -steps:]
    offset_NJW = _window_means(torch.cat([x_N1S - forecast_NYA[..., :steps], x_N1S], dim=1))
    mean_step_NW = _window_means(x_NT[:, -WINDOW_LENGTHS[-1] - 1 :].diff(dim=1).abs())
    roughness_NW = mean_step_NW.nan_to_num(1.0).clamp(min=MIN_MEAN_STEP).log10()
    forecast_NYH = forecast_NYA[..., steps:]
    return SeasonalForecasts(
        *(
            rearrange(one, "(b c) ... -> b c ...", c=channels).to(x_BTC.dtype)
            for one in (forecast_NYH, repetition_NMU, offset_NJW, roughness_NW)
        )
    )


def _cycles(x_NT: Tensor, observed_NT: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    """Lengths of the cycles, of the context or of the whole history, and how well they repeat."""
    period_NM, repetition_NMU, _ = find_periods(
        x_NT[:, -context_length:], observed_NT[:, -context_length:]
    )
    if x_NT.shape[1] == context_length:
        return period_NM, repetition_NMU
    long_NM, long_NMU, difference_NG = find_periods(x_NT, observed_NT)
    # With few pairs a context repeats by chance: such a cycle has to hold in the whole history.
    few_NM = 2 * period_NM > context_length
    whole_NM = torch.where(few_NM, difference_NG.gather(1, period_NM - 1), 0.0)
    found_NM = torch.maximum(repetition_NMU[..., Repetition.DIFFERENCE], whole_NM)
    # The error in the context too: a shift of the level before it can look like a cycle.
    error_NM = torch.full_like(found_NM, torch.inf)  # the short cycle is that of the context
    known_NT = torch.where(observed_NT, x_NT, torch.nan)
    for cycle in (Cycle.BEST, Cycle.CALENDAR):
        error_NM[:, cycle] = _error_in_context(known_NT, long_NM[:, cycle, None], context_length)
    better_NM = (long_NMU[..., Repetition.DIFFERENCE] < MAX_DIFFERENCE_RATIO * found_NM) & (
        error_NM < MAX_SQUARED_DIFFERENCE_OF_A_CYCLE
    )
    long_NMU[..., Repetition.ERROR] = error_NM.sqrt()
    return (
        torch.where(better_NM, long_NM, period_NM),
        torch.where(better_NM[..., None], long_NMU, repetition_NMU),
    )


def _window_means(x_S: Tensor) -> Tensor:
    """Mean of the latest known points in every window, (..., S) to (..., W). NaN is unknown."""
    known_S = ~x_S.isnan()
    x_S = torch.where(known_S, x_S, 0.0)
    return torch.stack(
        [x_S[..., -w:].sum(dim=-1) / known_S[..., -w:].sum(dim=-1) for w in WINDOW_LENGTHS], dim=-1
    )


def _error_in_context(x_NT: Tensor, period_N1: Tensor, context_length: int) -> Tensor:
    """Mean squared difference of the context from a cycle earlier, shape (N,).

    Infinite where too few points have one.
    """
    length = x_NT.shape[1]
    index_NS = torch.arange(length - context_length, length, device=x_NT.device) - period_N1
    x_NS = x_NT[:, -context_length:]
    error_N1, count_N1 = _mean_square(x_NS - _points(_padded(x_NT), index_NS))
    enough_N1 = 3 * count_N1 >= (~x_NS.isnan()).sum(dim=1, keepdim=True)
    return torch.where(enough_N1, error_N1, torch.inf)[:, 0]


def _repeated(
    x_NT: Tensor, period_NM: Tensor, horizon: int, compared: int, context_length: int
) -> dict[str, Tensor]:
    """Repeat the latest cycles, and the means of several, each of shape (N, M, S + H).

    The first S steps forecast the latest points from a cycle earlier, NaN where nothing was
    observed; the others are the future. A cycle before the context counts only where it is like the
    latest one, and for the S steps only where it is like the latest points. The short cycle is
    taken from the context alone.
    """
    length = x_NT.shape[1]
    steps = min(WINDOW_LENGTHS[-1], context_length)
    step_A = torch.arange(-steps, horizon, device=x_NT.device)
    future_A = step_A >= 0
    recent_N1S = x_NT[:, None, -steps:]
    padded_NT = _padded(x_NT)
    first_M1 = torch.zeros(len(Cycle), 1, dtype=torch.int64, device=x_NT.device)
    first_M1[Cycle.SHORT] = length - context_length

    def cycles(step_A: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The latest cycles, NaN where unknown, and which of their points lie in the context."""
        phase_NMA = torch.where(step_A >= 0, step_A % period_NM[..., None], step_A)
        for number in range(1, CYCLES_AVERAGED + 1):
            index_NMA = phase_NMA + (length - number * period_NM[..., None])
            if length > context_length:
                index_NMA = torch.where(index_NMA >= first_M1, index_NMA, -1)
            yield _points(padded_NT, index_NMA), index_NMA >= length - context_length

    found = list(cycles(step_A))
    known = [value_NMA for value_NMA, _ in found]
    if length > context_length:
        compared_A = torch.arange(compared, device=x_NT.device)
        for i, (other_NMA, _) in enumerate(cycles(compared_A)):
            value_NMA, within_NMA = found[i]
            like_NMA = future_A | _alike(recent_N1S, value_NMA[..., :steps])
            if i == 0:
                latest_NMA = other_NMA
            else:
                like_NMA = like_NMA & _alike(latest_NMA, other_NMA)
            known[i] = torch.where(within_NMA | like_NMA, value_NMA, torch.nan)
    unknown_A = torch.where(future_A, 0.0, torch.nan).to(x_NT.dtype)
    kinds = {"latest": known[0], "mean": torch.stack(known).nanmean(dim=0)}
    return {
        kind: torch.where(one_NMA.isnan(), unknown_A, one_NMA) for kind, one_NMA in kinds.items()
    }


def _padded(x_NT: Tensor) -> Tensor:
    """Series with NaN before them, where :func:`_points` finds it."""
    return functional.pad(x_NT, (1, 0), value=torch.nan)


def _points(padded_NT: Tensor, index_NA: Tensor) -> Tensor:
    """Values at indices of any shape (N, ...), NaN where they are negative."""
    return padded_NT.gather(1, (index_NA + 1).clamp_(min=0).flatten(1)).view(index_NA.shape)


def _alike(a_S: Tensor, b_S: Tensor) -> Tensor:
    """Whether two stretches are clearly closer than independent ones, (..., S) to (..., 1)."""
    return _mean_square(a_S - b_S)[0] < MAX_SQUARED_DIFFERENCE_OF_A_CYCLE


def _mean_square(change_S: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the known squares, and how many are known, (..., S) to (..., 1). NaN is unknown."""
    count_1 = (~change_S.isnan()).sum(dim=-1, keepdim=True)
    # float64: rounding must not decide.
    total_1 = change_S.nan_to_num(0.0).double().square_().sum(dim=-1, keepdim=True)
    return total_1 / count_1.clamp(min=1), count_1
