"""The choice of a learning rate, by a short training at each of several."""

from __future__ import annotations

import copy
from typing import Any

from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.fine_tuning.clock import Clock, EndInTime
from ttm_estimators.training.fine_tuning.module import Batches, FineTuneModule, warm_up_and_decay
from ttm_estimators.training.fine_tuning.progress import Progress
from ttm_estimators.training.fine_tuning.trainer import interruptible, make_trainer

LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3)

TRIAL_STEPS = 25
"""Optimiser steps at each learning rate."""

TRIAL_TIME_FRACTION = 0.05
"""Fraction of the time of a run for each learning rate, at most."""

MIN_TRIAL_STEPS = 10
"""Steps that tell something. Where time is too short for so many, ``USUAL_LEARNING_RATE`` is
taken."""

USUAL_LEARNING_RATE = 1e-3


def choose_learning_rate(
    network: TinyTimeMixer,
    batches: Batches,
    seed: int,
    options: dict[str, Any],
    clock: Clock,
    progress: Progress,
) -> float:
    """Learning rate with the lowest validation loss after a short training, which is undone."""
    first = copy.deepcopy(network.state_dict())
    unseen = {"max_epochs": 1, "limit_val_batches": 0, "logger": False}
    unseen |= {"enable_checkpointing": False, "enable_progress_bar": False}
    short = batches.for_steps(TRIAL_STEPS)
    losses = {}
    for learning_rate in LEARNING_RATES:
        in_time = EndInTime(clock, clock.used + TRIAL_TIME_FRACTION * clock.limit)
        schedule = warm_up_and_decay(TRIAL_STEPS, in_time.fraction)
        module = FineTuneModule(network, learning_rate, schedule, seed)
        trainer = make_trainer({**options, **unseen, "callbacks": [in_time]})
        with interruptible():
            trainer.fit(module, datamodule=short)
        loss = losses[learning_rate] = float(module.losses(batches.looked_at).mean())
        network.load_state_dict(first)
        if trainer.global_step < min(MIN_TRIAL_STEPS, TRIAL_STEPS):
            return USUAL_LEARNING_RATE
        progress.say(f"learning rate {learning_rate:g}: validation loss {loss:.4f}")
    return min(losses, key=lambda learning_rate: losses[learning_rate])
