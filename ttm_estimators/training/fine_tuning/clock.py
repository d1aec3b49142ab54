"""The time of a run, and training that ends in it."""

from __future__ import annotations

import math
import time
from typing import Any

import lightning


class Clock:
    """Seconds since a run began, of which there may be a limit."""

    def __init__(self, minutes: float | None, began: float) -> None:
        self.began = began
        self.limit = math.inf if minutes is None else 60 * minutes

    @property
    def used(self) -> float:
        """Seconds, with those before an interruption."""
        return time.perf_counter() - self.began


class EndInTime(lightning.Callback):
    """Ends training nearest to a second of the run's clock.

    A checkpoint has the time that was used, so that a resumed run counts it.
    """

    def __init__(self, clock: Clock, end: float) -> None:
        self.clock = clock
        self.start(end)

    def start(self, end: float) -> None:
        """Begin now."""
        self.begin = self.clock.used
        self.end = end

    def fraction(self) -> float:
        """Fraction of the time for training that is used, 0 where there is no limit."""
        return (self.clock.used - self.begin) / max(self.end - self.begin, 1e-9)

    def on_train_batch_start(self, *_: Any) -> None:
        self._step_began = self.clock.used

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:  # type: ignore[override]
        used = self.clock.used
        if used + (used - self._step_began) / 2 > self.end:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {"used": self.clock.used, "begin": self.begin}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.clock.began -= state_dict["used"]
        self.begin = state_dict["begin"]
