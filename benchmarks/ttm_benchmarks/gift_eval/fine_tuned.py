"""Fine-tuned on each task's own training part, or with the calendar as covariates, with zero-shot
beside it in the same run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.gift_eval.run import SHOWN_METRICS, run
from ttm_benchmarks.gift_eval.submission import PREFIX, RESULTS_FILE
from ttm_estimators import FineTuneConfig

SETTINGS = FineTuneConfig(windows=3000, steps=300, patience=3, learning_rate=1e-3)
"""How to fine-tune: 34 tasks within an hour and a half on two cores. A learning
rate that is given needs no trials."""

ZERO_SHOT = "zero_shot"
"""Folder of the results without fine-tuning, beside those with it."""

MAX_MEAN_LOSS_WITH_CALENDAR = 0.005
"""Bar: relative increase of each geometric mean by the calendar."""

MIN_MEAN_GAIN, MAX_LOSS = 0.02, 0.02
"""Bar: relative decrease of each geometric mean, and relative increase of any task's error."""


def run_both(data: Path, model: str | None, output: Path, *, seed: int, **options: Any) -> bool:
    """Measure a model zero-shot and fine-tuned, and compare.

    Parameters
    ----------
    data, model, output
        As :func:`ttm_benchmarks.gift_eval.run.run` takes them. Results without fine-tuning go to
        the folder ``zero_shot`` below the output.
    seed : int
        Of fine-tuning.
    **options
        Further arguments of that function.

    Returns
    -------
    bool
        Whether the bar is held.
    """
    run(data, model, output / ZERO_SHOT, **options)
    run(data, model, output, **options, fine_tuning=replace(SETTINGS, seed=seed))
    changes = compare(_read(output / ZERO_SHOT), _read(output))
    Console().print(rich_table(changes))
    return holds_bar(changes)


def run_with_calendar(data: Path, model: str | None, output: Path, **options: Any) -> bool:
    """Measure a model without and with the calendar as covariates, and compare.

    Parameters
    ----------
    data, model, output, **options
        As :func:`run_both` takes them.

    Returns
    -------
    bool
        Whether neither geometric mean is worse than the bar allows.
    """
    run(data, model, output / ZERO_SHOT, **options)
    run(data, model, output, **options, calendar=True)
    changes = compare(_read(output / ZERO_SHOT), _read(output))
    Console().print(rich_table(changes, "With the calendar, against zero-shot without"))
    return bool((mean(changes) <= MAX_MEAN_LOSS_WITH_CALENDAR).all())


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Change of each metric on the tasks of both, relative to what it was before."""
    tasks = [task for task in before.index if task in after.index]
    return after.loc[tasks] / before.loc[tasks] - 1


def holds_bar(changes: pd.DataFrame) -> bool:
    """Whether both means gain enough, and no task loses more than it may."""
    return bool((mean(changes) <= -MIN_MEAN_GAIN).all() and (changes <= MAX_LOSS).all(axis=None))


def mean(changes: pd.DataFrame) -> pd.Series[float]:
    """Change of the geometric mean."""
    return np.exp(np.log1p(changes).mean()) - 1


def rich_table(
    changes: pd.DataFrame, title: str = "Fine-tuned on each task's training part, against zero-shot"
) -> Table:
    """Lay the changes out for a terminal, the mean last."""
    table = Table(title=title)
    table.add_column("task", no_wrap=True)
    for metric in changes:
        table.add_column(str(metric), justify="right")
    for task, row in [*changes.iterrows(), ("geometric mean", mean(changes))]:
        table.add_row(str(task), *(f"{value:+.1%}" for value in row))
    return table


def _read(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / RESULTS_FILE, index_col="dataset")
    return table[[PREFIX + metric for metric in SHOWN_METRICS.values()]].set_axis(
        list(SHOWN_METRICS), axis=1
    )
