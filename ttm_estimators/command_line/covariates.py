"""Covariates in the columns of a file. The card of a fine-tuned model keeps which they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer

from ttm_estimators.command_line.errors import InputError
from ttm_estimators.command_line.table import Array, Panel, Series
from ttm_estimators.forecasting import Covariates, Outlier
from ttm_estimators.forecasting.outliers import describe
from ttm_estimators.weights import read_card, resolve


@dataclass(frozen=True)
class Roles:
    """Columns by what is known of them."""

    known: Sequence[str] = ()
    """Known in the future."""

    past: Sequence[str] = ()
    """Known in the past only."""

    static: dict[str, list[str]] = field(default_factory=dict)
    """Categories of a series, each column with its categories in the order of their numbers."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.known or self.past or self.static)


class Members(NamedTuple):
    """What goes into the core, and what messages call it."""

    names: list[str]
    series: list[Array]
    covariates: list[Covariates] | None

    @property
    def quoted_names(self) -> list[str]:
        """The names as messages have them."""
        return [f"series {name!r}" for name in self.names]

    def warn_of(self, outliers: Sequence[Outlier]) -> None:
        """Tell which readings were taken as missing, if any, by the user's names."""
        if outliers:
            told = describe(outliers, self.quoted_names, "give --keep-outliers")
            typer.echo(f"warning: {told}", err=True)

    def with_names(self, message: str) -> str:
        """Replace the core's "series 3" at the start of a message."""
        return re.sub(r"^series (\d+)", lambda m: self.quoted_names[int(m[1])], message)


def read_roles(model: str | Path | None) -> Roles:
    """Roles that a model was fine-tuned with.

    Raises
    ------
    InputError
        When there is no such model.
    """
    try:
        return Roles(**read_card(resolve(model)).get("covariates", {}))
    except ValueError as error:
        raise InputError(str(error)) from error


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
    InputError
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
        raise InputError(
            f"series {series.name!r} has the {column} {category!r}, but the model was fine-tuned "
            f"on {', '.join(known)}"
        )
    return known.index(category)


def _category(series: Series, column: str) -> str:
    assert series.covariates is not None
    found = series.covariates[column].dropna().unique()
    if len(found) != 1:
        several = ", ".join(map(repr, found[:3])) or "nothing"
        raise InputError(
            f"column {column!r} must be the same in all rows of a series, but series "
            f"{series.name!r} has {several}"
        )
    return str(found[0])
