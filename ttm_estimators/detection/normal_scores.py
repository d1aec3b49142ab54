"""How far values lie from the middle of their predictive distributions.

Between and beyond the known levels a quantile is linear in the normal score of its level. That is
:func:`ttm_estimators.forecasting.quantile_levels.interpolate` the other way round, but for its
longer tails: how far out is too far is learnt from the scores themselves, whatever their scale.

Shape suffixes: Q quantile levels, A other axes: the values that are scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ttm_estimators.forecasting.quantile_levels import scores_of
from ttm_estimators.inputs.arrays import Array

MAX_SCORE = 38.0
"""Largest normal score: the tail probability of a larger one is no float64."""


def normal_scores(values_A: Array, quantiles_AQ: Array, levels: Sequence[float]) -> Array:
    """Normal score of each value in its distribution.

    Parameters
    ----------
    values_A : array
        Values, NaN where missing.
    quantiles_AQ : array
        Quantiles of the distribution of each, increasing, at least two.
    levels : sequence of float
        Their levels, increasing.

    Returns
    -------
    array
        Scores from -38 to 38, NaN where a value or its quantiles are missing. A value that is
        several quantiles at once has that of their scores which is nearest to 0.
    """
    score_Q = scores_of(levels)
    last = len(score_Q) - 1
    value_A1 = values_A[:, None]
    below_A = (quantiles_AQ < value_A1).sum(axis=1)
    upto_A = (quantiles_AQ <= value_A1).sum(axis=1)
    left_A = np.clip(below_A - 1, 0, last - 1)
    rows = np.arange(len(values_A))
    low_A, high_A = quantiles_AQ[rows, left_A], quantiles_AQ[rows, left_A + 1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        fraction_A = (values_A - low_A) / (high_A - low_A)
        found_A = score_Q[left_A] + fraction_A * (score_Q[left_A + 1] - score_Q[left_A])
    tied_A = np.clip(0.0, score_Q[np.minimum(below_A, last)], score_Q[np.maximum(upto_A - 1, 0)])
    found_A = np.where(upto_A > below_A, tied_A, found_A).clip(-MAX_SCORE, MAX_SCORE)
    missing_A = np.isnan(values_A) | np.isnan(quantiles_AQ).any(axis=1)
    scores: Array = np.where(missing_A, np.nan, found_A)
    return scores


def values_at(scores_A: Array, quantiles_AQ: Array, levels: Sequence[float]) -> Array:
    """Values that have given normal scores, each in its own distribution.

    Parameters
    ----------
    scores_A : array
        Normal scores.
    quantiles_AQ : array
        Quantiles of the distribution of each, increasing, at least two.
    levels : sequence of float
        Their levels, increasing.
    """
    score_Q = scores_of(levels)
    left_A = np.clip(np.searchsorted(score_Q, scores_A, side="right") - 1, 0, len(score_Q) - 2)
    fraction_A = (scores_A - score_Q[left_A]) / (score_Q[left_A + 1] - score_Q[left_A])
    rows = np.arange(len(scores_A))
    low_A, high_A = quantiles_AQ[rows, left_A], quantiles_AQ[rows, left_A + 1]
    values: Array = low_A + fraction_A * (high_A - low_A)
    return values
