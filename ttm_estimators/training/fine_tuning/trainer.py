"""A Lightning trainer that writes and shows nothing unless asked to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import gettempdir
from typing import Any

import lightning

MAX_GRADIENT_NORM = 1.0


def make_trainer(options: dict[str, Any]) -> lightning.Trainer:
    """Make a trainer. ``options`` are arguments of ``lightning.Trainer``."""
    silent = {
        "default_root_dir": gettempdir(),  # where nothing is written; else the current folder
        "accelerator": "auto",
        "devices": 1,
        "gradient_clip_val": MAX_GRADIENT_NORM,
        "num_sanity_val_steps": 0,
        "reload_dataloaders_every_n_epochs": 1,
        "use_distributed_sampler": False,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return lightning.Trainer(**{**silent, **options})


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a fit as it ends other code.

    Lightning makes an exit with code 1 of it, and has the process ignore it from then on.
    """
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from None
