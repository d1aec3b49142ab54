"""Quantiles at any level from those that a network gives.

Shape suffixes: Q quantile levels of the network, A other axes: the levels that are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array

TAIL_GROWTH = 0.25
"""By how much a tail is longer than a normal one, for each normal score beyond the outermost level
that is known (ours). From deciles to the level 0.999 it is within 4 % of Student's distribution
with 8 degrees of freedom. Of 0, 1/8, 1/4, 3/8 and 1/2 it has the lowest quantile losses at the
levels 0.005 to 0.05 and 0.95 to 0.995, on the corpus and on windows before tests together."""


def told(levels: Sequence[float]) -> str:
    """Levels as a message has them."""
    if len(levels) == 1:
        return f"quantile level {levels[0]:g}"
    return f"{len(levels)} quantile levels {min(levels):g} to {max(levels):g}"


def validated_levels(levels: npt.ArrayLike) -> tuple[float, ...]:
    """Read quantile levels, in the order given.

    Raises
    ------
    ValueError
        When there is none, or one lies outside (0, 1).
    """
    array = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    if array.ndim != 1 or array.size == 0:
        raise ValueError("quantile_levels must be a non-empty list of numbers in (0, 1)")
    for level in array:
        if not 0.0 < level < 1.0:
            raise ValueError(f"quantile level {level:g} lies outside (0, 1)")
    return tuple(float(level) for level in array)


def check_levels(known: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    """Refuse quantiles of a network that forecasts a point only.

    Raises
    ------
    ValueError
        When the network has one level and another is wanted.
    """
    if len(known) == 1 and set(wanted) != set(known):
        raise ValueError(
            f"this model forecasts the level {known[0]} only, not {wanted}: choose a model with a "
            "quantile head"
        )


def scores_of(levels: Sequence[float]) -> Array:
    """Normal scores of levels: 0 for 0.5, 1.28 for 0.9."""
    return np.array([NormalDist().inv_cdf(level) for level in levels])


def interpolate(quantiles_Q: Array, known: tuple[float, ...], wanted: tuple[float, ...]) -> Array:
    """Quantiles at wanted levels from those at known ones.

    Between known levels a quantile is linear in the normal score of its level (ours): exact for a
    normal distribution. Beyond them tails are longer, see :data:`TAIL_GROWTH`. A known level is
    itself, and the order of quantiles is kept.

    Parameters
    ----------
    quantiles_Q : array
        Quantiles in the last axis, any leading shape.
    known, wanted : tuple of float
        Levels. With one known level every wanted one must equal it.

    Returns
    -------
    array
        The wanted levels in the last axis.
    """
    if len(known) == 1:
        return np.repeat(quantiles_Q, len(wanted), axis=-1)
    score_Q, score_A = scores_of(known), scores_of(wanted)
    left_A = (np.searchsorted(score_Q, score_A, side="right") - 1).clip(0, len(known) - 2)
    beyond_A = score_A - score_A.clip(score_Q[0], score_Q[-1])
    score_A += TAIL_GROWTH * beyond_A * np.abs(beyond_A)
    fraction_A = (score_A - score_Q[left_A]) / (score_Q[left_A + 1] - score_Q[left_A])
    low_A = quantiles_Q[..., left_A]
    # Not (1 - fraction) * low + fraction * high, which rounds equal quantiles out of order.
    quantiles_A: Array = low_A + fraction_A.astype(low_A.dtype) * (
        quantiles_Q[..., left_A + 1] - low_A
    )
    return quantiles_A
