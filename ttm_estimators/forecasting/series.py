"""From what a user has to batches that the network takes.

All scaling here is float64: a series of size 1e-30 or 1e+30, or one that varies little around a
large value, reaches the float32 network with mean 0 and standard deviation 1.

Shape suffixes: B batch, T time, C channels.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HOLD = 64
"""Steps for which a missing value takes the last observed one: a patch of the default network."""

LONGEST_GAP = 7 * 24 * 60
"""Missing steps at the end of a series that are forecast one by one. Of more, whole multiples are
left out, and this many kept, so that a series that ended long ago costs no more than twice this
roll-out. Seasons of 7, 12, 24, 48, 96, 144, 168, 288, 672 and 1440 steps divide it and keep their
phase (ours)."""

LARGEST = 1e300
"""Values beyond it could overflow when a forecast is scaled back."""

CONSTANT = 1e-13
"""Relative standard deviation under which a history counts as constant: rounding makes 1e-16."""


def validated_count(name: str, value: Any) -> int:
    """Take a whole number of at least 1.

    Raises
    ------
    ValueError
        When it is none. The message names it.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")
    return count


def as_list(series: Any) -> list[Any]:
    """Make a list of series of a sequence of them, or of a single 1-D one.

    Raises
    ------
    TypeError
        When it is no sequence, or an array or table that could be one series or many.
    """
    if isinstance(series, (str, bytes, Mapping)) or not isinstance(series, Iterable):
        raise TypeError(f"series must be a sequence of arrays, got {type(series).__name__}")
    shape = tuple(getattr(series, "shape", ()))
    if len(shape) > 1:
        raise TypeError(
            f"series has shape {shape}, which could be one series or many: give "
            "[series] for one with columns as channels, list(series) for one in each row"
        )
    if len(shape) == 1 and getattr(series, "dtype", None) != np.dtype(object):
        return [series]
    items = list(series)
    alone = bool(items) and all(isinstance(item, Number) or item is None for item in items)
    return [items] if alone else items


def as_numbers(values: Any, name: str, columns: str = "channels") -> Array:
    """Read float64 of shape (time,) or (time, columns), NaN where missing.

    Raises
    ------
    ValueError
        When the values are infinite, not numeric, a tensor that holds no plain numbers, or have
        more than two dimensions. The message begins with ``name``.
    """
    shapes = f"give an array of shape (time,) or (time, {columns})"
    if hasattr(values, "detach"):
        values = _from_tensor(values, name)
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "biuf":
        values = np.ma.filled(values.astype(np.float64), np.nan)
    try:
        raw = np.asarray(values)
    except ValueError:  # numpy's word for it is "inhomogeneous"
        raise ValueError(f"{name} has rows of unequal lengths: {shapes}") from None
    except (TypeError, RuntimeError) as error:  # of tensors in a list, of kinds that numpy lacks
        raise ValueError(
            f"{name} is nothing that numpy can read ({error}): make one array of it, or one tensor "
            "with torch.stack"
        ) from error
    if raw.ndim == 0 and raw.item() is None:
        raise ValueError(f"{name} is None, not a series: {shapes}")
    if raw.dtype == object:
        raw = _from_objects(values, raw, name)
    if raw.dtype.kind == "c":
        raise ValueError(f"{name} is complex: give its real and imaginary parts apart")
    if raw.dtype.kind not in "biuf":
        raise ValueError(f"{name} is not numeric (dtype {raw.dtype}): convert it to numbers")
    if raw.ndim not in (1, 2):
        raise ValueError(f"{name} has {raw.ndim} dimensions {raw.shape}: {shapes}")
    numbers = raw.astype(np.float64)
    if np.isinf(numbers).any():
        raise ValueError(f"{name} holds infinity: replace it by a number, or by NaN for missing")
    return numbers


def as_array(series: Any, name: str) -> Array:
    """Read one series to forecast, float64 of shape (time,) or (time, channels).

    Raises
    ------
    ValueError
        When it is empty, wholly missing, infinite, not numeric, or has more than two dimensions.
        The message begins with ``name``.
    """
    values = as_numbers(series, name)
    if values.size == 0:
        raise ValueError(f"{name} is empty: drop it, or give it at least one value")
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        where = f" in channel {int(np.argmax(empty))}" if values.ndim == 2 else ""
        raise ValueError(f"{name} is all missing{where}: drop it, or give it at least one value")
    if np.fmax.reduce(np.abs(values), axis=None) > LARGEST:
        raise ValueError(f"{name} holds values beyond {LARGEST:g}: rescale it")
    return values


def _from_tensor(tensor: Any, name: str) -> npt.NDArray[Any]:
    """Numbers of a tensor on any device, float64, which holds the formats that numpy lacks too."""
    if tensor.is_nested:
        raise ValueError(f"{name} is a nested tensor: give the series that its unbind() makes")
    if tensor.is_complex():
        raise ValueError(f"{name} is complex: give its real and imaginary parts apart")
    if tensor.is_quantized:
        raise ValueError(f"{name} is quantised ({tensor.dtype}): give its dequantize()")
    if tensor.is_meta:
        raise ValueError(f"{name} is a meta tensor, which has no values: give one that has")
    layout = str(tensor.layout).removeprefix("torch.").removeprefix("_")
    if layout != "strided":
        raise ValueError(f"{name} is a tensor of layout {layout}: give its to_dense()")
    try:
        return np.asarray(tensor.detach().cpu().double().resolve_neg().numpy())
    except (TypeError, RuntimeError) as error:  # NotImplementedError is one of the latter
        raise ValueError(
            f"{name} is a {type(tensor).__name__} of {tensor.dtype}, which torch does not convert: "
            "give a plain tensor of torch.float32"
        ) from error


def _from_objects(values: Any, raw: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Numbers from an object array, as lists with None and pandas' nullable types make them."""
    if hasattr(values, "to_numpy"):
        try:
            return np.asarray(values.to_numpy(dtype="float64", na_value=np.nan))
        except (TypeError, ValueError):
            pass
    if any(isinstance(value, (complex, np.complexfloating)) for value in raw.ravel()):
        raise ValueError(f"{name} is complex: give its real and imaginary parts apart")
    try:
        if any(isinstance(value, (str, bytes)) for value in raw.ravel()):
            raise TypeError
        return np.vectorize(_as_float, otypes=[np.float64])(raw)
    except OverflowError:
        raise ValueError(f"{name} holds values beyond {LARGEST:g}: rescale it") from None
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not numeric: convert it to numbers") from None


class History(NamedTuple):
    """What the network sees of a series."""

    name: str
    """How messages call the series."""

    values: Array
    """Shape (time, channels)."""

    gap: int
    """Steps between its end and the first one asked for."""


def latest(values: Array, context_length: int, input_length: int, name: str) -> History:
    """Cut a series of shape (time, channels) to its latest points, and let go of the rest.

    When the whole context is missing, the history ends with the last observed value instead, and
    what is missing behind it becomes a gap to forecast across. What is missing in front of the
    first observed value is no history.
    """
    end = end_of(values, context_length)
    gap = len(values) - end
    shortened = min(gap, LONGEST_GAP + gap % LONGEST_GAP)
    seen = without_leading(values[max(0, end - input_length) : end])
    return History(name, seen.copy(), shortened)


def end_of(values: Array, context_length: int) -> int:
    """Points up to the end, or to the last observed value where all of the context is missing."""
    if np.isnan(values[-1]).all() and np.isnan(values[-context_length:]).all():
        return int(np.flatnonzero(~np.isnan(values).all(axis=1))[-1]) + 1
    return len(values)


def without_leading(values: Array) -> Array:
    """Leave out the steps before the first at which any channel was observed."""
    observed = ~np.isnan(values).all(axis=1)
    return values[int(observed.argmax()) :]


def _as_float(value: Any) -> float:
    """Make a float of a number, and NaN of what pandas and Python call missing."""
    return math.nan if value is None or str(value) in ("<NA>", "NaT") else float(value)


def hold_last(past_BTC: Array, observed_BTC: Mask) -> tuple[Array, Mask]:
    """Let short gaps take the last value observed before them.

    A level so survives values that are missing at the end. The network was trained to see gaps,
    but takes a gap in its latest patch for a return to the mean (ours; last-value imputation is
    what the published pipelines do). What is longer than ``HOLD`` steps stays missing from there.
    """
    if observed_BTC.all():
        return past_BTC, observed_BTC
    steps_T = np.arange(past_BTC.shape[1])[:, None]
    last_BTC = np.maximum.accumulate(np.where(observed_BTC, steps_T, -1), axis=1)
    held_BTC = ~observed_BTC & (last_BTC >= 0) & (steps_T - last_BTC <= HOLD)
    filled_BTC = np.take_along_axis(past_BTC, np.maximum(last_BTC, 0), axis=1)
    return np.where(held_BTC, filled_BTC, past_BTC), observed_BTC | held_BTC


class Batch(NamedTuple):
    """Histories on the network's scale, and what takes forecasts back to the data's."""

    past_BTC: npt.NDArray[np.float32]
    """Histories, left-padded; 0 where nothing is known."""

    observed_BTC: Mask
    """Where a point was observed, or is held."""

    loc_BC: Array
    scale_BC: Array


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
    constant = deviation_B1C <= CONSTANT
    past /= np.where(constant, 1.0, deviation_B1C)
    np.copyto(past, 0.0, where=constant)
    # What lies before the context has no part in it: its values may be far away by now.
    for part in (np.s_[:, :-context_length], context):
        past[part], observed[part] = hold_last(past[part], observed[part])
    with np.errstate(over="ignore"):  # before the context, where the network cuts
        past_BTC = past.astype(np.float32)
    return Batch(
        past_BTC,
        observed,
        (mean_B1C * size_B1C)[:, 0],
        np.where(constant, 0.0, deviation_B1C * size_B1C)[:, 0],
    )
