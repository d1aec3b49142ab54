"""MASE and weighted quantile loss; missing truth is left out.

Shape suffixes: W windows, H horizon, L quantile levels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def seasonal_error(history: Array, season: int) -> float:
    """Mean absolute difference between values one season apart, the scale of MASE."""
    return float(np.nanmean(np.abs(history[season:] - history[:-season])))


def mase(truth_WH: Array, point_WH: Array, scale_W: Array) -> float:
    """Mean absolute error, each window's scaled by the seasonal error of its history."""
    return float(np.nanmean(np.abs(truth_WH - point_WH) / scale_W[:, None]))


def weighted_quantile_loss(
    truth_WH: Array, quantiles_WHL: Array, levels: tuple[float, ...]
) -> float:
    """Twice the summed pinball loss over the summed absolute truth, averaged over levels."""
    error_WHL = truth_WH[..., None] - quantiles_WHL
    pinball_WHL = np.maximum(np.array(levels) * error_WHL, (np.array(levels) - 1) * error_WHL)
    loss_L = 2 * np.nansum(pinball_WHL, axis=(0, 1)) / np.nansum(np.abs(truth_WH))
    return float(loss_L.mean())
