"""Which effects to keep: those that forecast held-out windows better by more than chance.

Shape suffixes: N series, R rows or blocks of time (held-out windows), J forecasts that are
compared, A other axes: widths of bands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Array

STANDARD_ERRORS = 2.0
"""Standard errors that a gain must have: a little more than the 5 % critical value of a one-sided
normal test, for the best of several is tested."""

PRIOR_DEVIATION = 0.25
"""Standard deviation of the relative gains of independent windows before any is seen, as in the
one-sided test of fine-tuning (ours)."""


def choose(before_NR: Array, after_JNR: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Choose the best forecast of each series, or none.

    The gain of a series is drawn towards the mean of the panel, as far as its own windows leave it
    uncertain and as the series are alike (empirical Bayes).

    Parameters
    ----------
    before_NR : array
        Loss of each window without covariates, NaN where there is none.
    after_JNR : array
        The same of each forecast with covariates.

    Returns
    -------
    gain_N : array
        Fraction of the loss that is saved, 0 where none is kept.
    chosen_N : array
        Which forecast, -1 for none.
    """
    mean_N1 = _mean(before_NR)[:, None]
    relative_JNR = (before_NR - after_JNR) / np.where(mean_N1 > 0, mean_N1, np.nan)
    gains, errors = zip(*(_shrunk(each) for each in relative_JNR), strict=True)
    gain_JN, error_JN = np.array(gains), np.array(errors)
    chosen_N = np.where(np.isnan(gain_JN), -np.inf, gain_JN).argmax(axis=0)
    gain_N, error_N = (
        np.take_along_axis(each, chosen_N[None], 0)[0] for each in (gain_JN, error_JN)
    )
    kept_N = (gain_N > 0) & (gain_N > STANDARD_ERRORS * error_N)
    return np.where(kept_N, gain_N, 0.0), np.where(kept_N, chosen_N, -1)


def best_width(before_NR: Array, after_JNRA: Array) -> tuple[int, Array]:
    """The width of bands at which the best forecast of each series is best on average.

    Parameters
    ----------
    before_NR : array
        As :func:`choose` takes it.
    after_JNRA : array
        Loss at each width, the last axis.

    Returns
    -------
    width : int
        Number of the width.
    after_JNR : array
        Losses at this width.
    """
    mean_N = _mean(before_NR)
    relative_JNA = np.stack([_mean(each) for each in np.moveaxis(after_JNRA, -1, 0)], axis=-1)
    relative_JNA = relative_JNA / np.where(mean_N > 0, mean_N, np.nan)[:, None]
    best_NA = np.fmin.reduce(relative_JNA, axis=0)
    # Where covariates only do harm, their bands do not matter.
    helped_N = best_NA[:, 0] < 1
    width = int(np.nansum(best_NA[helped_N], axis=0).argmin())
    return width, after_JNRA[..., width]


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
    gain_N[judged_N] = weight_N * mean_N + (1 - weight_N) * panel
    error_N[judged_N] = np.sqrt(weight_N * within_N + np.square(1 - weight_N) * panel_variance)
    return gain_N, error_N


def _mean(values: Array) -> Array:
    """Mean over what is known of the last axis, NaN where nothing is."""
    count = (~np.isnan(values)).sum(axis=-1)
    total = np.where(count > 0, np.nansum(values, axis=-1), np.nan)
    return np.asarray(total / np.maximum(count, 1))
