"""The choice of a learning rate, by a short training at each of several."""

from __future__ import annotations

import copy
from typing import Any

from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.training.fine_tuning.module import Batches, FineTuneModule, warm_up_and_decay
from ttm_estimators.training.fine_tuning.trainer import make_trainer

LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3)

TRIAL_STEPS = 50
"""Optimiser steps at each learning rate."""


def choose_learning_rate(
    network: TinyTimeMixer, batches: Batches, seed: int, options: dict[str, Any]
) -> float:
    """Learning rate with the lowest validation loss after a short training, which is undone."""
    first = copy.deepcopy(network.state_dict())
    unseen = {"max_epochs": 1, "callbacks": [], "limit_val_batches": 0, "logger": False}
    unseen |= {"enable_checkpointing": False, "enable_progress_bar": False}
    short = batches.with_epochs_of(TRIAL_STEPS)
    losses = {}
    for learning_rate in LEARNING_RATES:
        module = FineTuneModule(network, learning_rate, warm_up_and_decay(TRIAL_STEPS), seed)
        make_trainer({**options, **unseen}).fit(module, datamodule=short)
        losses[learning_rate] = float(module.losses(batches.validation).mean())
        network.load_state_dict(first)
    return min(losses, key=lambda learning_rate: losses[learning_rate])
