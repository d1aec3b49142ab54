"""Test windows and their scores, in batches.

Shape suffixes: N windows, T time, C channels, H horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ttm_benchmarks.ltsf.protocol import Borders

Array = npt.NDArray[np.float64]

PointForecaster = Callable[[Sequence[Array], int], Array]
"""Takes histories of shape (T, C) and a horizon, returns point forecasts of shape (N, H, C)."""


@dataclass
class PointScores:
    """Mean squared and mean absolute error over every value added so far."""

    squared: float = 0.0
    absolute: float = 0.0
    values: int = 0

    def add(self, truth: Array, point: Array) -> None:
        """Count forecasts in.

        Raises
        ------
        ValueError
            When the shapes differ.
        """
        if truth.shape != point.shape:
            raise ValueError(f"forecasts have shape {point.shape}, the truth has {truth.shape}")
        error = point - truth
        self.squared += float(np.square(error).sum())
        self.absolute += float(np.abs(error).sum())
        self.values += error.size

    @property
    def mse(self) -> float:
        """Mean squared error."""
        return self.squared / self.values

    @property
    def mae(self) -> float:
        """Mean absolute error."""
        return self.absolute / self.values


def window_count(split: Borders, horizon: int, every: int = 1) -> int:
    """Count the test windows: each one that ends within the test part, or every so many.

    Raises
    ------
    ValueError
        When the test part is shorter than the horizon.
    """
    rows = split.test_end - split.test_start
    if rows < horizon:
        raise ValueError(f"the test part has {rows} rows, fewer than the horizon {horizon}")
    return len(range(0, rows - horizon + 1, every))


def iterate_windows(
    values_TC: Array, split: Borders, *, context: int, horizon: int, at_once: int, every: int = 1
) -> Iterator[tuple[list[Array], Array]]:
    """Views of every test window, or every so many, ``at_once`` of them at a time.

    Yields
    ------
    tuple
        Histories of shape (context, C), which reach back before the border (and are shorter only
        where the data begin), and their futures of shape (N, H, C).
    """
    starts = range(split.test_start, split.test_end - horizon + 1, every)
    for first in range(0, len(starts), at_once):
        part = starts[first : first + at_once]
        rows_TC = values_TC[part[0] : part[-1] + horizon]
        futures_NCH = np.lib.stride_tricks.sliding_window_view(rows_TC, horizon, axis=0)
        histories = [values_TC[max(0, start - context) : start] for start in part]
        yield histories, futures_NCH[::every].transpose(0, 2, 1)


def persistence(histories: Sequence[Array], horizon: int) -> Array:
    """Repeat the last value: what checks the protocol itself."""
    return np.stack([np.repeat(history[-1:], horizon, axis=0) for history in histories])
