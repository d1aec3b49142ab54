"""What a forecast knows of a series by itself, taken off the series and its features alike.

What is left over of one is regressed on what is left over of the other (Frisch and Waugh 1933). How
a network follows a series differs from one to the next, so there are three filters, and held-out
windows choose.

Shape suffixes: T time, D features.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ttm_estimators.inputs.arrays import Array

SEASONS = (4, 7, 12, 24, 48, 52, 96, 144, 168, 288)
"""Steps after which series repeat: those of the usual frequencies."""

MIN_SEASONS = 4
"""Seasons that a history must hold for its season to be taken off."""

MIN_DECREASE_BY_LONGER_SEASON = 0.05
"""Fraction of the mean squared difference by which a longer season must be better."""

LOCAL_SEASONS = 4
"""Seasons of a local mean (ours)."""

MIN_LOCAL_STEPS = 28
"""Steps of a local mean at least (ours)."""

MAX_POINTS_FOR_SEASON = 4096
"""Latest points that the season is looked for in."""


Filter = Callable[[Array, int], Array]


def level(values_TD: Array, season: int) -> Array:
    """Less the mean of all."""
    return np.asarray(values_TD - np.nanmean(values_TD, axis=0))


def steps(values_TD: Array, season: int) -> Array:
    """Less the step before."""
    return np.concatenate([np.full_like(values_TD[:1], np.nan), np.diff(values_TD, axis=0)])


def local(values_TD: Array, season: int) -> Array:
    """Less the mean of some seasons around, and the mean of what is then left at each phase."""
    width = max(LOCAL_SEASONS * season, MIN_LOCAL_STEPS)
    values_TD = values_TD - _moving_mean(values_TD, width)
    for phase in range(season if season > 1 else 0):
        at = values_TD[phase::season]
        count = np.maximum((~np.isnan(at)).sum(axis=0), 1)
        at -= np.nansum(at, axis=0) / count
    return values_TD


def find_season(values_T: Array) -> int:
    """The usual season after which a series differs least from itself, 1 where there is none."""
    values_T = values_T[-MAX_POINTS_FOR_SEASON:]
    best, least = 1, np.inf
    for season in SEASONS:
        if MIN_SEASONS * season > len(values_T):
            break
        squares_T = np.square(values_T[season:] - values_T[:-season])
        known_T = ~np.isnan(squares_T)
        if not known_T.any():
            continue
        difference = squares_T[known_T].mean()
        if difference < (1 - MIN_DECREASE_BY_LONGER_SEASON) * least:
            best, least = season, difference
    return best


def _moving_mean(values_TD: Array, width: int) -> Array:
    """Mean of what is observed of some steps around each."""
    index_T = np.arange(len(values_TD))
    first_T = np.maximum(index_T - width // 2, 0)
    end_T = np.minimum(index_T + width // 2 + 1, len(values_TD))
    known_TD = ~np.isnan(values_TD)
    sums = [
        np.concatenate([np.zeros_like(each[:1]), each.cumsum(axis=0)])
        for each in (np.where(known_TD, values_TD, 0.0), known_TD.astype(float))
    ]
    total_TD, count_TD = (each[end_T] - each[first_T] for each in sums)
    return np.asarray(total_TD / np.maximum(count_TD, 1.0))
