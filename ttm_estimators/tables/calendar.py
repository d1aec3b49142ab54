"""The calendar of a panel's dates, as covariates that are known in the future."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ttm_estimators.regression.calendar import calendar_features, countries_of
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.panel import Panel
from ttm_estimators.tables.steps import show


def calendars(
    panel: Panel, futures: list[pd.Index[Any]], holidays: str | Sequence[str] | None = None
) -> list[pd.DataFrame]:
    """Give the calendar of each series and of the steps after it, by the clock of its zone.

    Series with the same dates share one frame.

    Parameters
    ----------
    panel : Panel
        Series with dates.
    futures : list of Index
        Times of the steps after each.
    holidays : str or sequence of str, optional
        Countries whose public holidays are told, see
        :func:`~ttm_estimators.regression.calendar.calendar_features`.

    Raises
    ------
    TableError
        When the series have no dates, these have the same in all that a calendar tells, or
        ``holidays`` names no country that is known.
    """
    if not isinstance(panel.stamps.index, pd.DatetimeIndex):
        counted = "rows are counted" if not panel.chosen.time else f"{panel.time!r} holds numbers"
        raise TableError(
            f"a calendar and holidays need dates, but {counted}",
            "leave calendar= and holidays= out",
        )
    try:
        countries = countries_of(holidays) or None
    except TypeError as error:
        raise TableError(str(error), "give the code of a country such as holidays='DE'") from error
    made: dict[Any, pd.DataFrame] = {}
    found = []
    for one, future in zip(panel.series, futures, strict=True):
        key = (one.times[0], one.times[-1], len(one.times), id(one.step))
        if key not in made:
            try:
                times = pd.DatetimeIndex(one.times.append(future))
                made[key] = calendar_features(times, countries)
            except ValueError as error:
                raise TableError(str(error)) from error
        found.append(made[key])
    if not any(len(each.columns) for each in found):
        raise TableError(
            f"dates from {show(found[0].index[0])} to {show(found[0].index[-1])} have nothing of a "
            "calendar that differs",
            "leave calendar= and holidays= out",
        )
    return found
