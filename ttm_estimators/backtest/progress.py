"""How far a backtest is, and the time that is left, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

SECONDS_BETWEEN_LINES = 5.0
"""Where standard error is no terminal, a line is written so often at most."""


class Progress:
    """Counts series of each model. Models differ in speed, so that each has its own mean time.

    Parameters
    ----------
    models : sequence of str
        Names.
    series : int
        Series that each has to forecast, over all windows.
    show : bool
        Whether to show anything.
    title : str, default "backtest"
        What is going on.
    """

    def __init__(
        self, models: Sequence[str], series: int, show: bool, title: str = "backtest"
    ) -> None:
        self.title = title
        self.total = series
        self.done = dict.fromkeys(models, 0)
        self.skipped = dict.fromkeys(models, 0)
        self.seconds = dict.fromkeys(models, 0.0)
        self.trained: set[str] = set()
        self._training = ""
        self.show = show
        self._last = self._told = time.monotonic()
        self._bar = None
        if show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = TextColumn(title), BarColumn(), TextColumn("{task.description}")
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("", total=series * len(self.done))

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def train(self, model: str) -> None:
        """Tell that a model is trained first, which says nothing of how fast it forecasts."""
        self.trained.add(model)
        self._training = model
        if self._bar is not None:
            self._bar.update(self._task, description=f"training {model}")
        elif self.show:
            print(f"{self.title}: training {model}", file=sys.stderr, flush=True)

    def skip(self, model: str, series: int) -> None:
        """Count what an earlier run has finished, which says nothing of the time."""
        self.skipped[model] += series
        self._last = time.monotonic()

    def advance(self, model: str, series: int) -> None:
        """Count series that a model has just forecast."""
        now = time.monotonic()
        if model == self._training:
            self.skipped[model] += series
            self._training = ""
        else:
            self.done[model] += series
            self.seconds[model] += now - self._last
        self._last = now
        if not self.show:
            return
        finished = sum(self.done.values()) + sum(self.skipped.values())
        text = f"{finished / (self.total * len(self.done)):.0%}, {model}, {self.left()} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=finished, description=text)
        elif now - self._told > SECONDS_BETWEEN_LINES:
            self._told = now
            print(f"{self.title}: {text}", file=sys.stderr, flush=True)

    def left(self) -> str:
        """Time that is left, in words."""
        known = {name: self.seconds[name] / done for name, done in self.done.items() if done}
        usual = sum(known.values()) / max(1, len(known))
        seconds = sum(
            known.get(name, usual) * (self.total - self.done[name] - self.skipped[name])
            for name in self.done
        )
        if seconds < 100:
            return f"{seconds:.0f} s"
        return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
