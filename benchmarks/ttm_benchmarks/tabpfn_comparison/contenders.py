"""The sides of a comparison: models that run here, and results that are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from pydoc import ErrorDuringImport
from typing import NamedTuple

import torch
from rich.console import Console

from ttm_benchmarks.gift_eval.costs import COSTS_FILE, read_costs
from ttm_benchmarks.gift_eval.evaluation import evaluate
from ttm_benchmarks.gift_eval.predictors import Model, find_model
from ttm_benchmarks.gift_eval.record import record, run_facts
from ttm_benchmarks.gift_eval.run import SHOWN_METRICS
from ttm_benchmarks.gift_eval.submission import CONFIG_FILE, RESULTS_FILE, start_or_resume
from ttm_benchmarks.gift_eval.tasks import Task
from ttm_benchmarks.processes import worker_processes

MEASURED, PUBLISHED = "measured", "published"


class Contender(NamedTuple):
    """One side of a comparison."""

    folder: Path
    """Where its results are, or will be."""

    model: Model | None
    """What to run for them. None: they are there."""


def find_contender(text: str, output: Path) -> tuple[Contender, str]:
    """Find out whether a model can run here, before any work starts.

    Parameters
    ----------
    text : str
        A model as :func:`~ttm_benchmarks.gift_eval.predictors.find_model` takes it, a folder with
        results, or ``MODEL=FOLDER``: a model, and the results that stand in where it can not run.
    output : Path
        Folder that results go to, in a folder of the model's name.

    Returns
    -------
    tuple
        The contender, and why results stand in for its model: empty where they do not.

    Raises
    ------
    ValueError
        When the model can not run and nothing stands in for it.
    """
    text, _, stand_in = text.partition("=")
    if (Path(text) / RESULTS_FILE).is_file():
        return Contender(Path(text), None), ""
    try:
        model = find_model(text)
    except (ValueError, ErrorDuringImport) as error:
        if not stand_in:
            raise ValueError(
                f"{text} can not run here: {error}. Let published results stand in for it with "
                f"--model {text}=FOLDER"
            ) from error
        return Contender(Path(stand_in), None), f"{text} can not run here: {error}"
    return Contender(output / model.name, model), ""


def source_of(folder: Path) -> str:
    """Whether results come from this repository's runner, or from elsewhere.

    Only our runner writes down which weights or which class it ran.
    """
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return MEASURED if {"weights_sha256", "predictor"} & config.keys() else PUBLISHED


def run_contender(
    contender: Contender,
    data: Path,
    tasks: Sequence[Task],
    *,
    batch_size: int,
    device: str,
    console: Console,
) -> None:
    """Measure a model in a process of its own, so that its memory is told from others'.

    Results and costs are written when a task ends. Tasks that have both are left out, so that a
    run that was stopped is resumed.

    Raises
    ------
    ValueError
        When the folder holds results of another model, or results without costs.
    ChildProcessError
        When the process dies.
    """
    folder, model = contender
    if model is None:
        return
    about = model.about | run_facts(device)
    name, rows = start_or_resume(folder, model.name, model.identity, about)
    finished = {row["dataset"] for row in rows}
    if not finished <= set(read_costs(folder).index):
        raise ValueError(f"{folder} has results without {COSTS_FILE}: give an empty --output")
    waiting = [task for task in tasks if task.name not in finished]
    with worker_processes(1, torch.set_num_threads, torch.get_num_threads()) as submit:
        for number, task in enumerate(waiting, start=1):
            try:
                measured = submit(
                    evaluate,
                    data,
                    task,
                    model,
                    batch_size=batch_size,
                    device=device,
                    multivariate=False,
                ).result()
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    f"the process that ran {name} on {task.name} died, perhaps for lack of memory: "
                    "run again with a smaller --batch-size, and finished tasks will be left out"
                ) from error
            record(folder, name, task, measured)
            said = ", ".join(
                f"{k} {measured.scores[metric]:.3f}" for k, metric in SHOWN_METRICS.items()
            )
            said += f", {measured.costs.seconds:.1f} s"
            console.print(
                f"{name} {number}/{len(waiting)} {task.name}: {said}",
                markup=False,
                soft_wrap=True,
            )
