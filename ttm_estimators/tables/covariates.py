"""Covariates in the columns of a table. The card of a fine-tuned model keeps which they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ttm_estimators.forecasting import Covariates
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.regression.with_calendar import with_calendar
from ttm_estimators.tables.errors import TableError, quoted
from ttm_estimators.tables.numbers import Array
from ttm_estimators.tables.panel import Panel, Series


class Members(NamedTuple):
    """Series and covariates as :class:`~ttm_estimators.Forecaster` takes them, with names."""

    names: list[str]
    series: list[Array]
    covariates: list[Covariates] | None

    @property
    def quoted_names(self) -> list[str]:
        """The names as messages have them."""
        return [f"series {name!r}" for name in self.names]


def categories(panel: Panel, columns: Sequence[str]) -> dict[str, list[str]]:
    """Categories of static columns, sorted."""
    return {name: sorted({_category(one, name) for one in panel.series}) for name in columns}


def roles_of(own: Roles, known: Sequence[str], *, calendar: bool = False) -> Roles:
    """Roles of the columns of a table for a model.

    Parameters
    ----------
    own : Roles
        Those that the model was fine-tuned with, if any.
    known : sequence of str
        Columns that the user names. They count without fine-tuning.
    calendar : bool, default False
        Whether a calendar is wanted beside them.

    Raises
    ------
    TableError
        When the model was fine-tuned with covariates, and others are wanted.
    """
    if not own:
        return Roles(known=known)
    if known and set(known) != set(own.known):
        trained = quoted(own.known) if own.known else "no covariates"
        raise TableError(
            f"the model was fine-tuned with {trained} as known in the future, not {quoted(known)}",
            "leave known= out, or take a model that was fine-tuned without covariates",
        )
    if calendar:
        names = quoted([*own.known, *own.past, *own.static])
        raise TableError(
            f"the model was fine-tuned with {names}, and no calendar can join these covariates",
            "leave calendar= and holidays= out, or take a model that was fine-tuned without "
            "covariates",
        )
    return own


def members(
    panel: Panel,
    roles: Roles,
    *,
    together: bool,
    calendars: Sequence[pd.DataFrame] | None = None,
) -> Members:
    """Series and covariates of a panel.

    Parameters
    ----------
    panel : Panel
        With the columns of ``roles``.
    roles : Roles
        Their roles.
    together : bool
        Whether the value columns of a series are its channels, else each is a series of its own.
    calendars : sequence of DataFrame, optional
        Calendar of each series of the panel and of its future.

    Raises
    ------
    TableError
        When a category is none of the known ones.
    ValueError
        When a column has the name of a part of the calendar.
    """
    each = panel.variables if together else 1
    blocks = [panel.series[i : i + each] for i in range(0, len(panel.series), each)]
    arrays = [block[0].values for block in blocks]
    if each > 1:
        arrays = [np.stack([one.values for one in block], axis=1) for block in blocks]
    covariates = None
    if calendars is not None:
        firsts = zip(blocks, calendars[::each], strict=True)
        covariates = [_with_calendar(block[0], roles, its) for block, its in firsts]
    elif roles:
        covariates = [_covariates(block[0], roles) for block in blocks]
    return Members([block[0].name for block in blocks], arrays, covariates)


def _with_calendar(series: Series, roles: Roles, calendar: pd.DataFrame) -> Covariates:
    """Known columns and the calendar side by side."""
    covariates = _covariates(series, roles)
    if series.covariates is not None and len(series.covariates) < len(calendar):
        return covariates  # the forecaster refuses them, and names the steps that they lack
    return with_calendar(covariates, calendar, f"series {series.name!r}")


def _covariates(series: Series, roles: Roles) -> Covariates:
    values: Any = series.covariates
    return Covariates(
        known=values[list(roles.known)].astype(float) if roles.known else None,
        past=values[list(roles.past)].iloc[: len(series.values)] if roles.past else None,
        static=[_number(series, name, known) for name, known in roles.static.items()],
    )


def _number(series: Series, column: str, known: list[str]) -> int:
    category = _category(series, column)
    if category not in known:
        raise TableError(
            f"series {series.name!r} has the {column} {category!r}, but the model was fine-tuned "
            f"on {quoted(known)}"
        )
    return known.index(category)


def _category(series: Series, column: str) -> str:
    assert series.covariates is not None
    found = series.covariates[column].dropna().unique()
    if len(found) != 1:
        several = ", ".join(map(repr, found[:3])) or "nothing"
        raise TableError(
            f"column {column!r} must be the same in all rows of a series, but series "
            f"{series.name!r} has {several}"
        )
    return str(found[0])
