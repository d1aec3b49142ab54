"""Features of known covariates, on the scale of their own history.

Shape suffixes: T time, X covariates known in the future, D features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ttm_estimators.inputs.arrays import Array

BEND_QUANTILES = (0.25, 0.75)
"""Quantiles of a covariate's history at which its effect may bend: load rises with heat and with
cold."""

SHORT_MEAN_STEPS = 4
"""Latest steps whose mean is a feature beside that of a season: houses warm up slowly (ours)."""

MAX_BENT_COLUMNS = 16
"""Continuous columns that get bends and means at most: of more, there are enough features."""

MAX_VALUES_OF_A_CATEGORY = 3
"""Different values of a column up to which it has neither bends nor means."""

MAX_RANGES_BEYOND_HISTORY = 0.5
"""How far a future covariate is believed beyond the lowest and highest of its history, in ranges of
it: effects are lines, and nobody has seen where they end."""


def continuous_columns(panel: Sequence[Array]) -> list[int]:
    """Columns that are more than categories in any series and so get bends and means, if few."""
    columns = range(panel[0].shape[1])
    found = [x for x in columns if any(_values(known_TX[:, x]) for known_TX in panel)]
    return found if len(found) <= MAX_BENT_COLUMNS else []


def make_features(
    known_TX: Array, points: int, season: int, continuous: list[int]
) -> tuple[Array, list[int]]:
    """Features of covariates, each with mean 0 and standard deviation 1 in the history.

    A missing value is the mean of its history.

    Parameters
    ----------
    known_TX : array
        Covariates of the history and the future, NaN where missing.
    points : int
        Points of the history.
    season : int
        Steps of a season, whose latest mean is a feature.
    continuous : list of int
        Columns that get bends and means.

    Returns
    -------
    features_TD : array
        Shape (T, D). A feature that does not vary in the history is 0.
    origins : list of int
        The column of ``known_TX`` that each comes from.
    """
    columns_TX = standardised(known_TX, points)
    parts, origins = [columns_TX], [*range(columns_TX.shape[1])]
    if continuous:
        smooth_TX = columns_TX[:, continuous]
        bends = np.quantile(smooth_TX[:points], BEND_QUANTILES, axis=0)
        bent = [smooth_TX, *(np.maximum(smooth_TX - bend_X, 0.0) for bend_X in bends)]
        parts += bent[1:]
        parts += [
            _latest_mean(each, steps) for steps in (SHORT_MEAN_STEPS, season) for each in bent
        ]
        origins += continuous * (len(bent) - 1 + 2 * len(bent))
    features_TD = np.concatenate(parts, axis=1)
    return (standardised(features_TD, points) if continuous else columns_TX), origins


def standardised(values_TX: Array, points: int) -> Array:
    """Columns with mean 0 and standard deviation 1 in the history, 0 where missing or constant."""
    history_TX = values_TX[:points]
    with np.errstate(all="ignore"):  # empty columns
        low_X, high_X = (np.nan_to_num(each(history_TX)) for each in (_lowest, _highest))
    # Halves of them, whose difference can not overflow.
    middle_X, size_X = low_X / 2 + high_X / 2, high_X / 2 - low_X / 2
    constant_X = size_X <= 1e-12 * np.maximum(np.abs(low_X), np.abs(high_X))
    values_TX = (values_TX - middle_X) / np.where(constant_X, 1.0, size_X)
    history_TX = values_TX[:points]
    count_X = np.maximum((~np.isnan(history_TX)).sum(axis=0), 1)
    mean_X = np.nansum(history_TX, axis=0) / count_X
    deviation_X = np.sqrt(np.nansum(np.square(history_TX - mean_X), axis=0) / count_X)
    constant_X |= deviation_X <= 1e-9
    scaled_TX = (values_TX - mean_X) / np.where(constant_X, 1.0, deviation_X)
    scaled_TX[:, constant_X] = 0.0
    scaled_TX = np.nan_to_num(scaled_TX, nan=0.0)
    low_X, high_X = scaled_TX[:points].min(axis=0), scaled_TX[:points].max(axis=0)
    beyond_X = MAX_RANGES_BEYOND_HISTORY * (high_X - low_X)
    return np.asarray(scaled_TX.clip(low_X - beyond_X, high_X + beyond_X))


def _lowest(values_TX: Array) -> Array:
    return np.asarray(np.fmin.reduce(values_TX, axis=0))


def _highest(values_TX: Array) -> Array:
    return np.asarray(np.fmax.reduce(values_TX, axis=0))


def _values(column_T: Array) -> bool:
    """Whether a column has more different values than a category."""
    values_T = column_T[~np.isnan(column_T)]
    for _ in range(MAX_VALUES_OF_A_CATEGORY):
        values_T = values_T[values_T != values_T[0]] if len(values_T) else values_T
    return len(values_T) > 0


def _latest_mean(values_TX: Array, steps: int) -> Array:
    """Mean of the latest steps at each, the first value repeated before the first step."""
    padded = np.concatenate([np.repeat(values_TX[:1], steps, axis=0), values_TX])
    sums = padded.cumsum(axis=0)
    return np.asarray((sums[steps:] - sums[:-steps]) / steps)
