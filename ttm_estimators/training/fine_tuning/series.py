"""From a user's series to windows: checked arrays, joined with covariates, cut.

Shape suffixes: T time, C channels, V target channels, S steps of one scale.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from ttm_estimators.data.split_windows import Cuts, Windows, cutoffs, make_windows
from ttm_estimators.inputs.aggregation import aggregated, forecasting_of
from ttm_estimators.inputs.arrays import Array, as_list, as_numbers
from ttm_estimators.inputs.covariates import Covariates, Joined, counts, join
from ttm_estimators.inputs.outliers import (
    Outlier,
    OutlierWarning,
    TimeOf,
    describe,
    warn_of_kept_codes,
    without_outliers,
)
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.add_covariates import add_covariates
from ttm_estimators.training.fine_tuning.config import FineTuneConfig

VALIDATION_TO_TRAINING_WINDOWS = 0.25
"""Validation windows at most, for each training window at most."""


class Arrays(NamedTuple):
    """Checked series, of shape (time,) or (time, channels)."""

    series: list[Array]
    names: Sequence[str]
    """How messages call each."""

    kind: str
    """How messages call all: "series" or "validation series"."""

    outliers: tuple[Outlier, ...]
    """Impossible readings that became missing."""


def read_arrays(
    series: Sequence[Any],
    names: Sequence[str] | None,
    kind: str,
    *,
    keep_outliers: bool,
    time_of: TimeOf | None = None,
) -> Arrays:
    """Check series, and take their impossible readings as missing, with a warning."""
    items = as_list(series)
    names = names or [f"{kind} {i}" for i in range(len(items))]
    arrays = [as_numbers(one, name) for one, name in zip(items, names, strict=True)]
    outliers: list[Outlier] = []
    for i, array in enumerate(() if keep_outliers else arrays):
        arrays[i], found = without_outliers(array, i)
        outliers += found
    if outliers:
        message = describe(outliers, names, "set keep_outliers=True", time_of)
        warnings.warn(message, OutlierWarning, stacklevel=3)
    if not keep_outliers:
        warn_of_kept_codes(arrays, names, stacklevel=3)
    return Arrays(arrays, names, kind, tuple(outliers))


def with_covariates(
    network: TinyTimeMixer,
    arrays: Arrays,
    covariates: Sequence[Covariates] | None,
    *,
    mix_channels: bool,
) -> TinyTimeMixer:
    """Copy a network, with the channels and covariates that it shall have."""
    named = zip(covariates or (), arrays.names, strict=False)
    kinds = {counts(one, name) for one, name in named} or {(0, 0, 0)}
    if len(kinds) > 1:
        raise ValueError(
            f"series have different numbers of (known, past, static) covariates: {sorted(kinds)}"
        )
    known, past, static = kinds.pop()
    targets = max((one.shape[1] for one in arrays.series if one.ndim == 2), default=1)
    mixed = mix_channels and targets > 1
    if network.config.tied_channels or not (mixed or known or past or static):
        return copy.deepcopy(network)
    categories = list(zip(*(one.static for one in covariates or ()), strict=True))
    if any(category < 0 for column in categories for category in column):
        raise ValueError("static covariates are categories from 0 on, some are negative")
    return add_covariates(
        network,
        targets=targets,
        known=known,
        past=past,
        static_cardinalities=tuple(int(max(column)) + 1 for column in categories),
        mix_channels=mixed,
    )


def join_covariates(
    arrays: Arrays, covariates: Sequence[Covariates] | None, config: TTMConfig
) -> list[Joined]:
    """Series with their covariates; each channel by itself where the network takes them so."""
    series, names = arrays.series, arrays.names
    if covariates is not None and len(covariates) != len(series):
        raise ValueError(
            f"there are {len(series)} {arrays.kind}, but covariates of {len(covariates)}"
        )
    joined = []
    for i, one in enumerate(series):
        values_TV = one[:, None] if one.ndim == 1 else one
        if config.tied_channels:
            mine = Covariates() if covariates is None else covariates[i]
            one_joined = join(values_TV, mine, config, names[i])
            joined.append(one_joined._replace(origin=i))
        else:
            joined += [
                Joined(column_T[:, None], column_T[:0, None], (), (), origin=i)
                for column_T in values_TV.T
            ]
    return joined


def cut_windows(
    training: list[Cuts],
    validation: list[Cuts] | None,
    network: TinyTimeMixer,
    horizon: int,
    settings: FineTuneConfig,
) -> tuple[Windows, Windows | None]:
    """Make windows to train on and to validate on.

    Raises
    ------
    ValueError
        When nothing can be cut, or nothing behind a history as long as ``settings`` ask for.
    """
    if not training or validation == []:
        raise ValueError(
            "there is nothing to train on: no series has the two points that a window takes, or "
            "three where its last part is kept for validation"
        )
    config = network.config
    training = training + _aggregated(training, network, horizon)
    shortest = settings.shortest_history or config.context_length
    found = [one.after(shortest, half=settings.shortest_history is None) for one in training]
    if not any(one.points for one in found):
        last = max(one.first + one.points - 1 for one in training)
        raise ValueError(
            f"there is nothing to train on: no series has {shortest} points before a future, as "
            f"shortest_history asks, {last} at most"
        )
    max_windows = max(1, settings.windows // config.channels)
    max_validation = max(1, round(VALIDATION_TO_TRAINING_WINDOWS * max_windows))

    def windows(cuts: list[Cuts], maximum: int) -> Windows:
        return make_windows(cuts, config, horizon, max_windows=maximum, seed=settings.seed)

    return (
        windows([one for one in found if one.points], max_windows),
        windows(validation, max_validation) if validation else None,
    )


def _aggregated(training: list[Cuts], network: TinyTimeMixer, horizon: int) -> list[Cuts]:
    """Cuts of the block medians that long series are forecast from too."""
    config, factors = network.config, forecasting_of(network).aggregation_factors
    cuts = []
    for one in training:
        for factor, values_SC in aggregated(one.series.values_TC, config, factors).items():
            bounds = cutoffs(len(values_SC), max(1, horizon // factor))
            cuts.append(Cuts(one.series._replace(values_TC=values_SC), *bounds))
    return cuts
