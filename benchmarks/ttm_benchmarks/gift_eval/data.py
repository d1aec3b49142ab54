"""Series from GIFT-Eval's layout on disk, as GluonTS test windows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from gluonts.dataset.split import TestData, TrainingDataset, split
from gluonts.time_feature import get_seasonality

from ttm_benchmarks.gift_eval.tasks import TASKS, Task

TEST_FRACTION = 0.1
"""What the test windows cover of the shortest series."""

MAX_WINDOWS = 20


class TaskData(NamedTuple):
    """What a task is measured on."""

    training: TrainingDataset
    """All before the test windows."""

    test: TestData
    """Windows that follow each other at the end of every series."""

    frequency: str
    season: int


def present_tasks(folder: Path) -> list[Task]:
    """List the tasks whose data are in a folder.

    Raises
    ------
    FileNotFoundError
        When there is none.
    """
    found = [task for task in TASKS.values() if (folder / task.folder / "state.json").is_file()]
    if not found:
        raise FileNotFoundError(
            f"no GIFT-Eval data in {folder}: expected folders such as {folder / 'ett1' / '15T'} "
            "that Hugging Face datasets can load from disk"
        )
    return found


def read_task(
    folder: Path, task: Task, *, multivariate: bool = False, before_test: bool = False
) -> TaskData:
    """Read the test windows of a task, lazily.

    Parameters
    ----------
    folder : Path
        Where all data are.
    task : Task
        What to read.
    multivariate : bool, default False
        Whether series of several variates stay as they are, of shape (variates, time). Else each
        variate is a series of its own.
    before_test : bool, default False
        Whether to read as many windows that end where the test windows begin instead, to choose
        models by.

    Raises
    ------
    ValueError
        When a series is too short for windows before its test windows.
    """
    rows = datasets.load_from_disk(str(folder / task.folder))
    frequency = rows.data.column("freq")[0].as_py()
    series = _Series(rows.with_format("numpy"), frequency, multivariate)
    shortest = _shortest(rows)
    windows = _windows(shortest, task)
    stretches = 2 if before_test else 1
    if before_test and shortest <= stretches * task.horizon * windows:
        raise ValueError(
            f"a series of {shortest} points has no history before {windows} windows of "
            f"{task.horizon} steps and as many test windows: leave {task.name} out with --tasks"
        )
    training, template = split(series, offset=-task.horizon * windows * stretches)
    test = template.generate_instances(task.horizon, windows=windows, distance=task.horizon)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the data spell hours "H", pandas "h"
        return TaskData(training, test, frequency, get_seasonality(frequency))


def forecast_values(folder: Path, task: Task) -> int:
    """Count the numbers that a task asks for: a measure of its cost."""
    rows = datasets.load_from_disk(str(folder / task.folder))
    return len(rows) * task.variates * _windows(_shortest(rows), task) * task.horizon


def _shortest(rows: datasets.Dataset) -> int:
    """Length of the shortest series."""
    column = rows.data.column("target")
    if _nested(rows):
        column = pc.list_element(column, 0)
    return int(pc.min(pc.list_value_length(column)).as_py())


def _nested(rows: datasets.Dataset) -> bool:
    """Whether targets have the shape (variates, time)."""
    return pa.types.is_nested(rows.data.column("target").type.value_type)


def _windows(length: int, task: Task) -> int:
    if task.one_window:
        return 1
    return min(max(1, math.ceil(TEST_FRACTION * length / task.horizon)), MAX_WINDOWS)


class _Series:
    """Entries for GluonTS, read from disk anew in every pass."""

    def __init__(self, rows: datasets.Dataset, frequency: str, multivariate: bool) -> None:
        self.rows = rows
        self.frequency = frequency
        self.split = _nested(rows) and not multivariate
        self.variates = len(rows.data.column("target")[0]) if self.split else 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            self.step: Any = pd.Period("2000-01-01", frequency).freq

    def __len__(self) -> int:
        return len(self.rows) * self.variates

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            entry = {
                "start": pd.Period(row["start"].astype("datetime64[us]").item(), self.step),
                "freq": self.frequency,
                "item_id": str(row["item_id"]),
                "target": row["target"],
            }
            if not self.split:
                yield entry
                continue
            for i, target in enumerate(row["target"]):
                yield entry | {"item_id": f"{row['item_id']}_{i}", "target": target}
