"""Pre-training on synthetic windows with Lightning."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from ttm_estimators.data.windows import SyntheticWindows
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.training.module import Training
from ttm_estimators.training.recipe import Recipe
from ttm_estimators.weights import save_network

CHECKPOINT_EVERY = 200

RUN_FILE = "run.json"
"""What a folder's run trains, and how."""


def pretrain(
    config: TTMConfig, recipe: Recipe, output: Path, *, workers: int = 1, progress: bool = True
) -> TinyTimeMixer:
    """Train a network on synthetic windows and write it to a weights folder.

    A run that was interrupted goes on from its last checkpoint in ``output`` when it is called
    again. It may be given more or fewer steps then: what was trained before the decay is the same.

    Parameters
    ----------
    config : TTMConfig
        The network.
    recipe : Recipe
        How to train it.
    output : Path
        Folder for the weights, the checkpoint and the logs of the loss.
    workers : int, default 1
        Processes that make windows. The stream is the same for any number.
    progress : bool, default True
        Whether to show a progress bar.

    Returns
    -------
    TinyTimeMixer
        The trained network, in evaluation mode.

    Raises
    ------
    ValueError
        When the network is not one for single series, or ``output`` holds another run.
    """
    lightning.seed_everything(recipe.seed, verbose=False)
    module = Training(TinyTimeMixer(config), recipe)
    _claim(output, config, recipe)
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
        # A folder for each start: the logger empties the one that it finds.
        logger=CSVLogger(output, name="log", version=f"from_step_{first}"),
        log_every_n_steps=20,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
    loader = DataLoader(windows, batch_size=None, num_workers=workers)
    torch.set_flush_denormal(True)
    try:
        trainer.fit(module, loader, ckpt_path=str(checkpoint) if first else None)
    finally:
        torch.set_flush_denormal(False)
    network = module.network.eval()
    save_network(network, output)
    return network


def _claim(output: Path, config: TTMConfig, recipe: Recipe) -> None:
    """Note down what is trained in a folder, or refuse one where something else is."""
    run = json.loads(json.dumps({"network": asdict(config), "recipe": asdict(recipe)}))
    path = output / RUN_FILE
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        for part, values in run.items():
            for name, value in values.items():
                if name != "steps" and found[part].get(name) != value:
                    raise ValueError(
                        f"{output} holds a run whose {name} is {found[part].get(name)!r}, not "
                        f"{value!r}: choose another folder, or the same settings to go on"
                    )
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
