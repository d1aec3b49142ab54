"""From the scores of a series to the score beyond which its next point is flagged (ours).

This is conformal prediction on a rolling window (Vovk, Gammerman and Shafer 2005, chapter 2): the
next score is flagged at a rate where at most that fraction of itself and the scores before it are
as far out. If all of them come from one distribution, whatever it is, the rate is that of false
flags. Three things are added. A series that has shown few scores yet is calibrated on those of
other series beside its own. A flagged score counts as no more than half above what it passed, and
of flags in a row the first alone counts: so a fault does not hide the next one, while a series
whose tail becomes heavier is followed. Chosen on 30 series of the development data, nine of them
with faults put in: by this 44 % of spikes are flagged at the rate 0.001, by the ranks alone 22 %.
Where a series was constant for long the threshold is 0, and half above it is nothing: so a flagged
score may count as what a calibrated forecast would have at the rate, and flags in a row that are
too many for a fault count again. And where more flags lie apart from each other than faults and
chance explain, as of counts that are mostly 0, they are what is normal in the series: all of them
count as what they are.

Shape suffixes: T time, A other axes: the scores of the window.
"""

from __future__ import annotations

import math

import numpy as np

from ttm_estimators.detection.normal_scores import MAX_SCORE
from ttm_estimators.forecasting.quantile_levels import scores_of
from ttm_estimators.inputs.arrays import Array

MIN_WINDOW_SCORES = 1000
"""Latest scores that a series is calibrated on, where the rate asks for no more."""

EXPECTED_EXCEEDANCES = 2
"""Scores in the window that are expected to lie further out than a threshold, at least. One alone
would put every threshold at the largest score of the past."""

MAX_GROWTH = 1.5
"""What a flagged score counts as at most, as a multiple of the threshold that it passed."""

MAX_LEVEL_SCORE = math.nextafter(MAX_SCORE, 0.0)
"""What a score of new values counts as at most: so a long outage leaves a threshold that the
largest score passes."""

TYPICAL_SCORE_LEVELS = (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)
TYPICAL_SCORES = (0.0, 0.64, 1.6, 3.4, 6.0, 12.0)
"""Quantiles of the absolute scores of series of the development data, and their levels."""

MAX_EXCESS_DEVIATIONS, MAX_EXCESS_FLAGS = 3.0, 2
"""Flags apart from each other that a window may have beyond the expected number, in standard
deviations of a Poisson count, and on top of these: so the third in a new series is too many."""

MAX_FAULTY_POINTS = 12
"""Points of one fault. Beyond so many in a row, they are the new values of the series."""

GOLDEN_SECTION = 0.6180339887
"""Typical scores make room for those of the series in an order that thins them out evenly."""


class Calibration:
    """A rolling window of absolute scores.

    Parameters
    ----------
    rate : float
        Fraction of normal points to flag, up to 0.5.
    """

    def __init__(self, rate: float) -> None:
        count = max(MIN_WINDOW_SCORES, math.ceil(EXPECTED_EXCEEDANCES / rate))
        level_A = (np.arange(count) + 0.5) / count
        order = np.argsort(np.arange(1, count + 1) * GOLDEN_SECTION % 1)
        self._window_A: Array = np.interp(level_A, TYPICAL_SCORE_LEVELS, TYPICAL_SCORES)[order]
        self._least_growth = float(scores_of([1 - rate / 2])[0])
        self._uncapped_A = self._window_A.copy()
        self._apart_A = np.zeros(count, dtype=bool)
        self._rate = rate
        self._scores = 0
        self._next = 0
        self._flags_in_a_row = 0

    @property
    def threshold(self) -> float:
        """Absolute score beyond which a point is flagged."""
        scores = min(self._scores, len(self._window_A))
        expected = self._rate * scores
        most = expected + MAX_EXCESS_DEVIATIONS * math.sqrt(expected) + MAX_EXCESS_FLAGS
        window_A, further = self._window_A, math.floor(self._rate * (len(self._window_A) + 1))
        if self._apart_A.sum() > most:  # typical scores do not tell what is typical here
            window_A, further = self._uncapped_A, max(1, math.floor(self._rate * (scores + 1)))
        rank = len(window_A) - further
        return float(np.partition(window_A, rank)[rank])

    def add(self, score: float) -> bool:
        """Take the score of the next point, and tell whether it is flagged."""
        threshold, size = self.threshold, abs(score)
        flagged = size > threshold
        self._scores += 1
        self._flags_in_a_row = self._flags_in_a_row + 1 if flagged else 0
        if self._flags_in_a_row <= 1 or self._flags_in_a_row > MAX_FAULTY_POINTS:
            most = max(MAX_GROWTH * threshold, self._least_growth)
            if self._flags_in_a_row > MAX_FAULTY_POINTS:
                most = min(most, MAX_LEVEL_SCORE)
            self._window_A[self._next] = min(size, most)
            self._uncapped_A[self._next] = size
            self._apart_A[self._next] = self._flags_in_a_row == 1
            self._next = (self._next + 1) % len(self._window_A)
        return flagged


def thresholds(scores_T: Array, rate: float) -> Array:
    """Absolute score beyond which each point is flagged, by the scores before it.

    Parameters
    ----------
    scores_T : array
        Scores of a series, oldest first, NaN where there is none.
    rate : float
        Fraction of normal points to flag.
    """
    calibration = Calibration(rate)
    found_T = np.empty(len(scores_T))
    for t, score in enumerate(scores_T):
        found_T[t] = calibration.threshold
        if not np.isnan(score):
            calibration.add(score)
    return found_T
