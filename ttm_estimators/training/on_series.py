"""Training on series of one's own with Lightning, from the first weights or from trained ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ttm_estimators.data.series_windows import SeriesWindows, last_windows
from ttm_estimators.data.windows import Window
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.training.pretraining.module import PretrainModule
from ttm_estimators.training.quiet import quiet
from ttm_estimators.training.recipe import Recipe

EPOCH = 50
"""Steps of an epoch at most. After each the validation loss is taken."""


def train_on_series(
    network: TinyTimeMixer,
    series: Sequence[npt.NDArray[Any]],
    recipe: Recipe,
    *,
    horizon: int | None = None,
    validation: Sequence[npt.NDArray[Any]] | None = None,
    checkpoint: str | Path | None = None,
    **trainer_options: Any,
) -> lightning.Trainer:
    """Train a network in place. It ends on the CPU, in evaluation mode.

    Nothing is written to disk or shown unless ``trainer_options`` ask for it. Under a distributed
    strategy every process trains on windows of its own.

    Parameters
    ----------
    network : TinyTimeMixer
        Trained network, or a new one.
    series : sequence of array
        Series of shape (time,), NaN where missing. Windows have the ``input_length`` of the
        network.
    recipe : Recipe
        How to train. Steps are rounded up to whole epochs of 50 at most.
    horizon : int, optional
        Steps to train on, when fewer than the network has.
    validation : sequence of array, optional
        Series whose last ``horizon`` points are forecast after each epoch. The network ends with
        the weights that did so best.
    checkpoint : str or Path, optional
        Lightning checkpoint to go on from.
    **trainer_options
        Arguments of ``lightning.Trainer``, such as ``accelerator``, ``devices`` and ``callbacks``.
        ``max_epochs``, of 50 steps each, takes the place of the recipe's steps.

    Returns
    -------
    lightning.Trainer
        The trainer, done.

    Raises
    ------
    ValueError
        When there is nothing to train on, a series holds infinity, or the network mixes
        channels or takes covariates.
    """
    config = network.config
    asked = trainer_options.pop("max_epochs", None)
    steps = recipe.steps if asked is None else asked * EPOCH
    epochs = math.ceil(steps / EPOCH)
    epoch_steps = math.ceil(steps / epochs)
    recipe = replace(recipe, steps=epochs * epoch_steps)
    steps_ahead = min(horizon or config.horizon, config.horizon)
    module = _ValidatedTraining(network.train(), recipe)
    data = _Series(series, validation, recipe, config, steps_ahead)
    options = {
        "accelerator": "auto",
        "devices": 1,
        "precision": recipe.precision,
        "gradient_clip_val": recipe.gradient_clip,
        "limit_train_batches": epoch_steps,
        "num_sanity_val_steps": 0,
        "reload_dataloaders_every_n_epochs": 1,
        "use_distributed_sampler": False,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        **trainer_options,
        "max_epochs": epochs,
        "callbacks": [_BestWeights(), *trainer_options.get("callbacks", ())],
    }
    with TemporaryDirectory() as folder, quiet(), torch.random.fork_rng():
        trainer = lightning.Trainer(**{"default_root_dir": folder, **options})
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint)
    network.cpu().eval()
    return trainer


class _ValidatedTraining(PretrainModule):
    def validation_step(self, window: Window) -> None:
        self.log("val_loss", self.loss(window), batch_size=len(window.past))


class _Series(lightning.LightningDataModule):
    """Loaders that are made inside the process, which knows its rank, at the start of an epoch."""

    def __init__(
        self,
        series: Sequence[npt.NDArray[Any]],
        validation: Sequence[npt.NDArray[Any]] | None,
        recipe: Recipe,
        config: TTMConfig,
        horizon: int,
    ) -> None:
        super().__init__()
        self.shape = (config.context_length, horizon, recipe.batch_size)
        self.input_length = config.input_length
        self.seed = recipe.seed
        self.series = SeriesWindows(series, *self.shape)  # refuses what can not be trained on
        self.held = last_windows(validation or (), *self.shape, self.input_length)

    def train_dataloader(self) -> DataLoader[Window]:
        assert self.trainer is not None
        windows = SeriesWindows(
            self.series.series,
            *self.shape,
            seed=self.seed,
            first=self.trainer.current_epoch * int(self.trainer.limit_train_batches),
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
            input_length=self.input_length,
        )
        return DataLoader(windows, batch_size=None)

    def val_dataloader(self) -> Any:
        """Every process takes all of them, and so finds the same loss without a word."""
        return DataLoader(self.held, batch_size=None) if self.held else []  # type: ignore[arg-type]


class _BestWeights(lightning.Callback):
    """Ends training with the weights that had the lowest validation loss."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.weights: dict[str, Tensor] | None = None

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self.loss:
            self.loss = loss
            self.weights = copy.deepcopy(pl_module.state_dict())

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        if self.weights is not None:
            pl_module.load_state_dict(self.weights)
