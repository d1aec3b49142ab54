"""The sides of a comparison: models that run here, and results that are there."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from pydoc import ErrorDuringImport
from typing import NamedTuple

import pandas as pd
import torch
from rich.console import Console

from ttm_benchmarks.gift_eval.predictors import Model, find_model
from ttm_benchmarks.gift_eval.run import SHOWN
from ttm_benchmarks.gift_eval.submission import (
    CONFIG_FILE,
    RESULTS_FILE,
    in_order,
    make_row,
    open_submission,
    write_rows,
)
from ttm_benchmarks.gift_eval.tasks import Task
from ttm_benchmarks.tabpfn_comparison.measure import Measured, measure

COSTS_FILE = "costs.csv"
"""Beside the results of a model that was run here: what each task took."""

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
    run that was stopped goes on where it was.

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
    name, rows = open_submission(folder, model.name, model.identity, model.about)
    costs = read_costs(folder)
    finished = {row["dataset"] for row in rows}
    if not finished <= set(costs.index):
        raise ValueError(f"{folder} has results without {COSTS_FILE}: give an empty --output")
    waiting = [task for task in tasks if task.name not in finished]
    with ProcessPoolExecutor(
        1, get_context("spawn"), torch.set_num_threads, (torch.get_num_threads(),)
    ) as pool:
        for number, task in enumerate(waiting, start=1):
            try:
                measured = pool.submit(
                    measure, data, task, model=model, batch_size=batch_size, device=device
                ).result()
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    f"the process that ran {name} on {task.name} died, perhaps for lack of memory: "
                    "run again with a smaller --batch-size, and finished tasks will be left out"
                ) from error
            costs.loc[task.name] = _cost(measured)
            _write_costs(costs, folder)
            rows = in_order([*rows, make_row(task, name, measured.scores)])
            write_rows(folder, rows)
            said = ", ".join(f"{k} {measured.scores[metric]:.3f}" for k, metric in SHOWN.items())
            console.print(
                f"{name} {number}/{len(waiting)} {task.name}: {said}, {measured.seconds:.1f} s",
                markup=False,
                soft_wrap=True,
            )


def read_costs(folder: Path) -> pd.DataFrame:
    """Read what each task took: ``series``, ``seconds`` and ``peak_memory_mb``.

    Without the file there are no rows.
    """
    path = folder / COSTS_FILE
    if path.is_file():
        return pd.read_csv(path, index_col="dataset")
    columns = ["series", "seconds", "peak_memory_mb"]
    return pd.DataFrame(columns=columns, index=pd.Index([], name="dataset"), dtype=float)


def _cost(measured: Measured) -> list[float]:
    return [measured.series, round(measured.seconds, 4), round(measured.peak_memory / 1e6, 1)]


def _write_costs(costs: pd.DataFrame, folder: Path) -> None:
    temporary = folder / f"{COSTS_FILE}.part"
    costs.to_csv(temporary)
    os.replace(temporary, folder / COSTS_FILE)
