"""Anomaly scores and flags of every point of a history.

Shape suffixes: T time, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ttm_estimators.detection.calibration import thresholds
from ttm_estimators.detection.normal_scores import MAX_SCORE, values_at
from ttm_estimators.detection.possible import impossible_points, range_before
from ttm_estimators.detection.rolling import roll
from ttm_estimators.inputs.arrays import Array, Mask, as_array, as_list, validated_count

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster

RATE, WARM_UP_POINTS = 0.001, 64
"""Defaults: false flags per point, and observed points before the first that is scored."""

MIN_RATE, MAX_RATE = 0.0001, 0.5
"""Of flags. A lower one would need more points to calibrate on than series have."""


@dataclass(frozen=True)
class Detection:
    """What is anomalous in one series. Every array has a value for each of its points."""

    score: Array
    """Anomaly score: the normal score of the point in its predictive distribution, positive above
    the median and negative below it. 4 is as far out as four standard deviations of a normal
    distribution. NaN where the point is missing or in the warm-up."""

    flag: Mask
    """Whether the point lies outside ``low`` to ``high``."""

    median: Array
    """Of the predictive distribution, NaN where there is none."""

    low: Array
    high: Array
    """The point is flagged outside of these. NaN where there are none."""

    rate: float
    """Nominal rate: the fraction of normal points that is flagged."""

    def __repr__(self) -> str:
        scored = int(np.isfinite(self.score).sum())
        return (
            f"Detection({len(self.score):,} points, {scored:,} scored, {int(self.flag.sum()):,} "
            f"flagged at rate {self.rate:g})"
        )


def detect(
    forecaster: Forecaster,
    series: Sequence[npt.ArrayLike] | npt.ArrayLike,
    *,
    rate: float = RATE,
    warm_up: int = WARM_UP_POINTS,
    step: int = 1,
    batch_size: int = 256,
    keep_outliers: bool = False,
    names: Sequence[str] | None = None,
) -> list[Detection]:
    """Score every point of every series, see :meth:`ttm_estimators.Forecaster.detect`."""
    rate = _validated_rate(rate)
    counts = {
        key: validated_count(key, value)
        for key, value in (("warm_up", warm_up), ("step", step), ("batch_size", batch_size))
    }
    levels = forecaster.quantile_levels
    if forecaster.config.tied_channels or len(levels) < 2:
        raise ValueError(
            "detect needs a model with quantiles that forecasts channels apart, and without "
            "covariates of its own: load one that was not fine-tuned on channels or covariates"
        )
    found = []
    for i, one in enumerate(as_list(series)):
        name = names[i] if names else f"series {i}"
        values_T = as_array(one, name)
        if values_T.ndim > 1:
            raise ValueError(
                f"{name} has shape {values_T.shape}: give each channel as a series of its own, "
                "list(series.T)"
            )
        reach = forecaster.config.input_length
        impossible_T = np.zeros(len(values_T), dtype=bool)
        if not keep_outliers:
            impossible_T = impossible_points(values_T, reach)
        quantiles_TQ, scores_T = roll(
            forecaster, values_T, impossible_T, keep_outliers=keep_outliers, name=name, **counts
        )
        threshold_T = thresholds(np.where(impossible_T, np.nan, scores_T), rate)
        low_T, high_T = (
            values_at(side * threshold_T, quantiles_TQ, levels) for side in (-1.0, 1.0)
        )
        scored_T = ~np.isnan(low_T)
        # The largest score is of no value, and an impossible reading may be a likely one to a
        # forecast that is unsure: there the limits are what the series had before.
        for t in np.flatnonzero(scored_T & ((threshold_T >= MAX_SCORE) | impossible_T)).tolist():
            lowest, highest = range_before(values_T, t, reach, keep_outliers=keep_outliers)
            if threshold_T[t] >= MAX_SCORE:
                low_T[t], high_T[t] = lowest, highest
            elif values_T[t] < lowest:
                low_T[t] = max(low_T[t], min(lowest, high_T[t]))
            elif values_T[t] > highest:
                high_T[t] = min(high_T[t], max(highest, low_T[t]))
        with np.errstate(invalid="ignore"):
            flag_T = (values_T < low_T) | (values_T > high_T)
        found.append(
            Detection(scores_T, flag_T, quantiles_TQ[:, levels.index(0.5)], low_T, high_T, rate)
        )
    return found


def _validated_rate(rate: float) -> float:
    try:
        valid = MIN_RATE <= float(rate) <= MAX_RATE
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(f"rate must be a number from {MIN_RATE} to {MAX_RATE}, got {rate!r}")
    return float(rate)
