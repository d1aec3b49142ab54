"""Fine-tuning on series of one's own (section 3.4)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy.typing as npt

from ttm_estimators.data.split_windows import Cuts, every_cut, last_cut, split
from ttm_estimators.inputs.arrays import validated_count
from ttm_estimators.inputs.covariates import Covariates
from ttm_estimators.inputs.outliers import TimeOf
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.fine_tuning.clock import Clock
from ttm_estimators.training.fine_tuning.config import FineTuneConfig, Strategy
from ttm_estimators.training.fine_tuning.fit import fit
from ttm_estimators.training.fine_tuning.result import FineTuneResult
from ttm_estimators.training.fine_tuning.series import (
    cut_windows,
    join_covariates,
    read_arrays,
    with_covariates,
)
from ttm_estimators.training.fine_tuning.threads import quickest_threads
from ttm_estimators.training.recipe import Recipe

FROM_RECIPE = ("steps", "batch_size", "learning_rate", "seed")
"""Settings that a recipe replaces."""


def fine_tune(
    network: TinyTimeMixer,
    series: Sequence[npt.ArrayLike],
    settings: FineTuneConfig | None = None,
    *,
    horizon: int | None = None,
    covariates: Sequence[Covariates] | None = None,
    validation: Sequence[npt.ArrayLike] | None = None,
    validation_covariates: Sequence[Covariates] | None = None,
    names: Sequence[str] | None = None,
    validation_names: Sequence[str] | None = None,
    time_of: TimeOf | None = None,
    recipe: Recipe | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
    **trainer_options: Any,
) -> FineTuneResult:
    """Fine-tune a copy of a network, or train a copy of a new one.

    The weights that are kept are the best on the line from the first weights to the tuned ones, by
    their loss on windows later than all that were trained on (as in Wortsman et al., 2022). The
    first weights are on it: the result is never worse than zero-shot there.

    With a ``recipe`` the network is trained from scratch: all of its weights, on all points of the
    series, for all steps, and without a return to the first weights.

    Parameters
    ----------
    network : TinyTimeMixer
        Trained network. It stays as it is.
    series : sequence of array
        Series of shape (time,) or (time, channels), NaN where missing, of the kinds that
        :meth:`ttm_estimators.Forecaster.forecast` takes. Those of fewer than three points are left
        out.
    settings : FineTuneConfig, optional
        How to fine-tune.
    horizon : int, optional
        Steps to train on, when fewer than the network has.
    covariates : sequence of Covariates, optional
        Those of each series, all of the same kinds.
    validation : sequence of array, optional
        Series whose last window each is validated on, in place of a part of ``series``.
    validation_covariates : sequence of Covariates, optional
        Those of ``validation``.
    names, validation_names : sequence of str, optional
        How errors and warnings call each series. Default: "series 0" and "validation series 0".
    time_of : callable, optional
        The time of a reading of ``series``, as in :meth:`ttm_estimators.Forecaster.forecast`.
    recipe : Recipe, optional
        How to train a network from scratch. Of ``settings`` it replaces strategy, steps, batch
        size, learning rate and seed; ``windows`` bounds what it sees of all series. Without
        ``validation`` the last weights are kept.
    checkpoint : str or Path, optional
        File that is written after each epoch. Where there is one, training goes on from it, if it
        is of the same weights, series, settings and recipe.
    progress : bool, default False
        Whether to show steps, loss and the time left on standard error: a bar on a terminal, a line
        every ten seconds elsewhere.
    **trainer_options
        Arguments of ``lightning.Trainer``, such as ``accelerator``, ``devices``, ``callbacks`` and
        ``enable_progress_bar``. ``max_epochs`` takes the place of the settings' steps.

    Returns
    -------
    FineTuneResult

    Raises
    ------
    TypeError
        When ``series`` or ``validation`` is no sequence of series, or a field of the settings is
        given as an argument of the trainer.
    ValueError
        When ``horizon`` is no whole number of at least 1, there is nothing to train on, a series is
        infinite or not numeric, covariates do not fit, the checkpoint is damaged or of another run,
        or ``minutes`` are given with a ``recipe`` or several devices.
    """
    began = time.perf_counter()
    _refuse_settings(trainer_options)
    settings = settings or FineTuneConfig()
    if recipe is not None:
        if settings.minutes is not None:
            raise ValueError("minutes are for fine-tuning: a recipe has its steps")
        taken = {name: getattr(recipe, name) for name in FROM_RECIPE}
        settings = replace(settings, strategy="full", shortest_history=1, **taken)
    keep = settings.keep_outliers
    arrays = read_arrays(series, names, "series", keep_outliers=keep, time_of=time_of)
    network = with_covariates(network, arrays, covariates, mix_channels=settings.mix_channels)
    config = network.config
    if horizon is not None:
        horizon = validated_count("horizon", horizon)
    horizon = min(horizon or config.horizon, config.horizon)
    joined = join_covariates(arrays, covariates, config)
    validated: list[Cuts] | None = None
    outliers = arrays.outliers
    if recipe is not None and not validation:
        training = every_cut(joined, horizon)
    elif validation is None:
        training, validated = split(joined, horizon, settings.validation_fraction)
    else:
        held = read_arrays(validation, validation_names, "validation series", keep_outliers=keep)
        first = len(arrays.series)
        outliers += tuple(one._replace(series=first + one.series) for one in held.outliers)
        held_joined = join_covariates(held, validation_covariates, config)
        training, validated = every_cut(joined, horizon), last_cut(held_joined, horizon)
        if recipe is not None:  # nothing depends on validation
            validated = validated or None
    with nullcontext() if settings.minutes is None else quickest_threads():
        windows = cut_windows(training, validated, network, horizon, settings)
        result = fit(
            network,
            *windows,
            settings,
            Clock(settings.minutes, began),
            progress=progress,
            recipe=recipe,
            checkpoint=checkpoint,
            **trainer_options,
        )
    return replace(result, outliers=outliers, seconds=time.perf_counter() - began)


def _refuse_settings(trainer_options: dict[str, Any]) -> None:
    """Say where fields of the settings belong. Lightning has a ``strategy`` of its own."""
    for field in fields(FineTuneConfig):
        value = trainer_options.get(field.name)
        ours = field.name != "strategy" or value in get_args(Strategy)
        if field.name in trainer_options and ours:
            raise TypeError(
                f"{field.name} is a setting of fine-tuning: give "
                f"settings=FineTuneConfig({field.name}={value!r})"
            )
