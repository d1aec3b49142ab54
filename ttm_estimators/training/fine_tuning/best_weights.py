"""The weights that are kept: those of the best epoch, or on the line from the first ones to them.

Shape suffixes: N series, here windows of them.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import lightning
import torch
from torch import Tensor

from ttm_estimators.training.fine_tuning.module import Examples, FineTuneModule
from ttm_estimators.training.fine_tuning.one_sided_test import is_significant

FRACTIONS = (0.25, 0.5, 0.75, 1.0)
"""Points of the line from the first weights to those of the best epoch that are validated."""

Weights = dict[str, Tensor]


class BestWeights(lightning.Callback):
    """Remembers the weights with the lowest validation loss; a checkpoint has them too."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.weights: Weights | None = None

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self.loss:
            assert isinstance(pl_module, FineTuneModule)
            self.loss = loss
            self.weights = copy.deepcopy(pl_module.network.state_dict())

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.loss, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.loss, self.weights = state_dict["loss"], state_dict["weights"]


def keep_best_on_line(
    module: FineTuneModule,
    first: Weights,
    last: Weights | None,
    zero_shot_N: Tensor,
    validation: list[Examples],
    block_N: Tensor,
) -> tuple[float, float]:
    """Set the weights on the line from ``first`` to ``last`` that validate best.

    Other weights than the first ones are kept only where a one-sided test finds them better.

    Returns
    -------
    tuple of float
        The fraction of the line, and the validation loss there.
    """
    fraction, loss, kept = 0.0, float(zero_shot_N.mean()), first
    for one in FRACTIONS if last is not None else ():
        assert last is not None
        weights = {name: torch.lerp(t, last[name].to(t), one) for name, t in first.items()}
        module.network.load_state_dict(weights)
        loss_N = module.losses(validation)
        better = float(loss_N.mean()) < loss
        if better and is_significant(zero_shot_N.cpu(), loss_N.cpu(), block_N):
            fraction, loss, kept = one, float(loss_N.mean()), weights
    module.network.load_state_dict(kept)
    return fraction, loss
