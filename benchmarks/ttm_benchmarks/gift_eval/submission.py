"""The two files of a submission, whole at every moment."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from ttm_benchmarks.gift_eval.tasks import TASKS, Task
from ttm_estimators.atomic import write_json, write_text

RESULTS_FILE = "all_results.csv"
CONFIG_FILE = "config.json"
LOCK_FILE = ".lock"

PREFIX = "eval_metrics/"
METRICS = (
    "MSE[mean]",
    "MSE[0.5]",
    "MAE[0.5]",
    "MASE[0.5]",
    "MAPE[0.5]",
    "sMAPE[0.5]",
    "MSIS",
    "RMSE[mean]",
    "NRMSE[mean]",
    "ND[0.5]",
    "mean_weighted_sum_quantile_loss",
)
COLUMNS = ("dataset", "model", *(PREFIX + metric for metric in METRICS), "domain", "num_variates")

IDENTITY = (
    "predictor",
    "weights_sha256",
    "fine_tuning",
    "calendar",
    "multivariate",
    "before_test",
    "ttm_estimators",
)
"""Entries of ``config.json`` that a run must agree with, whether it has them or not."""

Row = Mapping[str, Any]


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time read and write the files of a submission.

    The lock is a file of its own, empty and hidden, which stays. The system frees it when its
    process ends, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK_FILE):
        yield


def start_or_resume(
    folder: Path, name: str, identity: dict[str, Any], about: dict[str, Any]
) -> tuple[str, list[Row]]:
    """Start or resume a submission.

    ``config.json`` is written once. What only its author knows is left empty there, to be filled
    in, and the name in it may be changed.

    Parameters
    ----------
    folder : Path
        Made if need be.
    name : str
        Name of the model.
    identity : dict
        What tells this run from others. It becomes part of ``config.json``.
    about : dict
        Other entries of ``config.json``.

    Returns
    -------
    tuple
        Name of the model, and the rows that are already there.

    Raises
    ------
    ValueError
        When the folder holds results of another run.
    """
    with one_at_a_time(folder):
        return _start_or_resume(folder, name, identity, about)


def _start_or_resume(
    folder: Path, name: str, identity: dict[str, Any], about: dict[str, Any]
) -> tuple[str, list[Row]]:
    path = folder / CONFIG_FILE
    if path.exists():
        config = _read_config(path)
        facts = json.loads(json.dumps({**about, **identity}))
        for key in dict.fromkeys([*IDENTITY, *identity]):
            there, own = config.get(key), facts.get(key)
            if there != own:
                raise ValueError(
                    f"{path} says {key} {there!r} but this run has {own!r}: give an empty "
                    "--output folder"
                )
        return config["model"], read_rows(folder)
    if (folder / RESULTS_FILE).exists():
        raise ValueError(
            f"{folder} has {RESULTS_FILE} but no {CONFIG_FILE} that tells whose results these are: "
            "give an empty --output folder"
        )
    config = {
        "model": name,
        "model_type": "",
        "model_dtype": "float32",
        "model_link": "",
        "code_link": "",
        "org": "",
        "testdata_leakage": "",
        "replication_code_available": "Yes",
        **about,
        **identity,
    }
    write_json(path, config)
    return name, []


def make_row(task: Task, name: str, scores: Mapping[str, float]) -> Row:
    """Lay the scores of a task out in the columns of a submission."""
    metrics = {PREFIX + metric: scores[metric] for metric in METRICS}
    about = {"domain": task.domain, "num_variates": task.variates}
    return {"dataset": task.name, "model": name, **metrics, **about}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Sort rows as the tasks are."""
    order = list(TASKS)
    return sorted(rows, key=lambda row: order.index(row["dataset"]))


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Write all rows of a submission."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / RESULTS_FILE, text.getvalue())


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(config.get("model"), str):
            return dict(config)
    except (ValueError, RecursionError, AttributeError):
        pass
    raise ValueError(f"{path} is damaged: give an empty --output folder")


def read_rows(folder: Path) -> list[Row]:
    """Read the rows of the tasks that are done."""
    # As text, so that what is written again is what was read.
    path = folder / RESULTS_FILE
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows: list[Row] = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is damaged ({error}): give an empty --output folder") from error
    unknown = [name for name in (row.get("dataset") for row in rows) if name not in TASKS]
    if unknown:
        raise ValueError(
            f"{path} has a row of {unknown[0]!r}, which is no task: give an empty --output folder"
        )
    return rows
