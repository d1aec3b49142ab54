"""The baseline: seasonal naive with quantiles, so that it can be scored as a distribution."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]


def seasonal_naive(
    history: Array, horizon: int, season: int, levels: tuple[float, ...]
) -> tuple[Array, Array]:
    """Repeat the last season, with normal bands.

    The point forecast is the latest observed value of the same step of the season. The forecast
    distribution is normal around it. Its standard deviation is the root mean square of the
    history's seasonal differences times the square root of the number of seasons ahead, as for a
    seasonal random walk.

    Parameters
    ----------
    history : array
        Shape (time,), NaN where missing.
    horizon, season : int
        Steps to forecast and steps in a season.
    levels : tuple of float
        Quantile levels.

    Returns
    -------
    tuple of array
        Point forecast of shape (horizon,) and quantiles of shape (horizon, levels).

    Raises
    ------
    ValueError
        When some step of the season was never observed, or no two values are one season apart.
    """
    padding = -len(history) % season
    seasons = np.concatenate([np.full(padding, np.nan), history]).reshape(-1, season)
    latest = pd.DataFrame(seasons).ffill().to_numpy()[-1]
    differences = history[season:] - history[:-season]
    if np.isnan(latest).any() or np.isnan(differences).all():
        raise ValueError(
            f"a history of {len(history)} steps has too few observed values for a seasonal naive "
            f"forecast of season {season}: give a longer one"
        )
    steps = np.arange(horizon)
    point = latest[steps % season]
    scores = np.array([NormalDist().inv_cdf(level) for level in levels])
    deviation = np.sqrt(np.nanmean(differences**2) * (steps // season + 1))
    return point, point[:, None] + deviation[:, None] * scores
