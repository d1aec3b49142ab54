"""Quantiles at any level from those that a network gives.

Shape suffixes: Q quantile levels of the network, A other axes: the levels that are asked for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


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


def interpolate(quantiles_Q: Tensor, known: tuple[float, ...], wanted: tuple[float, ...]) -> Tensor:
    """Quantiles at wanted levels from those at known ones.

    Between and beyond the known levels a quantile is linear in the normal score of its level
    (ours): exact for a normal distribution, and tails fall off like one. A known level is itself,
    and the order of quantiles is kept.

    Parameters
    ----------
    quantiles_Q : Tensor
        Quantiles in the last axis, any leading shape.
    known, wanted : tuple of float
        Levels. With one known level every wanted one must equal it.

    Returns
    -------
    Tensor
        The wanted levels in the last axis.
    """
    if len(known) == 1:
        return quantiles_Q.expand(*quantiles_Q.shape[:-1], len(wanted))
    score_Q = torch.special.ndtri(torch.tensor(known, dtype=torch.float64))
    score_A = torch.special.ndtri(torch.tensor(wanted, dtype=torch.float64))
    left_A = (torch.searchsorted(score_Q, score_A, right=True) - 1).clamp(0, len(known) - 2)
    fraction_A = (score_A - score_Q[left_A]) / (score_Q[left_A + 1] - score_Q[left_A])
    low_A = quantiles_Q[..., left_A]
    # Not (1 - fraction) * low + fraction * high, which rounds equal quantiles out of order.
    return low_A + fraction_A.to(low_A) * (quantiles_Q[..., left_A + 1] - low_A)
