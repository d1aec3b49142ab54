"""Pre-training on synthetic and real windows with Lightning."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.data.windows import Window
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.training.hardware import describe_hardware, peak_memory
from ttm_estimators.training.module import Training
from ttm_estimators.training.quiet import quiet
from ttm_estimators.training.recipe import Recipe
from ttm_estimators.training.run_folder import (
    RUN_FILE,
    UNDECIDED,
    checkpoints,
    claim,
    read_run,
    save_checkpoint,
    trained_steps,
    write,
)
from ttm_estimators.weights import load_network, resolve, save_network
from ttm_estimators.weights.shipped import CARD_FILE

CHECKPOINT_EVERY = 200

AVERAGE_EVERY = 10
"""Steps from one look at the clock, and one weight in the running mean, to the next."""

VALIDATION_BATCHES = 4

VALIDATION_SEED = 1_000_000
"""Added to the seed of training: validation windows are others."""


def pretrain(
    config: TTMConfig,
    recipe: Recipe,
    output: Path,
    *,
    corpus: Path | None = None,
    budget: float | None = None,
    start: str | Path | None = None,
    workers: int = 1,
    progress: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> TinyTimeMixer:
    """Train a network on a stream of windows and write it to a weights folder.

    A run that was interrupted goes on from its last checkpoint in ``output`` when it is called
    again, and ends where it would have. It may be given more steps or a larger budget, even when it
    has finished: it goes on from where its rate began to decay.

    Parameters
    ----------
    config : TTMConfig
        The network.
    recipe : Recipe
        How to train it.
    output : Path
        Folder for the weights, the checkpoints and the logs.
    corpus : Path, optional
        Folder of parquet files with real series. Some of them are held back for validation.
    budget : float, optional
        Seconds to train, over all restarts, in place of the recipe's steps. When all but the share
        of the decay has passed, the steps are decided and noted in ``run.json``.
    start : str or Path, optional
        Shipped model or weights folder to start from, in place of random weights.
    workers : int, default 1
        Processes that make windows. The stream is the same for any number. Where there is a GPU
        it makes them itself.
    progress : bool, default True
        Whether to show a progress bar.
    clock : callable, default time.monotonic
        Seconds since any one moment.

    Returns
    -------
    TinyTimeMixer
        The network with the averaged weights, in evaluation mode.

    Raises
    ------
    ValueError
        When the network is not one for single series, ``start`` is of another geometry, the recipe
        needs a corpus, or ``output`` holds another run.
    """
    torch.set_flush_denormal(True)  # before there are threads, which take it over
    try:
        if recipe.real_share > 0 and corpus is None:
            raise ValueError(
                f"real_share is {recipe.real_share}: name a corpus to cut these windows from, or "
                "set real_share to 0"
            )
        lightning.seed_everything(recipe.seed, verbose=False)
        network = TinyTimeMixer(config)
        if start is not None:
            _start_from(network, start)
        real, held_back = Corpus.read(corpus).split() if corpus is not None else (None, None)
        module = _Pretraining(network, recipe, real, held_back, workers)
        steps = claim(output, config, recipe, budget, start)
        module.recipe = replace(recipe, steps=steps)
        course = _Course(output, budget, clock)
        first = trained_steps(course.last)
        folder = f"from_step_{first}"  # one for each start: a logger empties the one that it finds
        with quiet():
            trainer = lightning.Trainer(
                accelerator="auto",
                devices=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),  # as torchrun sets them
                num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
                precision=recipe.precision,
                max_steps=steps,
                max_epochs=-1,
                check_val_every_n_epoch=None,
                val_check_interval=recipe.validation_every,
                num_sanity_val_steps=0,
                gradient_clip_val=recipe.gradient_clip,
                use_distributed_sampler=False,
                callbacks=[course, *([_ProgressBar(course)] if progress else [])],
                logger=[
                    CSVLogger(output, name="log", version=folder),
                    TensorBoardLogger(output, name="tensorboard", version=folder),
                ],
                log_every_n_steps=20,
                enable_checkpointing=False,
                enable_progress_bar=progress,
                enable_model_summary=False,
            )
            trainer.fit(module, ckpt_path=course.last if first else None)
    finally:
        torch.set_flush_denormal(False)
    network = module.averaged.cpu().requires_grad_(True).eval()
    if trainer.is_global_zero:
        save_network(network, output)
    return network


class _Pretraining(Training):
    """Training on the stream of windows, with a running mean of the weights."""

    def __init__(
        self,
        network: TinyTimeMixer,
        recipe: Recipe,
        corpus: Corpus | None,
        held_back: Corpus | None,
        workers: int,
    ) -> None:
        super().__init__(network, recipe)
        self.corpus = corpus
        self.held_back = held_back
        self.workers = workers
        self.average = AveragedModel(network, avg_fn=self._mean).requires_grad_(False)

    def _mean(self, mean: Tensor, weight: Tensor, weights: Tensor | int) -> Tensor:
        return mean + (weight - mean) / (1 + self.recipe.averaged_share * weights)

    @property
    def averaged(self) -> TinyTimeMixer:
        """The network with the mean of the weights."""
        return cast(TinyTimeMixer, self.average.module)

    def train_dataloader(self) -> DataLoader[Window]:
        on_gpu = self.device.type == "cuda"
        windows = WindowStream(
            *self._shape,
            seed=self.recipe.seed,
            first=self.global_step,
            rank=self.global_rank,
            ranks=self.trainer.world_size,
            corpus=self.corpus,
            real_share=self.recipe.real_share,
            augmentation=self.recipe.augmentation,
            device=self.device if on_gpu else "cpu",
            input_length=self.network.config.input_length,
        )
        return DataLoader(windows, batch_size=None, num_workers=0 if on_gpu else self.workers)

    def val_dataloader(self) -> list[DataLoader[Window]]:
        """Fixed windows: every process takes all of them, and so finds the same loss."""
        seed = self.recipe.seed + VALIDATION_SEED
        longest = self.network.config.input_length
        streams = [WindowStream(*self._shape, seed=seed, input_length=longest)]
        if self.held_back is not None:
            streams.append(
                WindowStream(
                    *self._shape,
                    seed=seed,
                    corpus=self.held_back,
                    real_share=1.0,
                    input_length=longest,
                )
            )
        return [
            DataLoader(
                [stream.batch(k) for k in range(VALIDATION_BATCHES)],  # type: ignore[arg-type]
                batch_size=None,
            )
            for stream in streams
        ]

    @property
    def _shape(self) -> tuple[int, int, int]:
        config = self.network.config
        return config.context_length, config.horizon, self.recipe.batch_size

    def validation_step(self, window: Window, batch_idx: int, dataloader_idx: int = 0) -> None:
        loss = self.loss(window, self.averaged)
        name = ("val_synthetic", "val_corpus")[dataloader_idx]
        self.log(name, loss, batch_size=len(window.past), add_dataloader_idx=False, prog_bar=True)


class _Course(lightning.Callback):
    """Averages weights, decides by the clock when to decay, and writes checkpoints."""

    def __init__(self, output: Path, budget: float | None, clock: Callable[[], float]) -> None:
        self.output = output
        self.budget = budget
        self.clock = clock
        self.last, self.stable = checkpoints(output)
        self.before = 0.0
        self.began = math.nan
        self.first = 0

    @property
    def elapsed(self) -> float:
        """Seconds of training, over all restarts."""
        return self.before + self.clock() - self.began

    def seconds_left(self, module: _Pretraining) -> float:
        """Seconds to the end, by the budget or by the pace so far."""
        if module.recipe.steps == UNDECIDED:
            return (self.budget or math.inf) - self.elapsed
        done = module.global_step - self.first
        left = module.recipe.steps - module.global_step
        return left * (self.clock() - self.began) / max(1, done)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        self.began = self.clock()
        self.first = trainer.global_step

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: lightning.Trainer, pl_module: _Pretraining, *_: Any
    ) -> None:
        step = trainer.global_step
        regular = step % AVERAGE_EVERY == 0
        if regular:
            pl_module.average.update_parameters(pl_module.network)
            pl_module.log("hours", self.elapsed / 3600)
        decided = regular and self._decide(trainer, pl_module)
        if step == pl_module.recipe.stable_steps:
            save_checkpoint(trainer, self.stable)
        if decided and trainer.is_global_zero:
            run = {**read_run(self.output), "steps": pl_module.recipe.steps}
            write(self.output / RUN_FILE, run)
        if step % CHECKPOINT_EVERY == 0 or step == pl_module.recipe.stable_steps:
            save_checkpoint(trainer, self.last)
        if step == pl_module.recipe.steps and not regular:
            pl_module.average.update_parameters(pl_module.network)

    def _decide(self, trainer: lightning.Trainer, module: _Pretraining) -> bool:
        """Fix the number of steps when it is time to decay. All processes take one clock."""
        if module.recipe.steps != UNDECIDED or self.budget is None:
            return False
        stable_share = 1 - module.recipe.decay_share
        if not trainer.strategy.broadcast(self.elapsed >= stable_share * self.budget):
            return False
        steps = math.ceil(trainer.global_step / stable_share)
        while replace(module.recipe, steps=steps).stable_steps < trainer.global_step:
            steps += 1  # rounding
        module.recipe = replace(module.recipe, steps=steps)
        trainer.fit_loop.epoch_loop.max_steps = steps
        return True

    def on_train_end(  # type: ignore[override]
        self, trainer: lightning.Trainer, pl_module: _Pretraining
    ) -> None:
        if not trainer.is_global_zero:
            return
        batch = pl_module.recipe.batch_size * trainer.world_size
        seconds = self.clock() - self.began
        hours = self.elapsed / 3600
        hardware, cores = describe_hardware(
            trainer.world_size, trainer.num_nodes, pl_module.workers
        )
        memory = peak_memory()
        card = {
            "parameters": sum(tensor.numel() for tensor in pl_module.network.parameters()),
            "steps": trainer.global_step,
            "windows": trainer.global_step * batch,
            "hours": round(hours, 3),
            "hardware": hardware,
            "cores": cores,
            "core_hours": round(cores * hours, 3),
            "windows_per_second": round((trainer.global_step - self.first) * batch / seconds),
            "peak_memory_gb": None if memory is None else round(memory / 1e9, 2),
            "seed": pl_module.recipe.seed,
            "real_share": pl_module.recipe.real_share,
            "start": read_run(self.output)["start"],
        }
        write(self.output / CARD_FILE, card)

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.before = state_dict["elapsed"]


class _ProgressBar(RichProgressBar):
    """Knows how many steps there will be, and the time left."""

    def __init__(self, course: _Course) -> None:
        super().__init__(refresh_rate=2)
        self.course = course

    def _get_train_description(self, current_epoch: int) -> str:
        """Lightning's counts epochs, of which the stream has none."""
        return "Training".ljust(len(self.validation_description))

    @property
    def total_train_batches(self) -> int | float:
        steps = cast(_Pretraining, self.trainer.lightning_module).recipe.steps
        return math.inf if steps == UNDECIDED else steps

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: lightning.Trainer, pl_module: _Pretraining, *rest: Any
    ) -> None:
        if trainer.global_step % 10 == 0:  # on a GPU a look at the loss waits for it
            super().on_train_batch_end(trainer, pl_module, *rest)

    def get_metrics(self, trainer: lightning.Trainer, pl_module: _Pretraining) -> dict[str, Any]:  # type: ignore[override]
        left = timedelta(seconds=round(self.course.seconds_left(pl_module)))
        metrics = {**super().get_metrics(trainer, pl_module), "left": str(left)}
        metrics.pop("v_num", None)
        return metrics


def _start_from(network: TinyTimeMixer, start: str | Path) -> None:
    """Take over trained weights."""
    trained = load_network(resolve(start))
    wanted, found = asdict(network.config), asdict(trained.config)
    differ = [
        name
        for name in wanted
        if wanted[name] != found[name] and name not in ("dropout", "head_dropout")
    ]
    if differ:
        raise ValueError(
            f"{start} is another network than the recipe's, which differs in {', '.join(differ)}"
        )
    network.load_state_dict(trained.state_dict())
