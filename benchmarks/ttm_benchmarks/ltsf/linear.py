"""A linear model as a check of the protocol: its published error on ETTh1 at 96 is 0.374.

It is NLinear (arXiv 2205.13504): the latest value is taken off a history of 336 points, one linear
layer shared by all channels makes the future of it, and the value is added again. Here the layer is
the least-squares solution on the training part.

Shape suffixes: N windows, T time, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CONTEXT_STEPS = 336


def fit_linear(train_TC: Array, horizon: int, context: int = CONTEXT_STEPS) -> Array:
    """Least squares over all windows and channels of the training part, shape (context, H).

    Raises
    ------
    ValueError
        When the training part is shorter than a window.
    """
    if len(train_TC) < context + horizon:
        raise ValueError(
            f"the training part has {len(train_TC)} rows, fewer than the {context + horizon} of a "
            "window of the linear model"
        )
    squares = np.zeros((context, context))
    products = np.zeros((context, horizon))
    for series in train_TC.T:
        windows = np.lib.stride_tricks.sliding_window_view(series, context + horizon)
        past, future = windows[:, :context], windows[:, context:]
        latest = past[:, -1:]
        squares += (past - latest).T @ (past - latest)
        products += (past - latest).T @ (future - latest)
    # The latest column is zero by construction, so the system has no unique solution.
    weights: Array = np.linalg.lstsq(squares, products, rcond=None)[0].astype(np.float64)
    return weights


def forecast_linear(weights: Array, histories: Sequence[Array]) -> Array:
    """Forecast histories of shape (T, C), T at least the context; shape (N, H, C)."""
    past_NTC = np.stack([history[-len(weights) :] for history in histories])
    latest_N1C = past_NTC[:, -1:]
    return latest_N1C + np.einsum("ntc,th->nhc", past_NTC - latest_N1C, weights)
