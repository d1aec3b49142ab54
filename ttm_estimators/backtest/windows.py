"""Rolling origins: the cutoffs of every series of a panel, and what lies before them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ttm_estimators.tables.errors import (
    MAX_NAMES_IN_A_MESSAGE,
    TableError,
    TableWarning,
    quoted,
)
from ttm_estimators.tables.panel import Panel
from ttm_estimators.tables.steps import show

MIN_OBSERVED_POINTS = 2
"""Observed values before a cutoff: the fewest that a naive forecast has a scale from."""


@dataclass(frozen=True)
class Window:
    """One cutoff of each series that is long enough for it."""

    number: int
    """Which window it is, from 0, the earliest."""

    members: list[int]
    """Which series of the panel it has."""

    cuts: list[int]
    """Points of each before its cutoff, with the cutoff."""


def find_windows(
    panel: Panel, horizon: int, windows: int, step: int, *, together: bool = False
) -> list[Window]:
    """Find the windows of a panel, the earliest first.

    The last cutoff of a series leaves ``horizon`` of its rows, each earlier one ``step`` more.

    Parameters
    ----------
    panel : Panel
        Series.
    horizon, windows, step : int
        Steps to forecast, number of windows, and steps between two cutoffs.
    together : bool, default False
        Whether the value columns of one table are channels, so that all of them are in a window or
        none.

    Warns
    -----
    TableWarning
        When a series is too short for a window, or has nothing observed in it. It names them.

    Raises
    ------
    TableError
        When no series is long enough for any window.
    """
    found = []
    missed = dict.fromkeys(range(len(panel.series)), 0)
    block = panel.variables if together else 1
    for number in range(windows):
        back = horizon + (windows - 1 - number) * step
        cuts = [len(one.values) - back for one in panel.series]
        fits = [
            cut > 0
            and np.isfinite(one.values[:cut]).sum() >= MIN_OBSERVED_POINTS
            and bool(np.isfinite(one.values[cut : cut + horizon]).any())
            for one, cut in zip(panel.series, cuts, strict=True)
        ]
        fits = [all(fits[i - i % block : i - i % block + block]) for i in range(len(fits))]
        for i, fit in enumerate(fits):
            missed[i] += not fit
        members = [i for i, fit in enumerate(fits) if fit]
        if members:
            found.append(Window(number, members, [cuts[i] for i in members]))
    if not found:
        longest = max(panel.series, key=lambda one: len(one.values))
        raise TableError(
            f"no series is long enough for a window of {horizon} steps: the longest, "
            f"{longest.name!r}, has {len(longest.values)} rows, and needs {MIN_OBSERVED_POINTS} "
            "observed values before the window and one in it"
        )
    left_out = [(panel.series[i].name, count) for i, count in missed.items() if count]
    if left_out:
        warnings.warn(_tell(left_out, windows), TableWarning, stacklevel=5)
    return found


def _tell(left_out: Sequence[tuple[str, int]], windows: int) -> str:
    shown = [f"{name!r} in {count}" for name, count in left_out[:MAX_NAMES_IN_A_MESSAGE]]
    more = len(left_out) - len(shown)
    return (
        f"of {windows} windows, series were left out where they are too short or have no observed "
        f"values: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"
    )


def before(panel: Panel, window: Window, horizon: int) -> Panel:
    """What is known at the cutoffs of a window: values up to them, covariates a horizon further."""
    series = []
    for i, cut in zip(window.members, window.cuts, strict=True):
        one = panel.series[i]
        known = None if one.covariates is None else one.covariates.iloc[: cut + horizon]
        series.append(
            replace(one, times=one.times[:cut], values=one.values[:cut], covariates=known)
        )
    keys = panel.keys.iloc[window.members].reset_index(drop=True)
    return replace(panel, series=series, keys=keys)


def earliest(panel: Panel, windows: Sequence[Window], *, together: bool = False) -> Window:
    """What a model may be trained on that forecasts all windows: what no cutoff lies before.

    Series may end at different times. Values after the earliest cutoff of all are the future of
    the series that has it, so that they are left out of every series. A series without at least two
    observed values up to then is left out.

    Parameters
    ----------
    panel : Panel
        Series.
    windows : sequence of Window
        As of :func:`find_windows`.
    together : bool, default False
        As there.
    """
    cutoff = min(
        panel.series[i].times[cut - 1]
        for window in windows
        for i, cut in zip(window.members, window.cuts, strict=True)
    )
    cuts = [int(one.times.searchsorted(cutoff, side="right")) for one in panel.series]
    block = panel.variables if together else 1
    fits = [
        np.isfinite(one.values[:cut]).sum() >= MIN_OBSERVED_POINTS
        for one, cut in zip(panel.series, cuts, strict=True)
    ]
    members = [i for i in range(len(cuts)) if all(fits[i - i % block : i - i % block + block])]
    return Window(0, members, [cuts[i] for i in members])


def warn_of_untrained(panel: Panel, first: Window, models: Sequence[str]) -> None:
    """Name the series that models are not trained on.

    Warns
    -----
    TableWarning
        When there are some.
    """
    names = [one.name for i, one in enumerate(panel.series) if i not in {*first.members}]
    if names:
        one = panel.series[first.members[0]]
        warnings.warn(
            f"{quoted(models)} learns from what lies up to {show(one.times[first.cuts[0] - 1])}, "
            f"the earliest cutoff, and so not from series {quoted(names)}, which "
            "has nothing to learn from before it",
            TableWarning,
            stacklevel=5,
        )


def chosen(panel: Panel, members: Sequence[int]) -> Panel:
    """Some series of a panel."""
    keys = panel.keys.iloc[list(members)].reset_index(drop=True)
    return replace(panel, series=[panel.series[i] for i in members], keys=keys)


def with_one_cutoff(panel: Panel) -> list[list[int]]:
    """Positions of the series that end at the same time, by groups."""
    groups: dict[Any, list[int]] = {}
    for i, one in enumerate(panel.series):
        groups.setdefault(one.times[-1], []).append(i)
    return [*groups.values()]
