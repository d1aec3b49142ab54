"""The benchmark from end to end: tasks, processes, progress and the files of a submission."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ttm_benchmarks.gift_eval.coverage import describe, read_coverage
from ttm_benchmarks.gift_eval.data import forecast_values, present_tasks
from ttm_benchmarks.gift_eval.evaluation import Measured, evaluate
from ttm_benchmarks.gift_eval.predictors import find_model, fine_tuned, with_calendar
from ttm_benchmarks.gift_eval.record import check_files, record, run_facts
from ttm_benchmarks.gift_eval.submission import (
    METRICS,
    PREFIX,
    RESULTS_FILE,
    Row,
    start_or_resume,
)
from ttm_benchmarks.gift_eval.tasks import Task, select
from ttm_benchmarks.processes import worker_processes
from ttm_estimators import FineTuneConfig

SHOWN_METRICS = {"MASE": METRICS[3], "CRPS": METRICS[-1]}
"""The leaderboard's metrics by their names there."""


def run(
    data: Path,
    model: str | None,
    output: Path,
    *,
    patterns: Sequence[str],
    workers: int,
    batch_size: int,
    device: str,
    multivariate: bool,
    before_test: bool = False,
    fine_tuning: FineTuneConfig | None = None,
    calendar: bool = False,
) -> None:
    """Measure a model and write ``all_results.csv`` and ``config.json``, the files of a submission.

    Beside them go ``coverage.csv``, ``costs.csv`` (what each task took) and ``examples.parquet``
    (the forecast of a typical window of each task).

    A row is written when its task ends, and processes beside each other add theirs. Tasks whose
    row is already there are left out, so that a run that was stopped is resumed. A task that fails
    does not stop the others.

    Parameters
    ----------
    data : Path
        Where the sets are.
    model : str or None
        As :func:`~ttm_benchmarks.gift_eval.predictors.find_model` takes it.
    output : Path
        Folder of the submission.
    patterns : sequence of str
        Names of tasks, with ``*`` and ``?``, of those whose data are there.
    workers : int
        Processes. With 1, tasks run in this one.
    batch_size : int
        Series in one forward pass.
    device : str
        Any torch device.
    multivariate : bool
        Whether the model sees all variates of a series at once.
    before_test : bool, default False
        Whether to measure on the windows before the test windows: no submission, but what models
        may be chosen by.
    fine_tuning : FineTuneConfig, optional
        How to fine-tune on the training part of each task.
    calendar : bool, default False
        Whether the model is given the calendar of the dates as covariates.

    Raises
    ------
    FileNotFoundError
        When there are no data.
    ValueError
        When a pattern matches nothing, the model is unknown, the folder holds results of another
        one, or tasks failed (the message names them).
    """
    tasks = select(present_tasks(data), patterns)
    found = find_model(model)
    if fine_tuning is not None:
        found = fine_tuned(found, fine_tuning)
    if calendar:
        found = with_calendar(found)
    switches = {"multivariate": multivariate, "before_test": before_test}
    identity = found.identity | {name: True for name, on in switches.items() if on}
    about = found.about | run_facts(device)
    name, rows = start_or_resume(output, found.name, identity, about)
    check_files(output)
    finished = {row["dataset"] for row in rows}
    waiting = {task: forecast_values(data, task) for task in tasks if task.name not in finished}
    # Longest first, so that no process is left alone with the longest at the end.
    order = sorted(waiting, key=lambda task: -waiting[task])
    measure = partial(
        evaluate,
        data,
        model=found,
        batch_size=batch_size,
        device=device,
        multivariate=multivariate,
        before_test=before_test,
    )
    failures: list[tuple[Task, Exception]] = []
    console = Console(highlight=False)
    if len(waiting) < len(tasks):
        there = f"{len(tasks) - len(waiting)} of {len(tasks)} tasks are already in {output}"
        console.print(there, soft_wrap=True)
    total, done, start = sum(waiting.values()), 0, monotonic()
    with (
        closing(_outcomes(measure, order, workers)) as outcomes,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
        ) as progress,
    ):
        bar = progress.add_task(name, total=total)
        for number, (task, outcome) in enumerate(outcomes, start=1):
            if isinstance(outcome, Exception):
                failures.append((task, outcome))
                said = f"failed, {outcome}"
            else:
                rows = record(output, name, task, outcome)
                said = ", ".join(f"{k} {outcome.scores[m]:.3f}" for k, m in SHOWN_METRICS.items())
            done += waiting[task]
            progress.update(bar, completed=done)
            left = timedelta(seconds=round((monotonic() - start) * (total - done) / done))
            console.print(
                f"{number}/{len(order)} {task.name}: {said}" + (f", {left} left" if left else ""),
                markup=False,
                soft_wrap=True,
            )
    console.print(_rich_table(rows, name))
    coverage = read_coverage(output)
    if coverage:
        console.print(describe(coverage), soft_wrap=True)
    console.print(f"Results are in {output / RESULTS_FILE}", soft_wrap=True)
    if failures:
        task, error = failures[0]
        raise ValueError(
            f"{len(failures)} of {len(order)} tasks failed: "
            f"{', '.join(task.name for task, _ in failures)}. First: {task.name}: {error}"
        ) from error


def _outcomes(
    measure: Callable[[Task], Measured], tasks: Sequence[Task], workers: int
) -> Generator[tuple[Task, Measured | Exception]]:
    """Measure every task, and give what came of it as soon as it is known."""
    if workers == 1:
        for task in tasks:
            try:
                yield task, measure(task)
            except Exception as error:
                yield task, error
        return
    threads = max(1, torch.get_num_threads() // workers)
    with worker_processes(workers, torch.set_num_threads, threads) as submit:
        futures = {submit(measure, task): task for task in tasks}
        for future in as_completed(futures):
            failure = future.exception()
            if isinstance(failure, BrokenProcessPool):
                raise ChildProcessError(
                    "a worker process died, perhaps for lack of memory: run again with fewer "
                    "--workers, and finished tasks will be left out"
                )
            yield futures[future], failure if isinstance(failure, Exception) else future.result()


def _rich_table(rows: Sequence[Row], name: str) -> Table:
    """Lay the two metrics of the leaderboard out for a terminal."""
    table = Table(title=f"{name} on {len(rows)} tasks of GIFT-Eval")
    table.add_column("task", no_wrap=True)
    for heading in SHOWN_METRICS:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row["dataset"],
            *(f"{float(row[PREFIX + metric]):.3f}" for metric in SHOWN_METRICS.values()),
        )
    return table
