"""Long histories looked at from farther away too (ours).

What is many steps ahead depends little on single points of the past, and much on what lies far
back: a network that sees a week of five-minute values can not know how weeks repeat. Of a history
that is longer than what the network looks at, medians of blocks of a few points are forecast too,
so that several times as much fits in, once for each block length. A forecast is then moved to the
mean of what it is from near and from farther away, with weights of one over the square of the
spread that each look expects: a rule of thumb, for looks share data, and a block has less noise
than a step. What goes on within blocks, and the width of bands, stays as it was forecast from near.

Medians, not means: the mean of a block of skewed noise lies above most of its points, and a
forecast of it above the median of what comes.

Shape suffixes: N rows, T time, C channels, H horizon, F blocks ahead, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from einops import rearrange

from ttm_estimators.inputs.arrays import Array
from ttm_estimators.inputs.batch import end_of, without_leading
from ttm_estimators.network.config import MOST_FAR, TTMConfig

NEAR = MOST_FAR
"""Steps that are forecast from near alone: the nearest ones hang on the latest points, and no block
is longer."""

FAR = 48
"""The first step that is moved all of the way."""

SHARPEST = 1e-3
"""Least spread from farther away, as a share of that from near, that makes a difference."""


def history_length(config: TTMConfig) -> int:
    """Latest points that a forecast depends on, where any of the latest context was observed."""
    farthest = config.far_factors[-1] if config.far_factors else 1
    return max(config.input_length, farthest * config.context_length)


def looked_at(values_TC: Array, config: TTMConfig) -> slice:
    """Points of a series that its forecast depends on."""
    end = end_of(values_TC, config.context_length)
    length = history_length(config) if end == len(values_TC) else config.input_length
    return slice(max(0, end - length), end)


def reach(horizon: int, config: TTMConfig) -> int:
    """Steps to forecast so that the last of a horizon lies between the middles of two blocks.

    A longer horizon then begins with the shorter one. No other pass of the network is made for it:
    see :func:`move`.
    """
    longest = config.far_factors[-1]
    passes = -(-horizon // config.horizon)
    return max(horizon, min(passes * config.horizon, (horizon // longest + 2) * longest))


def from_farther(values_TC: Array, config: TTMConfig) -> dict[int, Array]:
    """Medians of blocks of a history, as far back as the network then sees, for each block length.

    A block of which fewer than half of the points were observed is missing, as in training.

    Returns
    -------
    dict of int to array
        For each block length, of shape (blocks, channels), the last block ending with the series.
        Empty where the network looks at all of the history already, or blocks of one length hold no
        more than half of what was observed.
    """
    values_TC = without_leading(values_TC[-history_length(config) :])
    if len(values_TC) <= config.input_length:
        return {}
    looks = {}
    for block in config.far_factors:
        look_TC = _block_medians(values_TC, block, config)
        if look_TC is None:
            return {}
        looks[block] = look_TC
    return looks


def _block_medians(values_TC: Array, block: int, config: TTMConfig) -> Array | None:
    """Medians of blocks, None where they hold little of what was observed."""
    blocks = min(len(values_TC) // block, config.context_length)
    points = rearrange(values_TC[-blocks * block :], "(t block) c -> t block c", block=block)
    count_T1C = (~np.isnan(points)).sum(axis=1, keepdims=True)
    enough_T1C = 2 * count_T1C >= block
    if 2 * count_T1C[enough_T1C].sum() <= count_T1C.sum():
        return None
    points = np.sort(points, axis=1)  # missing ones last
    middle = [
        np.take_along_axis(points, np.maximum(place_T1C, 0), axis=1) / 2
        for place_T1C in ((count_T1C - 1) // 2, count_T1C // 2)
    ]  # halves: the sum of the largest values would overflow
    median_TC: Array = np.where(enough_T1C, sum(middle), np.nan)[:, 0]
    return median_TC


def move(near_NHCQ: Array, looks: Mapping[int, Array], median: int, at_once: int) -> Array:
    """Move a forecast to what it is from farther away, all quantiles of a step alike.

    A step without any spread stays: a constant goes on. The last steps of a pass of the network
    hold the change of its last whole block: what comes behind them is not always forecast.

    Parameters
    ----------
    near_NHCQ : array
        Quantiles of steps, more than ``NEAR``.
    looks : mapping of int to array
        For each block length, quantiles of the medians of as many whole blocks as fit in, of shape
        (N, F, C, Q).
    median : int
        Place of the median among the quantiles.
    at_once : int
        Steps that the network forecasts in one pass.
    """
    horizon = near_NHCQ.shape[1]
    near_NHC = _spread(near_NHCQ)
    moved_NHC, precision_NHC = np.zeros_like(near_NHC), np.ones_like(near_NHC)
    for block, far_NFCQ in looks.items():
        steps = near_NHCQ[:, : far_NFCQ.shape[1] * block, :, median]
        middle_NFC = np.median(rearrange(steps, "n (f s) c -> n f s c", s=block), axis=2)
        change_NHC = _at_steps(far_NFCQ[..., median] - middle_NFC, block, horizon, at_once)
        spread_NHC = _at_steps(_spread(far_NFCQ), block, horizon, at_once)
        with np.errstate(over="ignore"):  # next to a spread of next to nothing
            relative_NHC = np.divide(
                spread_NHC, near_NHC, out=np.full_like(near_NHC, np.inf), where=near_NHC > 0
            )
        each_NHC = np.maximum(relative_NHC, SHARPEST) ** -2
        moved_NHC, precision_NHC = moved_NHC + each_NHC * change_NHC, precision_NHC + each_NHC
    part_H = np.clip((np.arange(1, horizon + 1) - NEAR) / (FAR - NEAR), 0.0, 1.0)
    moved: Array = near_NHCQ + (part_H[:, None] * moved_NHC / precision_NHC)[..., None]
    return moved


def _spread(quantiles_Q: Array) -> Array:
    """How far the outer quantiles lie apart."""
    spread: Array = quantiles_Q[..., -1] - quantiles_Q[..., 0]
    return spread


def _at_steps(block_NFC: Array, block: int, horizon: int, at_once: int) -> Array:
    """Linear between the middles of blocks, constant before the first and after the last of a pass
    of the network.
    """
    step_H = np.arange(horizon)
    passed_H = (step_H // at_once + 1) * at_once
    last_H = np.minimum(np.maximum(passed_H // block, 1), block_NFC.shape[1]) - 1
    place_H = ((step_H - (block - 1) / 2) / block).clip(0, last_H)
    before_H = place_H.astype(int)
    part_H = (place_H - before_H)[:, None]
    after_H = np.minimum(before_H + 1, last_H)
    at: Array = (1 - part_H) * block_NFC[:, before_H] + part_H * block_NFC[:, after_H]
    return at
