"""Covariates of a series: what is known of its future, of its past only, and what never changes.

Shape suffixes: B batch, T time, H horizon (steps after the history), C channels, V target channels,
X covariates known in the future, K static covariates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array, Mask, as_numbers
from ttm_estimators.inputs.batch import Batch
from ttm_estimators.network import TTMConfig

MAX_SCALED_COVARIATE = 1e6
"""Standard deviations from the mean of its history at which a future covariate is cut, to fit
float32."""

KNOWN_TABLE = ", the table of covariates known in the future,"
PAST_TABLE = ", the table of covariates known in the past,"
"""What messages say after the name of a series."""


@dataclass(frozen=True)
class Covariates:
    """Covariates of one series. Each is an array, a list or a pandas DataFrame."""

    known: npt.ArrayLike | None = None
    """Known in the future: shape (time + horizon, covariates) or (time + horizon,), from the first
    point of the series on. In GluonTS ``feat_dynamic_real``, in sktime ``X``. Rows beyond the
    horizon are not used, and training needs none beyond the series. NaN means missing."""

    past: npt.ArrayLike | None = None
    """Known in the past only: shape (time, covariates) or (time,). In GluonTS
    ``past_feat_dynamic_real``. NaN means missing."""

    static: Sequence[int] = ()
    """Categories from 0 on. In GluonTS ``feat_static_cat``."""

    def __repr__(self) -> str:
        given = {"known": self.known, "past": self.past}
        parts = [f"{name} {np.shape(each)}" for name, each in given.items() if each is not None]
        if len(self.static):
            parts.append(f"static {tuple(self.static)}")
        return f"Covariates({', '.join(parts)})"


@dataclass(frozen=True)
class Roles:
    """Names of covariates in a table, by what is known of them."""

    known: Sequence[str] = ()
    """Known in the future."""

    past: Sequence[str] = ()
    """Known in the past only."""

    static: dict[str, list[str]] = field(default_factory=dict)
    """Categories of a series, each column with its categories in the order of their numbers."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.known or self.past or self.static)


class Joined(NamedTuple):
    """A series with its covariates, as the network wants them."""

    values_TC: Array
    """Targets and covariates in the channels that the configuration gives them."""

    known_HX: Array
    """Known covariates beyond the end of the series."""

    names_X: tuple[str, ...]
    """How messages call the known covariates."""

    static_K: tuple[int, ...]

    origin: int = 0
    """Which of the given series it is, or is a channel of."""


def counts(covariates: Covariates, name: str) -> tuple[int, int, int]:
    """Numbers of known, past and static covariates."""
    return (
        _columns(covariates.known, name + KNOWN_TABLE).shape[1],
        _columns(covariates.past, name + PAST_TABLE).shape[1],
        len(covariates.static),
    )


def join(values_TV: Array, covariates: Covariates, config: TTMConfig, name: str) -> Joined:
    """Put targets and covariates side by side.

    Raises
    ------
    ValueError
        When their numbers are not those of the configuration, a covariate is shorter than the
        series, infinite or not numeric, or a category is out of range. The message begins with
        ``name``.
    """
    points = len(values_TV)
    known = _columns(covariates.known, name + KNOWN_TABLE, points)
    past = _columns(covariates.past, name + PAST_TABLE, points)
    static = tuple(int(category) for category in covariates.static)
    others = config.channels - len(config.targets) - len(config.covariate_channels)
    for what, found, wanted in (
        ("channels to forecast", values_TV.shape[1], len(config.targets)),
        ("covariates known in the future", known.shape[1], len(config.covariate_channels)),
        ("covariates known in the past only", past.shape[1], others),
        ("static covariates", len(static), len(config.static_cardinalities)),
    ):
        if found != wanted:
            raise ValueError(f"{name} has {found} {what}, this model takes {wanted}")
    for what, array in (("known in the future", known), ("known in the past", past)):
        _check_length(array, points, what, name)
    for i, (category, cardinality) in enumerate(
        zip(static, config.static_cardinalities, strict=True)
    ):
        if not 0 <= category < cardinality:
            raise ValueError(
                f"{name} has category {category} of static covariate {i}, this model knows 0 to "
                f"{cardinality - 1}"
            )
    values_TC = np.empty((points, config.channels))
    values_TC[:, list(config.targets)] = values_TV
    values_TC[:, list(config.covariate_channels)] = known[:points]
    taken = {*config.targets, *config.covariate_channels}
    values_TC[:, [c for c in range(config.channels) if c not in taken]] = past[:points]
    columns = getattr(covariates.known, "columns", range(known.shape[1]))
    return Joined(values_TC, known[points:], tuple(repr(column) for column in columns), static)


class KnownInFuture(NamedTuple):
    """Covariates of a series that are known in the future."""

    values_TX: Array
    """Of the history and the horizon."""

    names: tuple[str, ...]

    unseen: tuple[str, ...]
    """Those without any value in the history: nothing can be learnt of them."""


def known_in_future(covariates: Covariates, points: int, steps: int, name: str) -> KnownInFuture:
    """Covariates of a series of so many points that are known for so many steps after it.

    Raises
    ------
    ValueError
        When they are shorter than the series, infinite or not numeric, or those with a value in
        the history do not reach the last step. The message begins with ``name``.
    """
    known_TX = _columns(covariates.known, name + KNOWN_TABLE, points)
    _check_length(known_TX, points, "known in the future", name)
    columns = [*getattr(covariates.known, "columns", range(known_TX.shape[1]))]
    seen_X: Mask = np.asarray((~np.isnan(known_TX[:points])).any(axis=0))
    quoted = tuple(repr(column) for column, seen in zip(columns, seen_X, strict=True) if seen)
    seen_TX = known_TX[:, seen_X]
    check_future(Joined(seen_TX[:points], seen_TX[points:], quoted, ()), steps, name)
    named = hasattr(covariates.known, "columns")
    names = tuple(str(column) if named else f"covariate {column}" for column in columns)
    values_TX = np.full((points + steps, len(names)), np.nan)
    values_TX[: len(known_TX)] = known_TX[: points + steps]
    unseen = tuple(one for one, seen in zip(names, seen_X, strict=True) if not seen)
    return KnownInFuture(values_TX, names, unseen)


def check_future(joined: Joined, steps: int, name: str) -> None:
    """Refuse a future that is not known.

    Raises
    ------
    ValueError
        When a known covariate has no row for a step, or no value at any. The message names the
        covariates and the steps.
    """
    rows = len(joined.known_HX)
    if not joined.names_X:
        return
    if rows < steps:
        raise ValueError(
            f"{name} has no future values of the covariates {', '.join(joined.names_X)} for the "
            f"steps {rows + 1} to {steps} of {steps}: give all that are to be forecast"
        )
    unknown: Mask = np.asarray(np.isnan(joined.known_HX[:steps]).all(axis=0))
    names = [one for one, missing in zip(joined.names_X, unknown, strict=True) if missing]
    if names:
        raise ValueError(
            f"{name} has no future values of the covariates {', '.join(names)} for the steps 1 to "
            f"{steps} of {steps}, only NaN: give them, or make them covariates of the past"
        )


def scale_future(known_BHX: Array, batch: Batch, config: TTMConfig) -> npt.NDArray[np.float32]:
    """Known futures on the scale of their histories."""
    channels = list(config.covariate_channels)
    scale_BX = batch.scale_BC[:, channels]
    scale_B1X = np.where(scale_BX > 0, scale_BX, 1.0)[:, None]
    scaled_BHX = (known_BHX - batch.loc_BC[:, None, channels]) / scale_B1X
    return np.clip(scaled_BHX, -MAX_SCALED_COVARIATE, MAX_SCALED_COVARIATE).astype(np.float32)


def _check_length(array: Array, points: int, what: str, name: str) -> None:
    """Refuse covariates that are shorter than their series."""
    if len(array) < points:
        raise ValueError(
            f"{name} has {points} points, but its covariates {what} have {len(array)}: give "
            "them from the first point of the series on, NaN where missing"
        )


def _columns(values: Any, name: str, points: int = 0) -> Array:
    """Read covariates as float64 of shape (time, covariates), of none at all as many rows."""
    if values is None:
        return np.empty((points, 0))
    array = as_numbers(values, name, "covariates")
    return array[:, None] if array.ndim == 1 else array
