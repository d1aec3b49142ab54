"""Two models on the same tasks: wins, losses, and the ratio of scores with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_benchmarks.gift_eval.leaderboard import GROUPINGS, SCORES
from ttm_benchmarks.gift_eval.tasks import Task

TIE_TOLERANCE = 1e-3
"""Scores closer than this, relatively, are a tie (ours; rounding and hardware change that much)."""

MIN_TASKS_FOR_INTERVAL = 10
"""Groups of fewer tasks get no interval (ours; of few tasks, resampling makes it too narrow)."""

BOOTSTRAP_SAMPLES = 10_000


def compare_pairs(
    scores: Mapping[str, pd.DataFrame], first: str, tasks: Sequence[Task]
) -> pd.DataFrame:
    """Compare the first model with each of the others, overall and by group.

    Parameters
    ----------
    scores : mapping
        MASE and CRPS of every task, as
        :func:`~ttm_benchmarks.gift_eval.leaderboard.read_scores` gives them, by model.
    first : str
        Model whose wins are counted.
    tasks : sequence of Task
        Those that count.

    Returns
    -------
    DataFrame
        One row for each other model, group and metric: ``by``, ``group``, ``tasks``, ``model``,
        ``other``, ``metric``, ``wins``, ``ties``, ``losses``, ``ratio`` (geometric mean of the
        first model's score in times of the other's) and the ends ``low`` and ``high`` of its 95 %
        interval.
    """
    names = [task.name for task in tasks]
    rows = []
    for other in [name for name in scores if name != first]:
        ratios = scores[first].loc[names] / scores[other].loc[names]
        for by, label in GROUPINGS.items():
            groups = ratios.groupby([label(task) for task in tasks], sort=False)
            rows += [
                {"by": by, "group": group, "tasks": len(part), "model": first, "other": other}
                | {"metric": metric}
                | _summary(part[metric].to_numpy())
                for group, part in groups
                for metric in SCORES
            ]
    return pd.DataFrame(rows)


def _summary(ratios: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Count and average the ratios of two models' scores on the same tasks."""
    logarithms = np.log(ratios)
    wins, losses = ratios < 1 / (1 + TIE_TOLERANCE), ratios > 1 + TIE_TOLERANCE
    low, high = np.nan, np.nan
    if len(ratios) >= MIN_TASKS_FOR_INTERVAL:
        low, high = np.exp(bootstrap_interval(logarithms))
    return {
        "wins": int(wins.sum()),
        "ties": int((~wins & ~losses).sum()),
        "losses": int(losses.sum()),
        "ratio": float(np.exp(logarithms.mean())),
        "low": low,
        "high": high,
    }


def bootstrap_interval(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """95 % percentile interval of the mean of paired differences, by resampling tasks.

    It estimates how much the mean varies with the choice of tasks. Tasks of one set are not
    independent, so the true interval is wider.

    Parameters
    ----------
    differences : array
        One for each task, of both models on that task.

    Returns
    -------
    array
        Both ends, the same in every call.
    """
    random = np.random.default_rng(0)
    drawn = random.integers(len(differences), size=(BOOTSTRAP_SAMPLES, len(differences)))
    ends: npt.NDArray[np.float64] = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    return ends
