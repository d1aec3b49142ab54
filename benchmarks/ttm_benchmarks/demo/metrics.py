"""MASE and weighted quantile loss; missing truth is left out.

Shape suffixes: N windows, H horizon, Q quantile levels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def seasonal_error(history: Array, season: int) -> float:
    """Mean absolute difference between values one season apart, the scale of MASE."""
    return float(np.nanmean(np.abs(history[season:] - history[:-season])))


def mase(truth_NH: Array, point_NH: Array, scale_N: Array) -> float:
    """Mean absolute error, each window's scaled by the seasonal error of its history."""
    return float(np.nanmean(np.abs(truth_NH - point_NH) / scale_N[:, None]))


def weighted_quantile_loss(
    truth_NH: Array, quantiles_NHQ: Array, levels: tuple[float, ...]
) -> float:
    """Twice the summed pinball loss over the summed absolute truth, averaged over levels."""
    error_NHQ = truth_NH[..., None] - quantiles_NHQ
    pinball_NHQ = np.maximum(np.array(levels) * error_NHQ, (np.array(levels) - 1) * error_NHQ)
    loss_Q = 2 * np.nansum(pinball_NHQ, axis=(0, 1)) / np.nansum(np.abs(truth_NH))
    return float(loss_Q.mean())
