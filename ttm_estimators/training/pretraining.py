"""Pre-training on synthetic windows with Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from ttm_estimators.data.windows import SyntheticWindows, Window
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.training.loss import pinball_loss
from ttm_estimators.weights import save_network

CHECKPOINT_EVERY = 200

Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to pre-train.

    Raises
    ------
    ValueError
        When a field is out of range.
    """

    steps: int = 10_000
    """Optimiser steps."""

    batch_size: int = 256
    """Windows in a step."""

    learning_rate: float = 3e-3
    """Peak rate of AdamW, after warm-up and before decay."""

    warmup_steps: int = 200
    """Steps of linear warm-up."""

    decay_share: float = 0.35
    """Share of the steps over which the rate falls linearly to zero at the end."""

    weight_decay: float = 0.02
    """Of AdamW, on weight matrices."""

    gradient_clip: float = 1.0
    """Largest norm of the gradient."""

    seed: int = 0
    """Of the first weights and the data."""

    compile: bool = False
    """Whether to compile the network: a minute of waiting, then half as fast again."""

    precision: Precision = "32-true"
    """Lightning's name of the number format."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "warmup_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.decay_share <= 1:
            raise ValueError(f"decay_share must lie in [0, 1], got {self.decay_share}")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision must be one of {get_args(Precision)}")

    def rate(self, step: int) -> float:
        """Factor on the learning rate: warm up, stay, decay."""
        warm = (step + 1) / self.warmup_steps
        decay_steps = max(1.0, self.decay_share * self.steps)
        return max(0.0, min(1.0, warm, (self.steps - step) / decay_steps))


class Pretraining(lightning.LightningModule):
    """One optimiser step: forecast a batch of windows, quantile loss on the normalised scale."""

    def __init__(self, network: TinyTimeMixer, recipe: Recipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        forecast = network.forecast_normalised
        self.forecast = torch.compile(forecast) if recipe.compile else forecast

    def training_step(self, window: Window) -> Tensor:
        # Dropout of a step depends on its number alone, so that a resumed run repeats it.
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.global_step)
        past_BT, future_BH = window
        forecast_BHVQ, scaling = self.forecast(past_BT[..., None])
        target_BHV = scaling.normalise(future_BH[..., None])
        loss = pinball_loss(forecast_BHVQ, target_BHV, self.network.config.quantile_levels)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> dict[str, object]:  # type: ignore[override]
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": self.recipe.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=self.recipe.learning_rate,
            betas=(0.9, 0.98),
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.recipe.rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def pretrain(
    config: TTMConfig, recipe: Recipe, output: Path, *, workers: int = 1, progress: bool = True
) -> TinyTimeMixer:
    """Train a network on synthetic windows and write it to a weights folder.

    A run that was interrupted goes on from its last checkpoint in ``output`` when it is called
    again with the same arguments.

    Parameters
    ----------
    config : TTMConfig
        The network.
    recipe : Recipe
        How to train it.
    output : Path
        Folder for the weights, the checkpoint and the log of the loss.
    workers : int, default 1
        Processes that make windows. The stream is the same for any number.
    progress : bool, default True
        Whether to show a progress bar.

    Returns
    -------
    TinyTimeMixer
        The trained network, in evaluation mode.
    """
    torch.set_flush_denormal(True)
    lightning.seed_everything(recipe.seed, verbose=False)
    module = Pretraining(TinyTimeMixer(config), recipe)
    checkpoint = output / "checkpoints" / "last.ckpt"
    first = 0
    if checkpoint.exists():
        first = torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"]
    windows = SyntheticWindows(
        config.context_length, config.horizon, recipe.batch_size, recipe.seed, first
    )
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        precision=recipe.precision,
        max_steps=recipe.steps,
        max_epochs=-1,
        gradient_clip_val=recipe.gradient_clip,
        callbacks=[
            ModelCheckpoint(
                checkpoint.parent,
                save_last=True,
                save_top_k=0,
                every_n_train_steps=CHECKPOINT_EVERY,
                enable_version_counter=False,  # else a resumed run would write last-v1.ckpt
            ),
            *([RichProgressBar()] if progress else []),
        ],
        logger=CSVLogger(output, name="", version=""),
        log_every_n_steps=20,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
    loader = DataLoader(windows, batch_size=None, num_workers=workers)
    trainer.fit(module, loader, ckpt_path=str(checkpoint) if first else None)
    network = module.network.eval()
    save_network(network, output)
    return network
