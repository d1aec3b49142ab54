"""From windows to a trained network: batches, module, best weights.

Shape suffixes: N series (windows of them).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn

from ttm_estimators.data.split_windows import Windows
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.fine_tuning.best_weights import (
    FRACTIONS,
    BestWeights,
    keep_best_on_line,
)
from ttm_estimators.training.fine_tuning.checkpoint import (
    KeepCheckpoint,
    WriteInPlace,
    digest,
    learning_rate_of,
)
from ttm_estimators.training.fine_tuning.clock import Clock, EndInTime
from ttm_estimators.training.fine_tuning.config import FineTuneConfig, Strategy
from ttm_estimators.training.fine_tuning.fewer_windows import fewer_windows
from ttm_estimators.training.fine_tuning.learning_rate import choose_learning_rate
from ttm_estimators.training.fine_tuning.module import (
    Batches,
    FineTuneModule,
    examples,
    is_new,
    warm_up_and_decay,
)
from ttm_estimators.training.fine_tuning.progress import Progress
from ttm_estimators.training.fine_tuning.result import FineTuneResult
from ttm_estimators.training.fine_tuning.trainer import interruptible, make_trainer
from ttm_estimators.training.quiet import quiet
from ttm_estimators.training.recipe import Recipe

FROZEN_BACKBONE = ("head", "decoder")
"""Strategies under which every window goes through the backbone once only."""

MAX_EPOCH_STEPS = 50
"""Steps of an epoch. After each the validation loss is taken."""

MIN_EPOCH_STEPS = 10

MAX_WINDOWS_FOR_DROPOUT = 1000
FEW_WINDOWS_DROPOUT = 0.7
"""Dropout of the head for fewer windows than these, as the paper has for small data."""


def fit(
    network: TinyTimeMixer,
    training: Windows,
    validation: Windows | None,
    settings: FineTuneConfig,
    clock: Clock,
    *,
    progress: bool = False,
    recipe: Recipe | None = None,
    checkpoint: str | Path | None = None,
    **trainer_options: Any,
) -> FineTuneResult:
    """Train a network in place.

    With a ``recipe`` training is from scratch: there is no return to the first weights, all steps
    are taken, and the recipe has the learning rate and its schedule. Else weights are kept that are
    no worse than the first ones.
    """
    found = len(training.past)
    epoch_steps = min(max(found // settings.batch_size, MIN_EPOCH_STEPS), MAX_EPOCH_STEPS)
    epochs = trainer_options.get("max_epochs") or math.ceil(settings.steps / epoch_steps)
    steps = epochs * epoch_steps if "max_epochs" in trainer_options else settings.steps
    first_weights = digest(network.state_dict().values())

    @cache  # and only where there is a checkpoint: the windows take a while
    def run() -> dict[str, Any]:
        return {
            **asdict(replace(settings, minutes=None)),  # a resumed run may have others
            **({} if recipe is None else asdict(recipe)),
            "horizon": training.future.shape[1],
            "windows_found": found,
            "first_weights": first_weights,
            "series": digest(tensor for each in (training, validation or ()) for tensor in each),
        }

    learning_rate = learning_rate_of(checkpoint, run)
    resumed = checkpoint if learning_rate is not None else None
    head_dropout, best = settings.head_dropout, BestWeights()
    told = Progress(progress, steps, clock)
    options = {**trainer_options, "max_epochs": epochs, "callbacks": [best, told]}
    of_module: dict[str, Any] = {}
    in_time = EndInTime(clock, math.inf)
    if recipe is None:
        schedule = warm_up_and_decay(steps, in_time.fraction)
        stop = EarlyStopping("val_loss", patience=settings.patience, check_on_train_epoch_end=False)
        options["callbacks"] += [stop, in_time]
        if head_dropout is None and found < MAX_WINDOWS_FOR_DROPOUT:
            head_dropout = FEW_WINDOWS_DROPOUT
    else:
        schedule = replace(recipe, steps=steps).learning_rate_factor
        of_module = {"weight_decay": recipe.weight_decay, "compile": recipe.compile}
        of_trainer = {"precision": recipe.precision, "gradient_clip_val": recipe.gradient_clip}
        options = {**of_trainer, **options}
    if checkpoint is not None:
        options["callbacks"].append(KeepCheckpoint(Path(checkpoint)))
        options.setdefault("plugins", [WriteInPlace()])
    options["callbacks"] += trainer_options.get("callbacks", ())
    network.train()
    with quiet(), torch.random.fork_rng(), _trained_parts(network, settings.strategy, head_dropout):
        trainer = make_trainer(options)
        if settings.minutes is not None and trainer.world_size > 1:
            raise ValueError("minutes are kept on one device only: give steps, or devices=1")
        network.to(trainer.strategy.root_device)
        encode = settings.strategy in FROZEN_BACKBONE
        if settings.minutes is not None:
            assert validation is not None
            measured = FineTuneModule(network, 0.0, schedule, settings.seed)
            training, validation = fewer_windows(
                training, validation, measured, clock, encode=encode
            )
        trained = examples(training, network, encode=encode)
        held = None if validation is None else examples(validation, network, encode=encode)
        batches = Batches(trained, held, settings.batch_size, steps, epoch_steps, settings.seed)
        learning_rate = (
            learning_rate
            or settings.learning_rate
            or choose_learning_rate(network, batches, settings.seed, options, clock, told)
        )
        first = copy.deepcopy(network.state_dict())
        module = FineTuneModule(network, learning_rate, schedule, settings.seed, run, **of_module)
        looking = clock.used
        zero_shot_N = module.losses(batches.validation)
        looking = clock.used - looking
        in_time.start(clock.limit - (len(FRACTIONS) + 1) * looking)
        with interruptible():
            trainer.fit(module, datamodule=batches, ckpt_path=resumed)
        if recipe is None:
            assert validation is not None
            fraction, loss = keep_best_on_line(
                module, first, best.weights, zero_shot_N, batches.validation, validation.block
            )
        else:
            fraction, loss = 1.0, best.loss
            if best.weights is not None:
                network.load_state_dict(best.weights)
        told.end()
    return FineTuneResult(
        network=network.cpu().eval(),
        fraction=fraction,
        zero_shot_loss=float(zero_shot_N.mean()) if recipe is None else math.nan,
        loss=loss,
        learning_rate=learning_rate,
        steps=trainer.global_step,
        windows=len(training.past),
        validation_windows=0 if validation is None else len(validation.past),
        seconds=0.0,
        trainer=trainer,
    )


@contextmanager
def _trained_parts(
    network: TinyTimeMixer, strategy: Strategy, head_dropout: float | None
) -> Iterator[None]:
    """Freeze what a strategy does not train, and set the dropout of the head."""
    for name, parameter in network.named_parameters():
        part = name.split(".")[0]
        parameter.requires_grad_(
            is_new(name)
            or strategy == "full"
            or (strategy == "bias" and name.endswith("bias"))
            or (strategy in FROZEN_BACKBONE and part in ("head", "shortcut"))
            or (strategy == "decoder" and part == "decoder")
        )
    kept = network.head.layers.dropout
    if head_dropout is not None:
        network.head.layers.add_module("dropout", nn.Dropout(head_dropout))
    try:
        yield
    finally:
        network.head.layers.add_module("dropout", kept)
        network.requires_grad_(True)
