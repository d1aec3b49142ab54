"""Checkpoints of fine-tuning: written after each epoch, resumed by the same run alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from ttm_estimators.atomic import replacing
from ttm_estimators.training.fine_tuning.config import OLD_NAMES


def digest(tensors: Iterable[Tensor]) -> str:
    """Fingerprint of some tensors."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.cpu().contiguous().numpy().data)
    return found.hexdigest()


def learning_rate_of(
    checkpoint: str | Path | None, run: Callable[[], dict[str, Any]]
) -> float | None:
    """Learning rate of the run that a checkpoint is of, None where there is none.

    Raises
    ------
    ValueError
        When the checkpoint is damaged, or of a run whose facts are not those of ``run``.
    """
    if checkpoint is None or not Path(checkpoint).exists():
        return None
    try:
        written = torch.load(checkpoint, map_location="cpu", weights_only=True)["fine_tuning"]
    except OSError:
        raise
    except Exception as error:  # of many kinds, as the damage has it
        raise ValueError(
            f"{checkpoint} is damaged, or no checkpoint of fine-tuning: remove it, or name another"
        ) from error
    learning_rate: float | None = written.pop("learning_rate_in_use", None)
    written = {OLD_NAMES.get(name, name): value for name, value in written.items()}
    other = [name for name, value in run().items() if written.get(name) != value]
    if learning_rate is None or other:
        raise ValueError(
            f"{checkpoint} is of another run ({', '.join(other) or 'learning rate'} differ): "
            "remove it, or name another"
        )
    return learning_rate


class KeepCheckpoint(lightning.Callback):
    """Writes a checkpoint after every epoch, so that it is there as a whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        with replacing(self.path) as partial:
            trainer.save_checkpoint(partial)


class WriteInPlace(TorchCheckpointIO):
    """Writes to the file itself: Lightning's way leaves one in ``/tmp`` when a disk is full."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        whole = io.BytesIO()
        torch.save(checkpoint, whole)
        Path(path).write_bytes(whole.getbuffer())
