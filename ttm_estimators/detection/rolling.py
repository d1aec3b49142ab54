"""Forecasts of every point of a history, from the points before it only.

A faulty point is a fault in every later history too: what follows one that is far out is forecast
as if it were missing. Where many follow each other they are the new values of the series, and count
again (ours). Impossible readings tell nothing of what is far out, and never count.

Shape suffixes: B batch, T time, H horizon, Q quantile levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ttm_estimators.detection.calibration import MAX_FAULTY_POINTS, Calibration
from ttm_estimators.detection.normal_scores import normal_scores
from ttm_estimators.detection.possible import without_codes
from ttm_estimators.inputs.arrays import Array, Mask

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster

FAULT_RATE = 0.001
"""Fraction of normal points that are taken as missing in later histories. It is not the rate of
flags, so that scores do not depend on that."""

HISTORIES_AFTER_A_FAULT = 4
"""Histories that are forecast at once after a point was taken as missing. More, where there is
none, and all of them again, where one is."""


def roll(
    forecaster: Forecaster,
    values_T: Array,
    impossible_T: Mask,
    *,
    warm_up: int,
    step: int,
    batch_size: int,
    keep_outliers: bool,
    name: str,
) -> tuple[Array, Array]:
    """Forecast and score the points of a series.

    Parameters
    ----------
    forecaster : Forecaster
        Model with quantiles, that forecasts channels apart.
    values_T : array
        Series, NaN where missing.
    impossible_T : array of bool
        Its points that are impossible by those before them.
    warm_up : int
        Observed points before the first that is forecast.
    step : int
        Points that are forecast from one history.
    batch_size : int
        Histories that are forecast at once.
    keep_outliers : bool
        Whether impossible readings stay in histories.
    name : str
        How errors call the series.

    Returns
    -------
    tuple of array
        Quantiles of shape (time, levels) and normal scores, NaN where there is none.
    """
    levels = forecaster.quantile_levels
    reach = forecaster.config.input_length
    quantiles_TQ = np.full((len(values_T), len(levels)), np.nan)
    scores_T = np.full(len(values_T), np.nan)
    observed_T = ~np.isnan(values_T)
    origins = np.arange(len(values_T))[observed_T.cumsum() > warm_up][::step].tolist()
    origins = [origin for origin in origins if observed_T[origin : origin + step].any()]
    seen_T, calibration, faulty = values_T.copy(), Calibration(FAULT_RATE), list[int]()

    def history(origin: int) -> Array:
        latest_T = seen_T[max(0, origin - reach) : origin]
        if np.isnan(latest_T).all():
            latest_T = seen_T[:origin]
        return latest_T if keep_outliers else without_codes(latest_T)

    def take(t: int) -> bool:
        """Take a scored point into later histories, and tell whether they are other than it was."""
        if impossible_T[t]:  # no history has it
            return False
        if not calibration.add(scores_T[t]):
            faulty.clear()
            return False
        faulty.append(t)
        seen_T[t] = np.nan
        if len(faulty) == MAX_FAULTY_POINTS:
            seen_T[faulty] = values_T[faulty]
            faulty.clear()
        return True

    done, size = 0, batch_size
    while done < len(origins):
        batch = origins[done : done + size]
        quantiles_BHQ = forecaster.forecast(
            [history(origin) for origin in batch],
            step,
            batch_size=batch_size,
            keep_outliers=True,
            names=[name] * len(batch),
        ).quantiles
        size = min(2 * size, batch_size)
        for origin, quantiles_HQ in zip(batch, quantiles_BHQ, strict=True):
            points = slice(origin, origin + step)
            quantiles_TQ[points] = quantiles_HQ[: len(values_T) - origin]
            scores_T[points] = normal_scores(values_T[points], quantiles_TQ[points], levels)
            done += 1
            changed = [take(t) for t in range(*points.indices(len(values_T))) if observed_T[t]]
            if any(changed):
                size = HISTORIES_AFTER_A_FAULT
                break
    return quantiles_TQ, scores_T
