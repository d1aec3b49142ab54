"""A user's arrays, checked and read as float64, NaN where missing."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MAX_MAGNITUDE = 1e300
"""Larger values could overflow when a forecast is scaled back."""


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
    except (TypeError, RuntimeError) as error:  # a list of tensors of a dtype that numpy lacks
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
    if np.fmax.reduce(np.abs(values), axis=None) > MAX_MAGNITUDE:
        raise ValueError(f"{name} holds values beyond {MAX_MAGNITUDE:g}: rescale it")
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
        raise ValueError(f"{name} holds values beyond {MAX_MAGNITUDE:g}: rescale it") from None
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not numeric: convert it to numbers") from None


def _as_float(value: Any) -> float:
    """Make a float of a number, and NaN of what pandas and Python call missing."""
    return math.nan if value is None or str(value) in ("<NA>", "NaT") else float(value)
