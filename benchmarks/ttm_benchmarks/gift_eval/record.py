"""The files of a run, after each task."""

from __future__ import annotations

import errno
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from ttm_benchmarks.gift_eval.costs import COSTS_FILE, add_costs, read_costs
from ttm_benchmarks.gift_eval.coverage import (
    COVERAGE_FILE,
    coverage_of,
    read_coverage,
    write_coverage,
)
from ttm_benchmarks.gift_eval.evaluation import Measured
from ttm_benchmarks.gift_eval.examples import EXAMPLES_FILE, add_example, read_examples
from ttm_benchmarks.gift_eval.submission import (
    CONFIG_FILE,
    Row,
    in_order,
    make_row,
    one_at_a_time,
    read_rows,
    write_rows,
)
from ttm_benchmarks.gift_eval.tasks import Task


def record(folder: Path, name: str, task: Task, measured: Measured) -> list[Row]:
    """Write down what a model did on a task, beside what this and other processes did.

    The row of the submission comes last: it says that the task is done.

    Parameters
    ----------
    folder : Path
        Of the submission.
    name : str
        Name of the model.
    task : Task
        What was forecast.
    measured : Measured
        What came of it.

    Returns
    -------
    list of Row
        All rows.
    """
    if not (folder / CONFIG_FILE).exists():  # or a folder without it would be made
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder / CONFIG_FILE))
    with one_at_a_time(folder):
        write_coverage(folder, read_coverage(folder) | {task.name: coverage_of(measured.scores)})
        add_costs(folder, task.name, measured.costs)
        add_example(folder, task.name, measured.example)
        others = [row for row in read_rows(folder) if row["dataset"] != task.name]
        rows = in_order([*others, make_row(task, name, measured.scores)])
        write_rows(folder, rows)
    return rows


def check_files(folder: Path) -> None:
    """See that what is there can be added to.

    Raises
    ------
    ValueError
        When a file is damaged.
    """
    files = {COVERAGE_FILE: read_coverage, COSTS_FILE: read_costs, EXAMPLES_FILE: read_examples}
    for name, read in files.items():
        try:
            read(folder)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{folder / name} is damaged ({error}): give an empty --output folder"
            ) from error


def run_facts(device: str) -> dict[str, Any]:
    """What a run should say about itself: date, versions and class of machine."""
    return {
        "date": date.today().isoformat(),
        "ttm_estimators": version("ttm-estimators"),
        "torch": torch.__version__,
        "machine": _machine(device),
    }


def _machine(device: str) -> str:
    """Class of the machine, such as "2 x86_64 cores, 24 GB of memory, no GPU"."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 1e9
    try:
        on_gpu = torch.device(device).type == "cuda"
        gpu = torch.cuda.get_device_name(device) if on_gpu else "no GPU"
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"device {device!r} can not be used: {error}") from error
    return f"{cores} {platform.machine()} cores, {memory:.0f} GB of memory, {gpu}"
