"""A second look at long histories, from farther away (ours).

What is many steps ahead depends little on single points of the past, and much on what lies far
back. A history that is longer than what the network looks at is averaged in blocks of a few points,
so that several times as much fits in, and forecast once more. Far steps are then moved half of the
way to that forecast; what goes on within blocks, and the width of bands, stays as it was forecast
from near.

Shape suffixes: N rows, T time, C channels, H horizon, F blocks ahead, Q quantile levels.
"""

from __future__ import annotations

import numpy as np
from einops import rearrange

from ttm_estimators.forecasting.series import Array
from ttm_estimators.network import TTMConfig

NEAR = 96
"""Steps that are forecast from near alone."""

FAR = 336
"""Steps from which on the second look has its whole share."""

SHARE = 0.5
"""That share (a mean of two forecasts)."""


def history_length(config: TTMConfig) -> int:
    """Latest points that a forecast depends on, while the latest value is among them."""
    return max(config.input_length, config.far_factor * config.context_length)


def from_farther(values_TC: Array, config: TTMConfig) -> Array | None:
    """Average a history in blocks of ``config.far_factor``, as far back as the network then sees.

    A block of which fewer than half of the points were observed is missing, as in training.

    Returns
    -------
    array or None
        Shape (blocks, channels), the last block ending with the series. None where the network
        looks at all of the history already, or blocks hold less than half of what was observed.
    """
    block = config.far_factor
    observed = np.flatnonzero(~np.isnan(values_TC).all(axis=1))
    if block == 1 or len(values_TC) - observed[0] <= config.input_length:
        return None
    blocks = min((len(values_TC) - observed[0]) // block, config.context_length)
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


def move(near_NHCQ: Array, far_NFC: Array, block: int, median: int) -> Array:
    """Move far steps to what they are from farther away, all quantiles alike.

    Parameters
    ----------
    near_NHCQ : array
        Quantiles of steps.
    far_NFC : array
        Medians of as many whole blocks as fit in, two at least.
    block : int
        Steps in a block.
    median : int
        Place of the median among the quantiles.
    """
    horizon, blocks = near_NHCQ.shape[1], far_NFC.shape[1]
    steps = rearrange(near_NHCQ[:, : blocks * block, :, median], "n (f s) c -> n f s c", f=blocks)
    change_NFC = far_NFC - steps.mean(axis=2)
    # Linear between the middles of blocks, and constant before the first and after the last.
    step_H = np.arange(horizon)
    place_H = ((step_H - (block - 1) / 2) / block).clip(0, blocks - 1)
    before_H = np.minimum(place_H.astype(int), blocks - 2)
    part_H = (place_H - before_H)[:, None]
    change_NHC = (1 - part_H) * change_NFC[:, before_H] + part_H * change_NFC[:, before_H + 1]
    share_H = SHARE * np.clip((step_H - NEAR) / (FAR - NEAR), 0.0, 1.0)[:, None]
    moved: Array = near_NHCQ + (share_H * change_NHC)[..., None]
    return moved
