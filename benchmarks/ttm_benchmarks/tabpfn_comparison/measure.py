"""One model on one task: its scores, and the seconds and memory that they took."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import psutil
from gluonts.dataset.common import Dataset
from gluonts.model.forecast import Forecast
from gluonts.model.predictor import Predictor

from ttm_benchmarks.gift_eval.data import read_task
from ttm_benchmarks.gift_eval.evaluation import scores
from ttm_benchmarks.gift_eval.predictors import Model, make_predictor
from ttm_benchmarks.gift_eval.tasks import Task

SAMPLING_INTERVAL = 0.05
"""Seconds between two looks at the memory."""


class Measured(NamedTuple):
    """What a model did on a task."""

    scores: dict[str, float]
    """Metrics by GluonTS's names."""

    series: int
    """Forecasts, one for each variate and test window."""

    seconds: float
    """Time that all forecasts took, reading included, scoring not."""

    peak_memory: int
    """Most resident memory of this process and those it started, in bytes. Without a GPU's."""


def measure(folder: Path, task: Task, *, model: Model, batch_size: int, device: str) -> Measured:
    """Measure a model on a task, each variate as a series of its own.

    Parameters
    ----------
    folder : Path
        Where all data are.
    task : Task
        What to forecast.
    model : Model
        What forecasts.
    batch_size : int
        Series in one forward pass.
    device : str
        Any torch device.
    """
    data = read_task(folder, task)
    with peak_memory() as memory:
        predictor = Stopwatch(
            make_predictor(
                model,
                horizon=task.horizon,
                frequency=data.frequency,
                season=data.season,
                batch_size=batch_size,
                device=device,
                multivariate=False,
            )
        )
        found = scores(predictor, data, batch_size)
    return Measured(found, predictor.series, predictor.seconds, max(memory))


class Stopwatch(Predictor):  # type: ignore[misc] # GluonTS has no type information
    """A predictor that knows how long its forecasts took."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__(prediction_length=predictor.prediction_length)
        self.predictor = predictor
        self.series = 0
        self.seconds = 0.0

    def predict(self, dataset: Dataset, **kwargs: Any) -> Iterator[Forecast]:
        """Forecast as the predictor does. Time between two forecasts is not counted."""
        start = perf_counter()
        for forecast in self.predictor.predict(dataset, **kwargs):
            self.series += 1
            self.seconds += perf_counter() - start
            yield forecast
            start = perf_counter()
        self.seconds += perf_counter() - start


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Look at the memory of this process and its children, at the beginning and ever after.

    Yields
    ------
    list
        The most bytes so far, as its one value.
    """
    process, done = psutil.Process(), threading.Event()
    most = [_resident(process)]

    def watch() -> None:
        while not done.wait(SAMPLING_INTERVAL):
            most[0] = max(most[0], _resident(process))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()
        most[0] = max(most[0], _resident(process))


def _resident(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            total += one.memory_info().rss
    return total
