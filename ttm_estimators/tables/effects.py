"""What covariates add to the forecasts of a panel: as one line, and as a table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ttm_estimators.forecasting import Forecast, Forecaster, OutlierWarning
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.regression import CovariateEffects
from ttm_estimators.tables.errors import MAX_NAMES_IN_A_MESSAGE, TableError, quoted
from ttm_estimators.tables.forecast import forecast_panel, to_frame
from ttm_estimators.tables.panel import Panel

WITHOUT, BASE, WITH, GAIN = "without", "base", "with", "gain"
"""Columns beside those of the covariates, see :func:`explain_panel`."""


def describe(effects: Sequence[CovariateEffects], names: Sequence[str]) -> str:
    """In which series covariates are used, and what they gain, as one line.

    In a series all are used together, or none.

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
    where = "" if len(effects) == 1 else " in any series"
    kept = [each.gain for each in effects if each.kept]
    if not kept:
        if not any(each.windows for each in effects):
            return f"Covariates not used{where}: {told}; {its} past is too short to judge by"
        return (
            f"Covariates not used{where}: {told}; on held-out windows they lowered the error by no "
            "more than chance"
        )
    count = f" in {len(kept)} of {len(effects)} series" if len(effects) > 1 else ""
    together = " together" if len(covariates) > 1 else ""
    without = [name for name, each in zip(names, effects, strict=True) if not each.kept]
    rest = f"; not used in {quoted(without)}" if without else ""
    gained = f"error on {its} own past {100 * np.mean(kept):.0f} % lower"
    return f"Covariates used{together}{count}: {told}; {gained}{rest}"


def check_explainable(roles: Roles, model: str = "the model") -> None:
    """Refuse a model that has learnt covariates.

    Raises
    ------
    TableError
        When there are ``roles``.
    """
    if roles:
        learnt = quoted([*roles.known, *roles.past, *roles.static])
        raise TableError(
            f"effects are told of zero-shot covariates only, but {model} has learnt {learnt}",
            "take a model that was fine-tuned without covariates",
        )


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
    check_explainable(forecaster.roles)
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
