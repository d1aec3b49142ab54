"""Temporal aggregation: far steps of long series, forecast from block medians too (ours).

What is many steps ahead depends little on single points of the past, and much on what lies far
back. A history that is longer than what the network sees is also forecast from medians of blocks,
once for each block length (:mod:`ttm_estimators.inputs.aggregation`). The median of a step then
becomes the mean of these forecasts, weighted by one over the square of the spread that each
expects. That is a rule of thumb, for the forecasts share data, and a block has less noise than a
step. Cycles that are shorter than a block, and the width of bands, stay as they were forecast from
single points. Combining forecasts of several sampling factors is known as temporal hierarchies
(Athanasopoulos et al. 2017) and as MAPA (Kourentzes, Petropoulos and Trapero 2014), which choose
their weights otherwise.

Shape suffixes: N series, S steps (blocks of one length), C channels, H horizon, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from einops import rearrange

from ttm_estimators.inputs.arrays import Array
from ttm_estimators.network.config import TTMConfig

UNCHANGED_STEPS = 48
"""Nearest steps, which stay: they hang on the latest points. Blocks lower their error by 0.4 % and
take as long again for each block length, and most horizons are not longer."""

FULL_WEIGHT_STEP = 96
"""The first step at which the forecasts from blocks have all of their weight."""

MIN_RELATIVE_SPREAD = 1e-3
"""Least spread of a forecast from blocks, as a fraction of that from single points, that makes a
difference."""


def steps_to_forecast(horizon: int, config: TTMConfig, factors: Sequence[int]) -> int:
    """Steps to forecast so that the last of a horizon lies between the middles of two blocks.

    A longer horizon then begins with the shorter one. No other pass of the network is made for it:
    see :func:`combine`.
    """
    longest = max(factors)
    passes = -(-horizon // config.horizon)
    return max(horizon, min(passes * config.horizon, (horizon // longest + 2) * longest))


def combine(steps_NHCQ: Array, blocks: Mapping[int, Array], median: int, pass_steps: int) -> Array:
    """Shift a forecast to its mean with those from block medians, all quantiles of a step alike.

    A step without any spread stays: a constant goes on as it is. The last steps of a pass of the
    network are shifted as far as its last whole block: the next block is not always forecast.

    Parameters
    ----------
    steps_NHCQ : array
        Quantiles of steps, more than ``UNCHANGED_STEPS``.
    blocks : mapping of int to array
        For each block length, quantiles of the medians of as many whole blocks as fit in, of shape
        (N, S, C, Q).
    median : int
        Index of the median among the quantiles.
    pass_steps : int
        Steps that the network forecasts in one pass.
    """
    horizon = steps_NHCQ.shape[1]
    spread_NHC = _spread(steps_NHCQ)
    shift_NHC, weight_NHC = np.zeros_like(spread_NHC), np.ones_like(spread_NHC)
    for factor, block_NSCQ in blocks.items():
        whole_NHC = steps_NHCQ[:, : block_NSCQ.shape[1] * factor, :, median]
        middle_NSC = np.median(rearrange(whole_NHC, "n (s l) c -> n s l c", l=factor), axis=2)
        change_NHC = _at_steps(block_NSCQ[..., median] - middle_NSC, factor, horizon, pass_steps)
        block_spread_NHC = _at_steps(_spread(block_NSCQ), factor, horizon, pass_steps)
        with np.errstate(over="ignore"):  # next to a spread of next to nothing
            relative_NHC = np.divide(
                block_spread_NHC,
                spread_NHC,
                out=np.full_like(spread_NHC, np.inf),
                where=spread_NHC > 0,
            )
        each_NHC = np.maximum(relative_NHC, MIN_RELATIVE_SPREAD) ** -2
        shift_NHC, weight_NHC = shift_NHC + each_NHC * change_NHC, weight_NHC + each_NHC
    ramp_H = (np.arange(1, horizon + 1) - UNCHANGED_STEPS) / (FULL_WEIGHT_STEP - UNCHANGED_STEPS)
    fraction_H = np.clip(ramp_H, 0.0, 1.0)
    combined: Array = steps_NHCQ + (fraction_H[:, None] * shift_NHC / weight_NHC)[..., None]
    return combined


def _spread(quantiles_Q: Array) -> Array:
    """Distance of the outer quantiles."""
    spread: Array = quantiles_Q[..., -1] - quantiles_Q[..., 0]
    return spread


def _at_steps(block_NSC: Array, factor: int, horizon: int, pass_steps: int) -> Array:
    """Values of blocks at steps: linear between the middles of blocks, constant before the first
    and after the last of a pass of the network.
    """
    step_H = np.arange(horizon)
    passed_H = (step_H // pass_steps + 1) * pass_steps
    last_H = np.minimum(np.maximum(passed_H // factor, 1), block_NSC.shape[1]) - 1
    position_H = ((step_H - (factor - 1) / 2) / factor).clip(0, last_H)
    before_H = position_H.astype(int)
    fraction_H = (position_H - before_H)[:, None]
    after_H = np.minimum(before_H + 1, last_H)
    at: Array = (1 - fraction_H) * block_NSC[:, before_H] + fraction_H * block_NSC[:, after_H]
    return at
