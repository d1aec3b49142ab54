"""What a run tells while it trains: metrics in files, and a progress bar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from lightning.fabric.loggers.csv_logs import CSVLogger
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ttm_estimators.training.quiet import quiet


class RunLog:
    """Metrics as CSV and for TensorBoard, and a progress bar. A process that is not the first is
    silent.

    Parameters
    ----------
    output : Path
        Folder of the run.
    first_step : int
        Steps before this start, of which each has files of its own.
    progress : bool
        Whether to show a progress bar.
    silent : bool
        Whether to write and show nothing.
    """

    def __init__(self, output: Path, first_step: int, *, progress: bool, silent: bool) -> None:
        version = name = f"from_step_{first_step}"
        start = 1
        while (output / "log" / version).exists():  # of a start that did not reach a checkpoint
            start += 1
            version = f"{name}_start_{start}"
        with quiet():
            self.loggers = (
                []
                if silent
                else [
                    CSVLogger(output, name="log", version=version, flush_logs_every_n_steps=1),
                    TensorBoardLogger(output, name="tensorboard", version=version),
                ]
            )
        self.bar = Progress(
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            disable=silent or not progress,
        )
        self.task = self.bar.add_task("", total=None, completed=first_step, status="")
        self.latest: dict[str, float] = {}

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        """Keep the metrics of so many steps."""
        for logger in self.loggers:
            logger.log_metrics(dict(metrics), step)
        self.latest |= metrics

    def show(self, step: int, steps: int | None, seconds_left: float) -> None:
        """Tell how far the run is. While they are not known, ``steps`` is None and the time NaN."""
        validation = [self.latest[name] for name in self.latest if name.startswith("val_")]
        status = [
            f"loss {self.latest['loss']:.3f}",
            *(["val", *(f"{loss:.3f}" for loss in validation)] if validation else []),
            f"{self.latest['windows_per_second']:.0f}/s",
            *(
                []
                if math.isnan(seconds_left)
                else [f"{timedelta(seconds=round(seconds_left))} left"]
            ),
        ]
        self.bar.update(self.task, total=steps, completed=step, status=" ".join(status))

    def __enter__(self) -> RunLog:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar.live.is_started:  # else rich before 14.3 ends a line
            self.bar.stop()
        for logger in self.loggers:
            logger.finalize("success" if error is None else "failed")
