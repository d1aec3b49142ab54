"""How far fine-tuning is, on standard error: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from ttm_estimators.training.fine_tuning.clock import Clock

SECONDS_BETWEEN_LINES = 10.0


class Progress(lightning.Callback):
    """Says so where it is asked to.

    Parameters
    ----------
    show : bool
        Whether to say anything.
    steps : int
        Optimiser steps at most.
    clock : Clock
        The time of the run.
    """

    def __init__(self, show: bool, steps: int, clock: Clock) -> None:
        self.show = show
        self.steps = steps
        self.clock = clock
        self.said = 0.0
        self.bar: Bar | None = None

    def say(self, text: str, done: float = 0.0) -> None:
        """Say what is done, if the last line is some time ago, or show it beside the bar."""
        if not self.show:
            return
        if self.bar is None and sys.stderr.isatty():
            columns = (TextColumn("fine-tuning"), BarColumn(), TextColumn("{task.description}"))
            self.bar = Bar(*columns, console=Console(stderr=True))
            self.bar.add_task("", total=1.0)
            self.bar.start()
        if self.bar is not None:  # under which rich before 15 says that this is no terminal
            self.bar.update(self.bar.task_ids[0], description=text, completed=done)
        elif self.clock.used - self.said >= SECONDS_BETWEEN_LINES:
            print(text, file=sys.stderr, flush=True)
            self.said = self.clock.used

    def end(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.stop()

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        self.show = self.show and trainer.is_global_zero
        self._first = (trainer.global_step, self.clock.used)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        step, (first, began) = trainer.global_step, self._first
        used = self.clock.used
        seconds = (used - began) / (step - first) * (self.steps - step)
        left = min(seconds, max(0.0, self.clock.limit - used))
        metrics = trainer.callback_metrics
        text = f"step {step} of {self.steps}, loss {float(metrics['loss']):.4f}"
        if "val_loss" in metrics:
            text += f", validation loss {float(metrics['val_loss']):.4f}"
        text += f", {timedelta(seconds=round(left))} left at most"
        self.say(text, used / max(used + left, 1e-9))
