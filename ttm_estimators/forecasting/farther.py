"""A second look at long histories, from farther away (ours).

What is many steps ahead depends little on single points of the past, and much on what lies far
back. A history that is longer than what the network sees is averaged in blocks of a few points, so
that several times as much fits in, and forecast once more. Far steps are the mean of both
forecasts, near steps are those of the first.

Shape suffixes: N rows, T time, C channels, H horizon, L quantile levels.
"""

from __future__ import annotations

import numpy as np
from einops import rearrange

from ttm_estimators.forecasting.series import Array
from ttm_estimators.network import TTMConfig

NEAR = 96
"""Steps that are forecast from near alone."""

FAR = 336
"""Steps from which on both forecasts count the same; in between the second fades in."""

SHARE = 0.5
"""Share that it then has."""


def block_length(config: TTMConfig) -> int:
    """Points in a block: as many as the coarsest scale of the network pools.

    1, and so no blocks, where they would reach no farther than the network looks already, and for
    networks that mix channels or take covariates, which are learnt step by step.
    """
    block = max(config.scales)
    reaches = block * config.context_length > config.input_length
    return block if reaches and not config.tied_channels else 1


def history_length(config: TTMConfig) -> int:
    """Latest points that a forecast depends on, while the latest value is among them."""
    return max(config.input_length, block_length(config) * config.context_length)


def from_farther(values_TC: Array, config: TTMConfig) -> Array | None:
    """Average a history in blocks, as far back as the network then sees.

    A block of which fewer than half of the points were observed is missing, as in training.

    Returns
    -------
    array or None
        Shape (blocks, channels), the last block ending with the series. None where the network
        looks at all of the history already, or no block has a value.
    """
    block = block_length(config)
    if block == 1 or len(values_TC) <= config.input_length:
        return None
    blocks = min(len(values_TC) // block, config.context_length)
    points = rearrange(values_TC[-blocks * block :], "(t block) c -> t block c", block=block)
    known = ~np.isnan(points)
    count_TC = known.sum(axis=1)
    # Each is divided before it is added: the largest of values would overflow.
    mean_TC = (np.where(known, points, 0.0) / np.maximum(count_TC, 1)[:, None]).sum(axis=1)
    mean_TC = np.where(2 * count_TC >= block, mean_TC, np.nan)
    return None if np.isnan(mean_TC).all() else mean_TC


def blocks_ahead(horizon: int, block: int) -> int:
    """Blocks that reach beyond the middle of the last step."""
    return -(-horizon // block) + 1


def mix(near_NHCL: Array, far_NHCL: Array, block: int) -> Array:
    """Mean of a forecast of steps and one of blocks, by the share that each has at a step.

    Between the middles of blocks the second is linear.
    """
    horizon = near_NHCL.shape[1]
    step_H = np.arange(horizon)
    place_H = np.maximum((step_H - (block - 1) / 2) / block, 0.0)
    before_H = place_H.astype(int)
    part_H = (place_H - before_H)[:, None, None]
    far_NHCL = (1 - part_H) * far_NHCL[:, before_H] + part_H * far_NHCL[:, before_H + 1]
    share_H = SHARE * np.clip((step_H - NEAR) / (FAR - NEAR), 0.0, 1.0)[:, None, None]
    mixed: Array = (1 - share_H) * near_NHCL + share_H * far_NHCL
    return mixed
