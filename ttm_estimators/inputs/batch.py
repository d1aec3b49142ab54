"""Histories as a network takes them: cut, scaled, padded, and short gaps filled.

All scaling here is float64: a series of size 1e-30 or 1e+30, or one that varies little around a
large value, reaches the float32 network with mean 0 and standard deviation 1.

The context, the latest ``context_length`` points, alone decides on the scale. Cycles are found in
the points before it too, ``input_length`` in all.

Shape suffixes: B batch, T time, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array, Mask
from ttm_estimators.inputs.forward_fill import forward_fill
from ttm_estimators.network.config import TTMConfig

MAX_GAP_STEPS = 7 * 24 * 60
"""Missing steps at the end of a series that are forecast one by one. Of more, whole multiples are
left out, and this many kept, so that a series that ended long ago costs no more than twice this
roll-out. Seasons of 7, 12, 24, 48, 96, 144, 168, 288, 672 and 1440 steps divide it and keep their
phase (ours)."""

MAX_DEVIATION_OF_A_CONSTANT = 1e-13
"""Standard deviation, as a fraction of the largest value, up to which a context counts as constant:
rounding makes 1e-16."""


class History(NamedTuple):
    """The part of a series that goes into the network: at most ``input_length`` points."""

    name: str
    """How messages call the series."""

    values: Array
    """Shape (time, channels)."""

    gap: int
    """Steps between its end and the first one asked for."""


class Batch(NamedTuple):
    """Histories on the network's scale, and what takes forecasts back to the data's."""

    past_BTC: npt.NDArray[np.float32]
    """Histories, left-padded; 0 where nothing is known."""

    observed_BTC: Mask
    """Where a point was observed, or is filled."""

    loc_BC: Array
    scale_BC: Array


def latest(values_TC: Array, input_length: int, name: str) -> History:
    """Cut a series to its latest points, copied, so that the rest can be freed.

    The history ends with the last observed value, and what is missing after it becomes a gap to
    forecast across. Missing steps before the first observed value are no history.
    """
    end = end_of(values_TC)
    gap = len(values_TC) - end
    shortened = min(gap, MAX_GAP_STEPS + gap % MAX_GAP_STEPS)
    seen_TC = without_leading(values_TC[max(0, end - input_length) : end])
    return History(name, seen_TC.copy(), shortened)


def end_of(values_TC: Array) -> int:
    """Points up to the last step at which any channel was observed."""
    if not np.isnan(values_TC[-1]).all():  # most series: no more is computed of them
        return len(values_TC)
    return int(np.flatnonzero(~np.isnan(values_TC).all(axis=1))[-1]) + 1


def without_leading(values_TC: Array) -> Array:
    """Leave out the steps before the first at which any channel was observed."""
    if not np.isnan(values_TC[0]).all():  # most series: no more is computed of them
        return values_TC
    observed_T = ~np.isnan(values_TC).all(axis=1)
    return values_TC[int(observed_T.argmax()) :]


def padded_length(longest: int, config: TTMConfig) -> int:
    """Points of a batch: the context, or all of the input where its longest history has more."""
    return config.input_length if longest > config.context_length else config.context_length


def make_batch(
    members: Sequence[tuple[str, Array]], context_length: int, length: int | None = None
) -> Batch:
    """Pad and scale series of one number of channels.

    Parameters
    ----------
    members : sequence of (str, array)
        Names for messages, and series of shape (time, channels), time at most ``length``.
    context_length : int
        Points that the network sees, and that decide on the scale.
    length : int, optional
        Points that the result has. Default: ``context_length``.

    Raises
    ------
    ValueError
        When a channel has no observed value while others have.
    """
    channels = members[0][1].shape[1]
    length = length or context_length
    past = np.full((len(members), length, channels), np.nan)
    for row, (_, values) in zip(past, members, strict=True):
        row[length - len(values) :] = values
    missing = np.isnan(past)
    observed = ~missing
    context = np.s_[:, -context_length:]
    for row, channel in np.argwhere(~observed[context].any(axis=1))[:1]:
        raise ValueError(
            f"{members[row][0]} has no observed value in channel {channel} within the "
            f"{context_length} points that this model sees of all channels at once: cut the series "
            "where that channel ends, or use a model that forecasts channels apart"
        )
    past[missing] = 0.0
    # Divided by the largest value first: squares of 1e+200 would overflow.
    size_B1C = np.abs(past[context]).max(axis=1, keepdims=True)
    size_B1C[size_B1C == 0.0] = 1.0
    with np.errstate(over="ignore"):  # before the context, where the network cuts
        past /= size_B1C
    count_B1C = observed[context].sum(axis=1, keepdims=True)
    mean_B1C = past[context].sum(axis=1, keepdims=True) / count_B1C
    past -= mean_B1C
    past[missing] = 0.0
    deviation_B1C = np.sqrt(np.square(past[context]).sum(axis=1, keepdims=True) / count_B1C)
    # A constant history has no scale: its forecast is the constant, with bands of no width.
    constant = deviation_B1C <= MAX_DEVIATION_OF_A_CONSTANT
    past /= np.where(constant, 1.0, deviation_B1C)
    np.copyto(past, 0.0, where=constant)
    if missing.any():
        past, observed = forward_fill(past, observed, context_length)
    with np.errstate(over="ignore"):  # before the context, where the network cuts
        past_BTC = past.astype(np.float32)
    return Batch(
        past_BTC,
        observed,
        (mean_B1C * size_B1C)[:, 0],
        np.where(constant, 0.0, deviation_B1C * size_B1C)[:, 0],
    )
