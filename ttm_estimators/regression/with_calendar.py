"""A calendar beside the covariates that a user knows."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ttm_estimators.inputs.covariates import Covariates
from ttm_estimators.regression.calendar import calendar_features


def with_calendar(
    covariates: Covariates,
    times: pd.DatetimeIndex | pd.PeriodIndex,
    holidays: str | None,
    name: str,
) -> Covariates:
    """Covariates of a series with the calendar of its dates beside those known in the future.

    Parameters
    ----------
    covariates : Covariates
        Of the series.
    times : DatetimeIndex or PeriodIndex
        Dates of the series and of all steps that are to be forecast.
    holidays : str or None
        As in :func:`~ttm_estimators.regression.calendar.calendar_features`.
    name : str
        What messages call the series.

    Raises
    ------
    ValueError
        When a known covariate does not reach the last date, or has the name of a column of the
        calendar.
    """
    calendar = calendar_features(times, holidays).reset_index(drop=True)
    if covariates.known is None:
        return replace(covariates, known=calendar)
    known = pd.DataFrame(covariates.known).reset_index(drop=True)
    columns = ", ".join(map(repr, known.columns))
    if len(known) < len(times):
        raise ValueError(
            f"{name} has no future values of the covariates {columns} from {times[len(known)]} on: "
            f"give all until {times[-1]}"
        )
    twice = known.columns.intersection(calendar.columns)
    if len(twice):
        raise ValueError(
            f"{name} has the covariate {twice[0]!r}, and so has the calendar: rename it"
        )
    return replace(covariates, known=pd.concat([known[: len(times)], calendar], axis=1))
