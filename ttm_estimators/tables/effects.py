"""What covariates add to the forecasts of a panel: as one line, and as a table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ttm_estimators.forecasting import Forecast, Forecaster, OutlierWarning
from ttm_estimators.regression import CovariateEffects
from ttm_estimators.tables.errors import MAX_NAMES_IN_A_MESSAGE, TableError, quoted
from ttm_estimators.tables.forecast import forecast_panel, to_frame
from ttm_estimators.tables.panel import Panel

WITHOUT, BASE, WITH, GAIN = "without", "base", "with", "gain"
"""Columns beside those of the covariates, see :func:`explain_panel`."""


def describe(effects: Sequence[CovariateEffects], names: Sequence[str]) -> str:
    """In which series covariates were kept, and what they gained, as one line.

    Parameters
    ----------
    effects : sequence of CovariateEffects
        Those of each series.
    names : sequence of str
        Names of the series.
    """
    covariates = covariate_names(effects)
    more = len(covariates) - MAX_NAMES_IN_A_MESSAGE
    told = ", ".join(covariates[:MAX_NAMES_IN_A_MESSAGE]) + (
        f" and {more} more" if more > 0 else ""
    )
    its = "its" if len(effects) == 1 else "their"
    kept = [each.gain for each in effects if each.kept]
    if not kept:
        if not any(each.windows for each in effects):
            return f"Covariates: {told} not kept, as {its} past is too short to judge by"
        where = "" if len(effects) == 1 else " in any series"
        return f"Covariates: {told} not kept{where}, as {its} past gains no more than chance"
    count = f" in {len(kept)} of {len(effects)} series" if len(effects) > 1 else ""
    without = [name for name, each in zip(names, effects, strict=True) if not each.kept]
    rest = f"; not kept in {quoted(without)}" if without else ""
    gained = f"error on {its} own past {100 * np.mean(kept):.0f} % lower"
    return f"Covariates: {told} kept{count}, {gained}{rest}"


def covariate_names(effects: Sequence[CovariateEffects]) -> list[str]:
    """Names of all covariates, in their order."""
    return list(dict.fromkeys(name for each in effects for name in each.names))


def explain_panel(
    forecaster: Forecaster, panel: Panel, horizon: int, **options: Any
) -> tuple[pd.DataFrame, Forecast]:
    """Forecast every series of a panel, and tell what each covariate adds.

    Parameters
    ----------
    forecaster : Forecaster
        Model that was fine-tuned without covariates.
    panel : Panel
        With the columns of the covariates.
    horizon : int
        Steps.
    **options
        As in :func:`~ttm_estimators.tables.forecast.forecast_panel`, with covariates.

    Returns
    -------
    DataFrame
        Id columns, time, and in units of the series: ``without``, the point forecast without
        covariates; ``base``, that of the history less what covariates explain; a column with what
        each covariate adds to the base; ``with``, their sum. Then ``gain``: what the series gains,
        as a fraction of the quantile loss on held-out windows of its past.
    Forecast
        The forecast with covariates.

    Raises
    ------
    TableError
        As ``forecast_panel``, when there is nothing to explain, or when a covariate has the name of
        a column of the result.
    """
    if forecaster.roles:
        raise TableError(
            "the model was fine-tuned with covariates, whose effects can not be told apart",
            "take one that was fine-tuned without covariates",
        )
    _, result = forecast_panel(forecaster, panel, horizon, **options)
    if not result.effects:
        raise TableError(
            "there are no covariates to explain", "name some with known=, or give calendar=True"
        )
    names = covariate_names(result.effects)
    taken = [name for name in names if name in (WITHOUT, BASE, WITH, GAIN)]
    if taken:
        raise TableError(
            f"column {quoted(taken)} has the name of a column of the result", "rename it"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutlierWarning)  # the first forecast has warned
        plain = options | {"known": (), "calendar": False, "holidays": None}
        _, without = forecast_panel(forecaster, panel, horizon, **plain)
    added = {name: np.zeros(result.point.shape) for name in names}
    for i, each in enumerate(result.effects):
        for name, values in zip(each.names, each.values.T, strict=True):
            added[name][i] = values
    base = result.point - sum(added.values())
    columns = {WITHOUT: without.point, BASE: base, **added, WITH: result.point}
    columns[GAIN] = np.repeat([[each.gain] for each in result.effects], horizon, axis=1)
    return to_frame(panel, panel.futures(horizon), columns), result


def summarised(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Mean absolute effect of each covariate, and its fraction of all, the largest first."""
    size = frame[list(names)].abs().mean().sort_values(ascending=False, kind="stable")
    return pd.DataFrame({"effect": size, "fraction": size / max(size.sum(), np.finfo(float).tiny)})
