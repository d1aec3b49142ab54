"""Which model is better, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from ttm_estimators.backtest.scores import Forecasts, ratio

CONFIDENCE = 0.95

MIN_BLOCKS = 2
"""Blocks from which on there is an interval."""

MAX_FACTOR = 2.0
"""Factor between a ratio and the end of its interval, above which windows are too few."""

MIN_WINDOWS = 10
"""Windows that are asked for where they are too few."""

MAX_DEGREES = 1_000_000
"""Degrees of freedom above which Student's t distribution is normal to six digits."""

SIMPLE = ("naive", "seasonal_naive", "ttm")
"""Models that are simpler than all others, the simplest first."""


@dataclass(frozen=True)
class Comparison:
    """The best model beside another."""

    model: str
    other: str
    ratio: float
    """Geometric mean over series of the best model's MASE in times of the other's, or of its
    weighted quantile loss."""

    low: float
    high: float
    """Ends of its interval, NaN where there is one block only."""

    blocks: int
    of: str
    """What the blocks are: "series" or "windows"."""

    @property
    def is_sure(self) -> bool:
        """Whether the best model is better by more than chance."""
        return self.high < 1


class Room(NamedTuple):
    """Windows that were scored, and how many the histories allow."""

    windows: int
    allowed: int
    horizon: int
    step: int

    def remedy(self, blocks: int) -> str:
        """How to come to so many blocks, or as near as histories allow, after "too few windows"."""
        wanted = math.ceil(self.horizon / self.step) * blocks  # windows that overlap are one block
        if self.allowed <= self.windows:
            shorter = "horizon or step" if self.step > self.horizon else "horizon"
            return (
                f", and the histories allow no more than {self.allowed}: give more history, or a "
                f"shorter {shorter}"
            )
        if self.allowed < wanted:
            return f": give --windows {self.allowed}, which is all that the histories allow"
        return f": give --windows {wanted} or more"


def summed_errors(
    forecasts: Forecasts, errors: Mapping[str, pd.DataFrame], kind: str = "scaled"
) -> dict[str, pd.DataFrame]:
    """Scaled errors of each model, or its losses, summed over a window: a row for each series.

    Windows that overlap are one. NaN where a series has no such window, or no scale.
    """
    overlap = math.ceil(forecasts.horizon / forecasts.step)
    window = ((-1 - forecasts.rows["window"]) // overlap).rename("window")
    blocks = [forecasts.rows["series"], window]
    return {
        name: each[kind].groupby(blocks).sum(min_count=1).unstack() for name, each in errors.items()
    }


def ordered(sums: Mapping[str, pd.DataFrame]) -> list[str]:
    """Names of models by the geometric mean of their errors over series, the lowest first."""

    def mean(name: str) -> float:
        each = sums[name].sum(axis=1, min_count=1).clip(lower=np.finfo(float).tiny)
        return float(np.log(each).mean())

    return sorted(sums, key=mean)


def compare(sums: Mapping[str, pd.DataFrame], best: str) -> list[Comparison]:
    """Compare the best model with each other one, by MASE or weighted quantile loss, in pairs.

    Their ratio is a geometric mean over series. Its interval is from how it varies over blocks,
    which are series, or windows where these are more: Student's interval of the logarithm, by the
    jackknife over blocks (Tukey, 1958), at a level by which all comparisons hold together
    (Bonferroni).

    Parameters
    ----------
    sums : mapping
        Scaled errors of each model, or its losses: a row for each series, a column for each window.
    best : str
        Model to compare with the others.
    """
    others = [name for name in sums if name != best]
    level = level_of(len(others))
    return [_compare(best, other, sums[best], sums[other], level) for other in others]


def _compare(
    best: str, other: str, one: pd.DataFrame, two: pd.DataFrame, level: float
) -> Comparison:
    one, two = (each.dropna(how="all").dropna(axis="columns", how="all") for each in (one, two))
    series, windows = one.shape
    of, count = ("windows", windows) if windows > series else ("series", series)
    known = one.notna().to_numpy()
    first, second = (each.fillna(0.0).to_numpy() for each in (one, two))
    logarithms = np.log(ratio(first.sum(axis=1), second.sum(axis=1)))
    middle = float(logarithms.mean()) if series else math.nan
    deviation = math.nan
    if count >= MIN_BLOCKS:
        if of == "series":
            without = (logarithms.sum() - logarithms) / (count - 1)
        else:
            less = [each.sum(axis=1, keepdims=True) - each for each in (first, second)]
            left = known.sum(axis=1, keepdims=True) > known
            without = np.nanmean(np.where(left, np.log(ratio(*less)), np.nan), axis=0)
        deviation = math.sqrt((count - 1) * float(np.var(without)))
    return comparison(best, other, middle, deviation, count, of, level)


def comparison(
    best: str, other: str, middle: float, deviation: float, count: int, of: str, level: float
) -> Comparison:
    """Two models by the mean logarithm of their ratio, and its standard error over blocks.

    ``level`` is that of the interval, see :func:`level_of`.
    """
    width = math.nan
    if count >= MIN_BLOCKS:
        width = student_quantile((1 + level) / 2, count - 1) * deviation
    low, high = math.exp(middle - width), math.exp(middle + width) if width < 50 else math.inf
    return Comparison(best, other, math.exp(middle), low, high, count, of)


def level_of(comparisons: int) -> float:
    """Level of each interval, by which so many hold together (Bonferroni)."""
    return 1 - (1 - CONFIDENCE) / max(1, comparisons)


@cache
def student_quantile(level: float, degrees: int) -> float:
    """Quantile of Student's t distribution, by integrating its density along an angle."""
    degrees = min(degrees, MAX_DEGREES)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 200_001)
    density = np.cos(angle) ** (degrees - 1)
    total = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    found = np.interp(level, total / total[-1], angle)
    return float(np.sqrt(degrees) * np.tan(found))


def advice(
    comparisons: list[Comparison],
    best: str,
    by_loss: Comparison | None = None,
    room: Room | None = None,
) -> str:
    """One sentence: which model to use, and how sure that is.

    Parameters
    ----------
    comparisons : list of Comparison
        The best model by MASE, beside each other one.
    best : str
        Its name.
    by_loss : Comparison, optional
        Another model beside it, where that is the best by weighted quantile loss.
    room : Room, optional
        Windows that there may be. Default: any number.
    """
    if not comparisons:
        return f"There is nothing to compare {best} with: give more models."
    unsure = [one for one in comparisons if not one.is_sure]
    also = "" if by_loss is None else f"; {_loss(by_loss)}"
    if not unsure:
        second = max(comparisons, key=lambda one: one.ratio)
        gains = [_percent(1 - end) for end in (second.ratio, second.high, second.low)]
        return (
            f"Use {best}: its MASE is {gains[0]} below that of {second.other}, the next best "
            f"(95 % interval {gains[1]} to {gains[2]}, from {second.blocks} {second.of}){also}."
        )
    unsure.sort(key=lambda one: -one.ratio)
    closest, names = unsure[0], [one.other for one in unsure]
    named = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    if not closest.blocks:
        return f"Can't tell {best} from {named}: no series changed before its cutoffs{also}."
    blocks = f"{closest.blocks} {closest.of}"
    if all(one.low == one.high == 1 for one in unsure):
        why = f"their MASE is the same in each of {blocks}"
    elif math.isnan(closest.low):
        why = f"{_each(unsure)}, but one of {closest.of} tells nothing of chance"
    else:
        why = f"{_each(unsure)}, from {blocks}"
    use = _simplest([best, *names])
    if any(not one.high / one.ratio <= MAX_FACTOR for one in unsure):
        enough = MIN_WINDOWS if closest.blocks < MIN_WINDOWS else 2 * closest.blocks
        remedy = f": give --windows {enough} or more" if room is None else room.remedy(enough)
        what = f"too few windows{remedy}; until then {use}"
    else:
        what = f"{use}, or compare on more windows or series"
    return f"Can't tell {best} from {named}: {why}{also}; {what}."


def _loss(one: Comparison) -> str:
    """What speaks for the model that is the best by weighted quantile loss."""
    ahead = f"by weighted quantile loss {one.model} is ahead"
    by = _percent(1 - one.ratio)
    if one.is_sure:
        ends = f"95 % interval {_percent(1 - one.high)} to {_percent(1 - one.low)}"
        return f"{ahead} of it by {by} ({ends}): use {one.model} where quantiles count"
    return f"{ahead} by {by}, which may be chance"


def _each(comparisons: list[Comparison]) -> str:
    """The best model's MASE beside that of each other one, with intervals."""
    parts = []
    for one in comparisons:
        ends = f"{_change(one.low)} to {_change(one.high)}"
        interval = "" if math.isnan(one.low) else f" (95 % interval {ends})"
        parts.append(f"{_change(one.ratio)} than that of {one.other}{interval}")
    return "its MASE is " + " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _simplest(names: list[str]) -> str:
    """Which of these to use while they can not be told apart."""
    found = [name for name in SIMPLE if name in names]
    if found == ["ttm"] and {*names} != {"ttm", "ttm-finetuned"}:
        found = []  # nobody knows how simple the others are
    return f"use {found[0]}, the simplest" if found else "use the one that is easiest to run"


def _change(value: float) -> str:
    if value >= 10:
        return "far higher"
    return f"{_percent(abs(value - 1))} {'lower' if value < 1 else 'higher'}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"
