"""Checks of data before those of sktime, whose messages name its internal formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pandas.api.types import is_complex_dtype, is_numeric_dtype


def check_frame(y: Any, name: str = "y") -> None:
    """Refuse columns that are not numeric, dates out of order, and series without values.

    Formats that are not checked here are left to sktime.

    Raises
    ------
    TypeError
        When columns are not numeric or dates not in order, or a panel is no DataFrame, as in
        sktime.
    ValueError
        When a series is empty.
    """
    if isinstance(y, list):
        for i, one in enumerate(y):
            check_frame(one, f"series {i} of {name}")
    if not isinstance(y, (pd.Series, pd.DataFrame)) or _holds_series(y):
        return
    if isinstance(y, pd.Series) and isinstance(y.index, pd.MultiIndex):
        raise TypeError(
            f"{name} is a Series of several series, which sktime takes as a DataFrame only: give "
            f"{name}.to_frame()"
        )
    if len(y) == 0:
        raise ValueError(f"{name} is empty: drop it, or give it at least one value")
    columns = y.to_frame() if isinstance(y, pd.Series) else y
    for column, dtype in columns.dtypes.items():
        if not is_numeric_dtype(dtype) or is_complex_dtype(dtype):
            where = name if isinstance(y, pd.Series) else f"column {column!r} of {name}"
            raise TypeError(
                f"{where} is not numeric but {dtype}, categorical to sktime: convert it to numbers"
            )
    if not y.index.is_monotonic_increasing:  # series of a panel may come in any order
        for where, times in _dates(y.index, name):
            if not times.is_monotonic_increasing:
                raise TypeError(f"the dates of {where} are not in order: sort them, y.sort_index()")


def _holds_series(y: pd.Series | pd.DataFrame) -> bool:
    """Whether cells are series, as in sktime's nested format."""
    return isinstance(y, pd.DataFrame) and y.size > 0 and isinstance(y.iloc[0, 0], pd.Series)


def _dates(index: pd.Index, name: str) -> Iterator[tuple[str, pd.Series]]:
    """Dates of each series, and its name in messages."""
    times = index.get_level_values(-1).to_series()
    if not isinstance(index, pd.MultiIndex):
        yield name, times
        return
    for key, each in times.groupby(index.droplevel(-1), sort=False):
        yield f"series {key!r} of {name}", each
