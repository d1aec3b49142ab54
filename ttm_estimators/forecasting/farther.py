"""Long histories looked at from farther away too (ours).

What is many steps ahead depends little on single points of the past, and much on what lies far
back: a network that sees a week of five-minute values can not know how weeks repeat. A history that
is longer than what the network looks at is averaged in blocks of a few points, so that several
times as much fits in, and forecast once more for each block length. A forecast is then moved to the
mean of what it is from near and from farther away, each with a weight of one over the square of the
spread that it expects, as independent forecasts are best combined. What goes on within blocks, and
the width of bands, stays as it was forecast from near.

Shape suffixes: N rows, T time, C channels, H horizon, F blocks ahead, Q quantile levels,
K looks, the one from near first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from einops import rearrange

from ttm_estimators.forecasting.series import Array
from ttm_estimators.network.config import MOST_FAR, TTMConfig

NEAR = MOST_FAR
"""Steps that are forecast from near alone: the nearest ones hang on the latest points, and no block
is longer."""

FAR = 48
"""Steps from which on a forecast is moved all of the way."""

SHARPEST = 1e-3
"""Least share of the widest spread that makes a difference."""


def history_length(config: TTMConfig) -> int:
    """Latest points that a forecast depends on, while the latest value is among them."""
    return max(
        config.input_length, *(block * config.context_length for block in (1, *config.far_factors))
    )


def from_farther(values_TC: Array, config: TTMConfig) -> list[Array]:
    """Average a history in blocks, as far back as the network then sees, for each block length.

    A block of which fewer than half of the points were observed is missing, as in training.

    Returns
    -------
    list of array
        Each of shape (blocks, channels), the last block ending with the series. Empty where the
        network looks at all of the history already, or blocks of one length hold less than half of
        what was observed.
    """
    observed = np.flatnonzero(~np.isnan(values_TC).all(axis=1))
    length = len(values_TC) - observed[0]
    if length <= config.input_length:
        return []
    looks = [_block_means(values_TC[-length:], block, config) for block in config.far_factors]
    known = [look_TC for look_TC in looks if look_TC is not None]
    return known if len(known) == len(looks) else []


def _block_means(values_TC: Array, block: int, config: TTMConfig) -> Array | None:
    """Means of blocks, None where they hold little of what was observed."""
    blocks = min(len(values_TC) // block, config.context_length)
    points = rearrange(values_TC[-blocks * block :], "(t block) c -> t block c", block=block)
    known = ~np.isnan(points)
    count_TC = known.sum(axis=1)
    enough_TC = 2 * count_TC >= block
    if 2 * count_TC[enough_TC].sum() < count_TC.sum():
        return None
    # Each is divided before it is added: the sum of the largest values would overflow.
    share = np.where(known, points, 0.0) / np.maximum(count_TC, 1)[:, None]
    mean_TC: Array = np.where(enough_TC, share.sum(axis=1), np.nan)
    return mean_TC


def move(near_NHCQ: Array, far_NFCQ: Sequence[Array], factors: Sequence[int], median: int) -> Array:
    """Move a forecast to what it is from farther away, all quantiles of a step alike.

    Parameters
    ----------
    near_NHCQ : array
        Quantiles of steps, more than ``NEAR``.
    far_NFCQ : sequence of array
        Quantiles of the means of as many whole blocks as fit in, for each block length.
    factors : sequence of int
        The block lengths, in steps.
    median : int
        Place of the median among the quantiles.
    """
    horizon = near_NHCQ.shape[1]
    changes, spreads = [], [_spread(near_NHCQ)]
    for block, each_NFCQ in zip(factors, far_NFCQ, strict=True):
        blocks = each_NFCQ.shape[1]
        steps = near_NHCQ[:, : blocks * block, :, median]
        mean_NFC = rearrange(steps, "n (f s) c -> n f s c", s=block).mean(axis=2)
        changes.append(_at_steps(each_NFCQ[..., median] - mean_NFC, block, horizon))
        spreads.append(_at_steps(_spread(each_NFCQ), block, horizon))
    share_KNHC = _shares(np.stack(spreads))
    moved_NHC = (share_KNHC[1:] * np.stack(changes)).sum(axis=0)
    part_H = np.clip((np.arange(horizon) - NEAR) / (FAR - NEAR), 0.0, 1.0)
    moved: Array = near_NHCQ + (part_H[:, None] * moved_NHC)[..., None]
    return moved


def _spread(quantiles_Q: Array) -> Array:
    """How far the outer quantiles lie apart."""
    spread: Array = quantiles_Q[..., -1] - quantiles_Q[..., 0]
    return spread


def _shares(spread_KNHC: Array) -> Array:
    """Weights of looks that add up to one: equal where none expects any spread."""
    widest_NHC = spread_KNHC.max(axis=0)
    relative_KNHC = np.divide(
        spread_KNHC, widest_NHC, out=np.ones_like(spread_KNHC), where=widest_NHC > 0
    )
    precision_KNHC = np.maximum(relative_KNHC, SHARPEST) ** -2
    share: Array = precision_KNHC / precision_KNHC.sum(axis=0)
    return share


def _at_steps(block_NFC: Array, block: int, horizon: int) -> Array:
    """Linear between the middles of blocks, constant before the first and after the last."""
    last = block_NFC.shape[1] - 1
    place_H = ((np.arange(horizon) - (block - 1) / 2) / block).clip(0, last)
    before_H = place_H.astype(int)
    part_H = (place_H - before_H)[:, None]
    after_H = np.minimum(before_H + 1, last)
    at: Array = (1 - part_H) * block_NFC[:, before_H] + part_H * block_NFC[:, after_H]
    return at
