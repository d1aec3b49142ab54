"""Impossible readings in a backtest: missing to all models alike, and in the scores.

A history is judged by itself, as nothing later is known at its cutoff, and what is forecast by the
whole series.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

from ttm_estimators.backtest.windows import Window, before
from ttm_estimators.forecasting import OutlierWarning
from ttm_estimators.inputs.outliers import Outlier, describe, warn_of_kept_codes, without_outliers
from ttm_estimators.tables.panel import Panel


def possible(panel: Panel) -> tuple[Panel, list[Outlier]]:
    """Make the impossible readings of a panel missing, each series judged by all of it."""
    series, outliers = [], []
    for i, one in enumerate(panel.series):
        values, found = without_outliers(one.values, i)
        series.append(replace(one, values=values) if found else one)
        outliers += found
    return (replace(panel, series=series) if outliers else panel), outliers


def possible_histories(
    panel: Panel, windows: Sequence[Window], horizon: int
) -> tuple[list[Panel], set[Outlier]]:
    """What is known :func:`before` each window, without what is impossible by it.

    Outliers have the numbers and steps that they have in the panel.
    """
    histories = []
    every: set[Outlier] = set()
    for window in windows:
        history, outliers = possible(before(panel, window, horizon))
        histories.append(history)
        for one in outliers:
            i, cut = window.members[one.series], window.cuts[one.series]
            later = len(panel.series[i].values) - cut
            every.add(one._replace(series=i, step=one.step - later))
    return histories, every


def warn_of_outliers(known: set[Outlier], scored: Sequence[Outlier], panel: Panel) -> None:
    """Tell once of all that was taken as missing, of what is not scored, and of codes that are.

    Parameters
    ----------
    known, scored : set and sequence of Outlier
        In what lies before a cutoff, and in what is forecast.
    panel : Panel
        Series, as :func:`possible` makes them.

    Warns
    -----
    OutlierWarning
        When there are some.
    """
    names = [f"series {one.name!r}" for one in panel.series]
    warn_of_kept_codes([one.values for one in panel.series], names, stacklevel=5)
    found = sorted({(one.series, one.step): one for one in (*known, *scored)}.values())
    if found:
        message = describe(found, names, "set keep_outliers=True", panel.time_of())
        if scored:
            message += f"; {len(scored)} in what is forecast, which does not count in the scores"
        warnings.warn(message, OutlierWarning, stacklevel=5)
