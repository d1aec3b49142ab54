"""Tuples of tensors, and tuples of those, that are cut, joined and copied as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def map_tensors(function: Callable[..., Tensor], *values: Any) -> Any:
    """Apply a function to the tensors that stand in the same place of some tuples.

    Parameters
    ----------
    function : callable
        Takes as many tensors as there are values.
    *values : NamedTuple
        Of one type. Their fields are tensors, None, or such tuples again.
    """
    if values[0] is None:
        return None
    if isinstance(values[0], tuple):
        places = zip(*values, strict=True)
        return type(values[0])(*(map_tensors(function, *parts) for parts in places))
    return function(*values)
