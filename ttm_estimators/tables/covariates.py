"""Covariates in the columns of a table. The card of a fine-tuned model keeps which they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ttm_estimators.forecasting import Covariates
from ttm_estimators.inputs.covariates import Roles
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


def members(panel: Panel, roles: Roles, *, together: bool) -> Members:
    """Series and covariates of a panel.

    Parameters
    ----------
    panel : Panel
        With the columns of ``roles``.
    roles : Roles
        Their roles.
    together : bool
        Whether the value columns of a series are its channels, else each is a series of its own.

    Raises
    ------
    TableError
        When a category is none of the known ones.
    """
    each = panel.variables if together else 1
    blocks = [panel.series[i : i + each] for i in range(0, len(panel.series), each)]
    arrays = [block[0].values for block in blocks]
    if each > 1:
        arrays = [np.stack([one.values for one in block], axis=1) for block in blocks]
    covariates = [_covariates(block[0], roles) for block in blocks] if roles else None
    return Members([block[0].name for block in blocks], arrays, covariates)


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
