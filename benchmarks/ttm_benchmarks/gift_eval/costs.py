"""What the forecasts of a task take: seconds and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pandas as pd
import psutil
from gluonts.dataset.common import Dataset
from gluonts.model.forecast import Forecast
from gluonts.model.predictor import Predictor

from ttm_estimators.atomic import write_text

COSTS_FILE = "costs.csv"

SAMPLING_SECONDS = 0.05
"""Between two measurements of the memory."""


class Costs(NamedTuple):
    """What a task took."""

    series: int
    """Forecasts, one for each series and test window."""

    seconds: float
    """Time that all forecasts took, reading included, scoring not."""

    peak_memory_mb: float
    """Most resident memory of this process and those it started. Without a GPU's."""


def read_costs(folder: Path) -> pd.DataFrame:
    """Read what each task took, with columns as the fields of :class:`Costs`.

    Without the file there are no rows.
    """
    path = folder / COSTS_FILE
    if path.is_file():
        return pd.read_csv(path, index_col="dataset")
    return pd.DataFrame(columns=Costs._fields, index=pd.Index([], name="dataset"), dtype=float)


def add_costs(folder: Path, task: str, costs: Costs) -> None:
    """Write down what a task took, beside the other tasks."""
    table = read_costs(folder)
    table.loc[task] = [costs.series, round(costs.seconds, 4), round(costs.peak_memory_mb, 1)]
    write_text(folder / COSTS_FILE, table.to_csv())


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
    """Measure the memory of this process and its children until the block ends.

    Yields
    ------
    list
        The highest number of bytes so far, as its one value.
    """
    process, done = psutil.Process(), threading.Event()
    peak = [_resident(process)]

    def watch() -> None:
        while not done.wait(SAMPLING_SECONDS):
            peak[0] = max(peak[0], _resident(process))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        peak[0] = max(peak[0], _resident(process))


def _resident(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            total += one.memory_info().rss
    return total
