"""Training a new network on series of one's own: the strategy "full", from random weights."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ttm_estimators.data.split_windows import every_cut, last_cut
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.fine_tuning.config import FineTuneConfig
from ttm_estimators.training.fine_tuning.fit import fit
from ttm_estimators.training.fine_tuning.result import FineTuneResult
from ttm_estimators.training.fine_tuning.series import cut_windows, join_covariates, read_arrays
from ttm_estimators.training.recipe import Recipe


def train_from_scratch(
    network: TinyTimeMixer,
    series: Sequence[npt.ArrayLike],
    recipe: Recipe,
    *,
    horizon: int | None = None,
    validation: Sequence[npt.ArrayLike] | None = None,
    names: Sequence[str] | None = None,
    validation_names: Sequence[str] | None = None,
    keep_outliers: bool = False,
    checkpoint: str | Path | None = None,
    **trainer_options: Any,
) -> FineTuneResult:
    """Train all weights of a copy of a new network, or of one that was new.

    The way of :func:`ttm_estimators.fine_tune`, but all points of the series are trained on, all
    steps are taken, and there is no return to the first weights.

    Parameters
    ----------
    network : TinyTimeMixer
        Network without covariates. It stays as it is.
    series : sequence of array
        Series of shape (time,) or (time, channels), NaN where missing. Those of a single point are
        left out.
    recipe : Recipe
        How to train. Steps are rounded up to whole epochs of 10 to 50.
    horizon : int, optional
        Steps to train on, when fewer than the network has.
    validation : sequence of array, optional
        Series whose last ``horizon`` points are forecast after each epoch. The weights that did so
        best are kept, in place of the last ones.
    names, validation_names : sequence of str, optional
        How errors and warnings call each series. Default: "series 0" and "validation series 0".
    keep_outliers : bool, default False
        As in :class:`ttm_estimators.FineTuneConfig`.
    checkpoint : str or Path, optional
        File that is written after each epoch. Where there is one, training goes on from it, if it
        is of the same weights, series and recipe.
    **trainer_options
        Arguments of ``lightning.Trainer``, such as ``accelerator``, ``devices`` and ``callbacks``.
        ``max_epochs`` takes the place of the recipe's steps.

    Returns
    -------
    FineTuneResult

    Raises
    ------
    ValueError
        When there is nothing to train on, a series is infinite or not numeric, the network takes
        other channels than the series have, or the checkpoint is damaged or of another run.
    """
    began = time.perf_counter()
    settings = FineTuneConfig(
        strategy="full",
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        shortest_history=1,
    )
    arrays = read_arrays(series, names, "series", keep_outliers=keep_outliers)
    network = copy.deepcopy(network)
    config = network.config
    horizon = min(horizon or config.horizon, config.horizon)
    training = every_cut(join_covariates(arrays, None, config), horizon)
    validated = None
    if validation:
        held = read_arrays(
            validation, validation_names, "validation series", keep_outliers=keep_outliers
        )
        validated = last_cut(join_covariates(held, None, config), horizon)
    windows = cut_windows(training, validated, network, horizon, settings)
    result = fit(
        network, *windows, settings, recipe=recipe, checkpoint=checkpoint, **trainer_options
    )
    return replace(result, outliers=arrays.outliers, seconds=time.perf_counter() - began)
