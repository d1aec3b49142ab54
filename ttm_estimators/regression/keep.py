"""Which effects to keep: those that forecast held-out windows better by more than chance.

Shape suffixes: N series, R rows or blocks of time (held-out windows), J forecasts that are
compared, A other axes: widths of bands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array

STANDARD_ERRORS = 2.326
"""Standard errors that a gain must have: the 1 % critical value of a one-sided normal test, for the
best of several forecasts is judged, and a panel has many series (ours)."""

EARLY_STANDARD_ERRORS = 3.5
"""Standard errors that a gain must have to be kept before all windows are seen, times the root of
how many times more windows there are (ours: with the 2.326 of O'Brien and Fleming, 1979, panels
that move together kept noise twice as often as when judged at the end)."""

DOUBT_STANDARD_ERRORS = 0.5
"""Standard errors by which the best forecast may be worse than that without covariates and yet be
judged: few windows choose it (ours)."""

MAX_LOSS_OF_WIDER_BANDS = 0.01
"""Fraction of the loss by which wider bands may be worse, over the number of windows: few windows
hardly tell widths apart, and what was estimated from few points is less certain (ours: on 60 points
80 % bands held 76 % with 0, and 81 % with this)."""

PRIOR_DEVIATION = 0.25
"""Standard deviation of the relative gains of independent windows before any is seen, as in the
one-sided test of fine-tuning (ours)."""

PRIOR_COMMON_FRACTION = 0.25
"""Fraction of the variance of these gains that the series of a panel have in common at one time,
such as a strange week, before any is seen (ours)."""


def best(before_NR: Array, after_JNR: Array) -> npt.NDArray[np.int64]:
    """The best forecast of each series, -1 where all are worse than that without covariates.

    Parameters
    ----------
    before_NR : array
        Loss of each window without covariates, NaN where there is none.
    after_JNR : array
        The same of each forecast with covariates.
    """
    found = [_shrunk(_relative(before_NR, each)) for each in after_JNR]
    gain_JN, error_JN = (np.array(each) for each in zip(*found, strict=True))
    gain_JN[np.isnan(gain_JN)] = -np.inf
    best_N = gain_JN.argmax(axis=0)
    index = best_N, np.arange(len(best_N))
    return np.where(gain_JN[index] > -DOUBT_STANDARD_ERRORS * error_JN[index], best_N, -1)


def best_width(before_NR: Array, after_NRA: Array) -> int:
    """Number of the width, the last axis, of the widest bands of a panel that are about the best.

    Widths rise.
    """
    mean_N = _mean(before_NR)
    loss_NA = np.stack([_mean(each) for each in np.moveaxis(after_NRA, -1, 0)], axis=-1)
    relative_NA = loss_NA / np.where(mean_N > 0, mean_N, np.nan)[:, None]
    loss_A = np.nansum(relative_NA[relative_NA[:, 0] < 1], axis=0)
    if not loss_A.any():  # covariates only do harm, and their bands do not matter
        return 0
    windows = max(1, int((~np.isnan(after_NRA[..., 0])).any(axis=0).sum()))
    return int(np.flatnonzero(loss_A <= (1 + MAX_LOSS_OF_WIDER_BANDS / windows) * loss_A.min())[-1])


def kept_gains(before_NR: Array, after_NR: Array) -> Array:
    """Fraction of the loss that each series saves, 0 where it is no more than chance.

    The gain of a series is drawn towards the mean of the panel, as far as its own windows leave it
    uncertain and as the series are alike (empirical Bayes). Series rise and fall together: the mean
    of the panel is no more certain than its windows, which stand at the same time in all series,
    agree with each other.
    """
    gain_N, error_N = _shrunk(_relative(before_NR, after_NR))
    return np.where(gain_N > STANDARD_ERRORS * error_N, np.fmax(gain_N, 0.0), 0.0)


def is_clear(before_NR: Array, after_NR: Array, seen: float) -> bool:
    """Whether a fraction of the windows suffices: each series gains or loses too much for more
    windows to change what is kept.
    """
    if np.isnan(after_NR).all():
        return True
    gain_N, error_N = _shrunk(_relative(before_NR, after_NR))
    kept_N = gain_N > EARLY_STANDARD_ERRORS / np.sqrt(seen) * error_N
    return bool((kept_N | (gain_N < -error_N) | np.isnan(gain_N)).all())


def _relative(before_NR: Array, after_NR: Array) -> Array:
    """Gain of each window, as a fraction of the mean loss of its series without covariates."""
    mean_N = _mean(before_NR)
    return np.asarray((before_NR - after_NR) / np.where(mean_N > 0, mean_N, np.nan)[:, None])


def _shrunk(gain_NR: Array) -> tuple[Array, Array]:
    """Gain of each series and its standard error, NaN for a series without a window."""
    count_N = (~np.isnan(gain_NR)).sum(axis=1)
    judged_N = count_N > 0
    gain_N, error_N = np.full(len(gain_NR), np.nan), np.full(len(gain_NR), np.nan)
    if not judged_N.any():
        return gain_N, error_N
    gain_NR, count_N = gain_NR[judged_N], count_N[judged_N]
    mean_N = _mean(gain_NR)
    squares = np.nansum(np.square(gain_NR - mean_N[:, None]))
    # The prior counts as one more window.
    variance = (PRIOR_DEVIATION**2 + squares) / (1 + (count_N - 1).sum())
    within_N = variance / count_N
    panel = np.average(mean_N, weights=count_N)
    between = max(0.0, float(np.average(np.square(mean_N - panel) - within_N, weights=count_N)))
    weight_N = between / (between + within_N)
    panel_variance = (between * np.square(count_N).sum() / count_N.sum() + variance) / count_N.sum()
    panel_variance = max(panel_variance, _variance_over_time(gain_NR))
    gain_N[judged_N] = weight_N * mean_N + (1 - weight_N) * panel
    error_N[judged_N] = np.sqrt(weight_N * within_N + np.square(1 - weight_N) * panel_variance)
    return gain_N, error_N


def _variance_over_time(gain_NR: Array) -> float:
    """Variance of the mean gain of a panel, by what its windows say of it."""
    series = len(gain_NR)
    gain_R = _mean(gain_NR.T)
    gain_R = gain_R[~np.isnan(gain_R)]
    common = PRIOR_COMMON_FRACTION + (1 - PRIOR_COMMON_FRACTION) / series
    squares = PRIOR_DEVIATION**2 * common + np.square(gain_R - gain_R.mean()).sum()
    return float(squares / len(gain_R) ** 2)


def _mean(values: Array) -> Array:
    """Mean over what is known of the last axis, NaN where nothing is."""
    count = (~np.isnan(values)).sum(axis=-1)
    total = np.where(count > 0, np.nansum(values, axis=-1), np.nan)
    return np.asarray(total / np.maximum(count, 1))
