"""Which model is better, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ttm_estimators.backtest.scores import Forecasts, ratio
from ttm_estimators.backtest.seasonal_naive import Array

CONFIDENCE = 0.95

MIN_BLOCKS = 2
"""Blocks from which on there is an interval."""


@dataclass(frozen=True)
class Comparison:
    """The best model beside another."""

    model: str
    other: str
    ratio: float
    """Geometric mean over blocks of the best model's MASE in times of the other's."""

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


def block_means(
    forecasts: Forecasts, errors: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, str]:
    """Scaled errors of each model in blocks that are compared in pairs, and what the blocks are.

    Blocks are series, or windows where these are more. Windows that overlap are one block.
    """
    rows = forecasts.rows
    known = rows["scale"].notna()
    overlap = math.ceil(forecasts.horizon / forecasts.step)
    series, windows = rows["series"], (-1 - rows["window"]) // overlap
    by_windows = windows[known].nunique() > series[known].nunique()
    blocks, of = (windows, "windows") if by_windows else (series, "series")
    means = {name: each["scaled"].groupby(blocks).mean() for name, each in errors.items()}
    return pd.DataFrame(means).dropna(), of


def compare(means: pd.DataFrame, of: str, best: str) -> list[Comparison]:
    """Compare the best model with each other one, by MASE, in pairs.

    The interval of the mean logarithm of their ratios is Student's, at a level by which all
    comparisons hold together (Bonferroni).

    Parameters
    ----------
    means : DataFrame
        Scaled errors, a row for each block and a column for each model.
    of : str
        What the blocks are.
    best : str
        Model to compare with the others.
    """
    others = [name for name in means if name != best]
    level = 1 - (1 - CONFIDENCE) / max(1, len(others))
    return [
        _compare(best, str(other), np.log(ratio(means[best], means[other])), level, of)
        for other in others
    ]


def _compare(best: str, other: str, logarithms: Array, level: float, of: str) -> Comparison:
    count = len(logarithms)
    middle = float(logarithms.mean()) if count else math.nan
    width = math.nan
    if count >= MIN_BLOCKS:
        deviation = float(logarithms.std(ddof=1))
        width = student_quantile((1 + level) / 2, count - 1) * deviation / math.sqrt(count)
    low, high = math.exp(middle - width), math.exp(middle + width) if width < 50 else math.inf
    return Comparison(best, other, math.exp(middle), low, high, count, of)


def student_quantile(level: float, degrees: int) -> float:
    """Quantile of Student's t distribution, by integrating its density along an angle."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 200_001)
    density = np.cos(angle) ** (degrees - 1)
    total = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    found = np.interp(level, total / total[-1], angle)
    return float(np.sqrt(degrees) * np.tan(found))


def advice(comparisons: list[Comparison], best: str, best_by_loss: str) -> str:
    """One sentence: which model to use, and how sure that is."""
    if not comparisons:
        return f"There is nothing to compare {best} with: give more models."
    unsure = [one for one in comparisons if not one.is_sure]
    also = f"; by weighted quantile loss {best_by_loss} is ahead" if best_by_loss != best else ""
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
    blocks = f"{closest.blocks} {closest.of}"
    if not closest.blocks:
        return f"Can't tell {best} from {named}: no series changed before its cutoffs{also}."
    if closest.low == closest.high == 1:
        why = f"their MASE is the same in each of {blocks}"
    elif math.isnan(closest.low):
        why = (
            f"its MASE is {_change(closest.ratio)} than that of {closest.other}, but one of "
            f"{closest.of} tells nothing of chance"
        )
    else:
        ends = f"from {_change(closest.low)} to {_change(closest.high)}, from {blocks}"
        why = (
            f"its MASE is {_change(closest.ratio)} than that of {closest.other}, but the 95 % "
            f"interval reaches {ends}"
        )
    return (
        f"Can't tell {best} from {named}: {why}{also}; use the simpler, or compare on more windows "
        "or series."
    )


def _change(value: float) -> str:
    if value >= 10:
        return "far higher"
    return f"{_percent(abs(value - 1))} {'lower' if value < 1 else 'higher'}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"
