"""What a user should know before a forecast: ends of series, and futures of covariates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ttm_estimators.inputs.arrays import Array, validated_count
from ttm_estimators.regression.design import MAX_RANGES_BEYOND_HISTORY
from ttm_estimators.tables.panel import Panel, Series
from ttm_estimators.tables.steps import show

MAX_WIDTHS_OUTSIDE = 10
"""How far a future covariate may leave the range of its past, in widths of that range.

A trend goes on beyond by the horizon over the history, which is seldom ten. Another unit, such as
cents for euros, is far beyond. A constant has no width, and no say in a forecast.
"""

MIN_FRACTION_OF_LOWEST = 0.1
"""Where all of a future covariate lies below this fraction of the lowest positive past, its unit is
larger, such as euros for cents, which a wide range would hide."""

BEYOND = (
    f"farther than {MAX_RANGES_BEYOND_HISTORY:g} of that range beyond the past, its effect stays "
    "the same"
)
"""What is told of a future covariate that no regression follows."""

MIN_EARLY_FRACTION = 0.05
"""Steps by which a series ends early that are told, as a fraction of its length.

As many as the horizon are told too: its whole forecast then lies where others have values.
"""


def doubts(
    panel: Panel, horizon: int, known: Sequence[str] = (), *, learnt: bool = False
) -> list[str]:
    """What is odd about the ends of series, and about the future of their known covariates.

    Parameters
    ----------
    panel : Panel
        The series.
    horizon : int
        Steps to forecast.
    known : sequence of str
        Covariates that are known in the future.
    learnt : bool, default False
        Whether the network was trained with them, in place of a regression, which follows them less
        far.
    """
    horizon = validated_count("horizon", horizon)
    series = panel.series[:: panel.variables]
    told = [_early_ends(series, horizon)]
    for name in known:
        told += [_missing(series, horizon, name), *_outside(series, horizon, name, learnt)]
    return [each for each in told if each]


def _early_ends(series: Sequence[Series], horizon: int) -> str:
    """Series that end before others, each of which is forecast from its own end."""
    timed = [one for one in series if isinstance(one.times, pd.DatetimeIndex) and len(one.times)]
    last = max((one.times[-1] for one in timed), default=None)
    early = []
    for one in timed:
        steps = len(one.times) - 1
        if steps and one.times[-1] != last:
            behind = (last - one.times[-1]) / ((one.times[-1] - one.times[0]) / steps)
            if behind >= max(1, min(horizon, MIN_EARLY_FRACTION * len(one.times))):
                early.append(one)
    if not early:
        return ""
    first = min(early, key=lambda one: one.times[-1])
    which = "ends early, and is" if len(early) == 1 else "end early, and are"
    return (
        f"series end on different dates, from {show(first.times[-1])} ({first.name!r}) to "
        f"{show(last)}: {len(early)} of {len(series)} {which} forecast from there"
    )


def _missing(series: Sequence[Series], horizon: int, name: str) -> str:
    """Steps at which a covariate is not known, of those that are to be forecast."""
    lacking = []
    for one in series:
        past, future = _split(one, horizon, name)
        absent = int(np.isnan(future).sum())
        if 0 < absent < len(future) and not np.isnan(past).all():
            lacking.append((one, absent))
    if not lacking:
        return ""
    one, absent = lacking[0]
    return (
        f"covariate {name!r} is missing at {absent} of {horizon} future steps of series "
        f"{one.name!r}{_more(len(lacking))}, and is taken as average there"
    )


def _outside(series: Sequence[Series], horizon: int, name: str, learnt: bool) -> list[str]:
    """A future of a covariate beyond its past: in another unit, or farther than effects go on."""
    odd, beyond = list[tuple[Series, str]](), list[tuple[Series, str]]()
    for one in series:
        past, future = (each[np.isfinite(each)] for each in _split(one, horizon, name))
        if not past.size or not future.size or past.min() == past.max():
            continue
        low, high = past.min(), past.max()
        widths = max(future.max() - high, low - future.min()) / (high - low)
        ranges = f"was {_range(past)} in the past and is {_range(future)} in the future"
        if widths > MAX_WIDTHS_OUTSIDE or 0 < future.max() < MIN_FRACTION_OF_LOWEST * low:
            odd.append((one, ranges))
        elif widths > MAX_RANGES_BEYOND_HISTORY and not learnt:
            beyond.append((one, ranges))
    told = []
    for found, remedy in ((odd, "give both in the same unit"), (beyond, BEYOND)):
        if found:
            one, ranges = found[0]
            of = f"of series {one.name!r}{_more(len(found))}"
            told.append(f"covariate {name!r} {of} {ranges}: {remedy}")
    return told


def _split(one: Series, horizon: int, name: str) -> tuple[Array, Array]:
    """A covariate in the past, and at the steps to forecast."""
    assert one.covariates is not None
    values = one.covariates[name].to_numpy(dtype=np.float64)
    ends = len(one.values)
    return values[:ends], values[ends : ends + horizon]


def _range(values: Array) -> str:
    low, high = values.min(), values.max()
    return f"{low:g} to {high:g}" if low < high else f"{low:g}"


def _more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""
