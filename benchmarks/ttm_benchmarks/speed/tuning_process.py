"""One side of the comparison of fine-tuning speeds, in a process of its own.

Prints the number of parameters that are trained. Then for every line that it is sent it fine-tunes
decoder and head anew, and prints how many seconds that took. Imports only what both environments
have, and what a side needs when it is that side.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch.utils.data import Dataset

from ttm_benchmarks.speed.training_process import CONFIG, granite_network, say, trainer_settings

LEARNING_RATE = 1e-3
LENGTH = CONFIG.context_length + CONFIG.horizon


def walk(windows: int) -> torch.Tensor:
    """A random walk that holds this many windows."""
    return torch.randn(windows + LENGTH - 1, generator=torch.Generator().manual_seed(0)).cumsum(0)


def ours(windows: int, passes: int, batch_size: int) -> tuple[int, Callable[[], None]]:
    """Parameters that are trained, and our fine-tuning from windows to the tuned network."""
    from ttm_estimators import FineTuneConfig, TinyTimeMixer, fine_tune

    torch.manual_seed(0)
    network = TinyTimeMixer(CONFIG)
    series = walk(windows).numpy()
    settings = FineTuneConfig(
        windows=windows,
        steps=passes * windows // batch_size,
        batch_size=batch_size,
        learning_rate=LEARNING_RATE,
        patience=passes * windows,
        shortest_history=CONFIG.context_length,
    )

    def tune() -> None:
        tuned = fine_tune(network, [series], settings, validation=[series], accelerator="cpu")
        assert tuned.windows == windows
        assert tuned.steps >= settings.steps

    trained = sum(
        parameter.numel()
        for name, parameter in network.named_parameters()
        if name.split(".")[0] != "backbone"
    )
    return trained, tune


def theirs(windows: int, passes: int, batch_size: int) -> tuple[int, Callable[[], None]]:
    """The same of granite-tsfm's network under the Hugging Face Trainer, as its examples do."""
    from transformers import (  # type: ignore[import-not-found, unused-ignore]
        PrinterCallback,
        Trainer,
    )

    values = walk(windows)

    class Windows(Dataset[Any]):
        def __len__(self) -> int:
            return windows

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            window = values[index : index + LENGTH, None]
            past, future = window[: CONFIG.context_length], window[CONFIG.context_length :]
            return {"past_values": past, "future_values": future}

    network = granite_network()
    for parameter in network.backbone.parameters():
        parameter.requires_grad = False

    def tune() -> None:
        with tempfile.TemporaryDirectory() as folder:
            settings = trainer_settings(
                folder,
                num_train_epochs=passes,
                per_device_train_batch_size=batch_size,
                learning_rate=LEARNING_RATE,
            )
            trainer = Trainer(network, settings, train_dataset=Windows())
            trainer.remove_callback(PrinterCallback)  # it would print where seconds are expected
            trainer.train()

    trained = sum(one.numel() for one in network.parameters() if one.requires_grad)
    return trained, tune


def main(side: str, windows: int, passes: int, batch_size: int) -> None:
    """Fine-tune one side, as often as it is asked to.

    Parameters
    ----------
    side : str
        "theirs" or "ours".
    windows, passes, batch_size : int
        Windows to train on, how often each comes, and windows in a step.
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    trained, tune = (theirs if side == "theirs" else ours)(windows, passes, batch_size)
    say(trained)
    for _ in sys.stdin:
        began = perf_counter()
        tune()
        say(perf_counter() - began)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
