"""A calendar beside the covariates that a user knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from ttm_estimators.inputs.covariates import Covariates


def with_calendar(covariates: Covariates, calendar: pd.DataFrame, name: str) -> Covariates:
    """Covariates of a series with the calendar of its dates beside those known in the future.

    Parameters
    ----------
    covariates : Covariates
        Of the series.
    calendar : DataFrame
        What :func:`~ttm_estimators.regression.calendar.calendar_features` makes of the dates of the
        series and of all steps that are to be forecast.
    name : str
        What messages call the series.

    Raises
    ------
    ValueError
        When a known covariate does not reach the last date, or has the name of a part of the
        calendar, such as "weekday".
    """
    times = calendar.index
    calendar = calendar.reset_index(drop=True)
    given: Any = covariates.known
    if given is None:
        return replace(covariates, known=calendar)
    known = pd.DataFrame(given).reset_index(drop=True)
    columns = ", ".join(map(repr, known.columns))
    if len(known) < len(times):
        raise ValueError(
            f"{name} has no future values of the covariates {columns} from {times[len(known)]} on: "
            f"give all until {times[-1]}"
        )
    words = {str(column).partition("=")[0] for column in calendar}
    twice = [column for column in known if str(column).partition("=")[0] in words]
    if twice:
        raise ValueError(
            f"{name} has the covariate {twice[0]!r}, and so has the calendar: rename it"
        )
    return replace(covariates, known=pd.concat([known[: len(times)], calendar], axis=1))
