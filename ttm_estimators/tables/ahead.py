"""What a user should know before a forecast: ends of series, and futures of covariates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ttm_estimators.inputs.arrays import Array, validated_count
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

MIN_EARLY_FRACTION = 0.05
"""Steps by which a series ends early that are told, as a fraction of its length.

As many as the horizon are told too: its whole forecast then lies where others have values.
"""


def doubts(panel: Panel, horizon: int, known: Sequence[str] = ()) -> list[str]:
    """What is odd about the ends of series, and about the future of their known covariates."""
    horizon = validated_count("horizon", horizon)
    series = panel.series[:: panel.variables]
    told = [_early_ends(series, horizon)]
    for name in known:
        told += [_missing(series, horizon, name), _other_unit(series, horizon, name)]
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


def _other_unit(series: Sequence[Series], horizon: int, name: str) -> str:
    """A future of a covariate that is out of all proportion to its past."""
    odd = []
    for one in series:
        past, future = (each[np.isfinite(each)] for each in _split(one, horizon, name))
        if not past.size or not future.size or past.min() == past.max():
            continue
        low, high = past.min(), past.max()
        outside = max(future.max() - high, low - future.min())
        shrunk = 0 < future.max() < MIN_FRACTION_OF_LOWEST * low
        if outside > MAX_WIDTHS_OUTSIDE * (high - low) or shrunk:
            odd.append((one, _range(past), _range(future)))
    if not odd:
        return ""
    one, before, after = odd[0]
    return (
        f"covariate {name!r} of series {one.name!r}{_more(len(odd))} was {before} in the past and "
        f"is {after} in the future: give both in the same unit"
    )


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
