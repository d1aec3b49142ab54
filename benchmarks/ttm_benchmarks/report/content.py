"""What the report says, out of folders with results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttm_benchmarks.gift_eval.costs import read_costs
from ttm_benchmarks.gift_eval.coverage import describe, read_coverage
from ttm_benchmarks.gift_eval.examples import read_examples
from ttm_benchmarks.gift_eval.leaderboard import OVERALL, SCORES, read_parameters
from ttm_benchmarks.gift_eval.submission import CONFIG_FILE
from ttm_benchmarks.gift_eval.tasks import TASKS, Task
from ttm_benchmarks.tabpfn_comparison.contenders import source_of
from ttm_benchmarks.tabpfn_comparison.pairs import compare_pairs

Content = dict[str, Any]
"""What JSON can write."""

BAND_LEVELS = ("0.1", "0.3", "0.5", "0.7", "0.9")
"""Quantiles in a picture: the median, and bands of 40 and 80 %."""

SHOWN_DIGITS = 5
"""Significant ones, of a picture."""


def report_content(
    folders: Mapping[str, Path],
    scores: Mapping[str, pd.DataFrame],
    tasks: Sequence[Task],
    baseline: str,
    against: str,
    parameters: Mapping[str, int],
) -> Content:
    """Gather all that the page shows.

    Parameters
    ----------
    folders : mapping
        Folders with results by the names of models. The report is about the first one.
    scores : mapping
        MASE and CRPS of every task, by model.
    tasks : sequence of Task
        Those that count.
    baseline : str
        Model by whose scores all are divided.
    against : str
        Model that the first one is compared with, task by task.
    parameters : mapping
        Parameter counts of models, beside those that their folders tell.
    """
    ours = next(iter(folders))
    names = [task.name for task in tasks]
    divisor = scores[baseline].loc[names]
    ratios = {name: table.loc[names] / divisor for name, table in scores.items()}
    return {
        "ours": ours,
        "against": against,
        "baseline": baseline,
        "tasks": [
            {
                "name": task.name,
                "domain": task.domain,
                "term": task.term,
                "frequency": task.unit,
            }
            for task in tasks
        ],
        "all_tasks": len(TASKS),
        "models": [
            {
                "name": name,
                "source": source_of(folder),
                "parameters": parameters.get(name, read_parameters(folder)),
                **{metric: ratios[name][metric].tolist() for metric in SCORES},
                **_costs(folder, names),
            }
            for name, folder in folders.items()
        ],
        "intervals": _intervals({name: scores[name] for name in (ours, against)}, tasks),
        "examples": _examples(folders[ours], ratios[ours]["CRPS"]),
        "facts": _facts(folders[ours], tasks),
    }


def _costs(folder: Path, names: list[str]) -> dict[str, list[float] | None]:
    """Series and seconds of each task, for models that were timed on all of them."""
    costs = read_costs(folder)
    timed = set(names) <= set(costs.index)
    return {
        column: costs[column].loc[names].astype(float).tolist() if timed else None
        for column in ("series", "seconds")
    }


def _intervals(
    scores: Mapping[str, pd.DataFrame], tasks: Sequence[Task]
) -> dict[str, list[float] | None]:
    """95 % interval of the ratio of two models' scores over all tasks. None for too few tasks."""
    table = compare_pairs(scores, next(iter(scores)), tasks)
    overall = table[table["by"] == OVERALL].set_index("metric")[["low", "high"]].T
    return {
        metric: None if overall[metric].isna().any() else overall[metric].astype(float).tolist()
        for metric in SCORES
    }


def _examples(folder: Path, ratios: pd.Series[float]) -> list[dict[str, Any]]:
    """Forecasts of the best, the median and the worst task. None where the run kept none."""
    examples = read_examples(folder)
    if examples is None:
        return []
    tables = dict(iter(examples.groupby("dataset")))
    ordered = ratios[ratios.index.isin(tables)].sort_values()
    if ordered.empty:
        return []
    positions = {"Best": 0, "Median": (len(ordered) - 1) // 2, "Worst": len(ordered) - 1}
    return [
        {"place": place, "task": task, "ratio": float(ratios[task]), **_picture(tables[task])}
        for place, task in ((place, ordered.index[i]) for place, i in positions.items())
    ]


def _picture(example: pd.DataFrame) -> dict[str, Any]:
    """First day of the forecast, and columns to draw: the ends of bands are ``q1`` to ``q9``."""
    start = example.loc[example["0.5"].notna(), "time"].iloc[0]
    milliseconds = example["time"].to_numpy("datetime64[ms]").astype(int)
    columns = {
        "time": milliseconds.tolist(),
        "value": _short(example["value"]),
        **{f"q{level[-1]}": _short(example[level]) for level in BAND_LEVELS},
    }
    return {"start": f"{start.day} {start:%B %Y}", "columns": columns}


def _short(values: pd.Series[float]) -> list[float | None]:
    return [float(f"{value:.{SHOWN_DIGITS}g}") if np.isfinite(value) else None for value in values]


def _facts(folder: Path, tasks: Sequence[Task]) -> dict[str, str]:
    """What the run says about itself, in the order in which it is shown."""
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    names = {task.name for task in tasks}
    sets = sorted({name.split("/")[0] for name in names})
    parameters = read_parameters(folder)
    tuning = config.get("fine_tuning", {})
    coverage = {name: row for name, row in read_coverage(folder).items() if name in names}
    costs = read_costs(folder)
    facts = {
        "Model": config.get("model", folder.name),
        "Kind": config.get("model_type"),
        "Parameters": None if parameters is None else f"{parameters:,}",
        "Weights": config.get("weights_sha256") and f"SHA-256 {config['weights_sha256']}",
        "Checkpoint": config.get("model_path"),
        "Checkpoint version": config.get("model_version"),
        "Checkpoint licence": config.get("model_licence"),
        "Predictor": config.get("predictor"),
        "Fine-tuning": ", ".join(f"{key} {value}" for key, value in tuning.items()),
        "Trained": config.get("training_date"),
        "Training data": config.get("training_data"),
        "Training seed": config.get("training_seed"),
        "Data": f"GIFT-Eval, {len(tasks)} of {len(TASKS)} tasks: {', '.join(sets)}",
        "Bands": describe(coverage) if coverage else None,
        "Run": config.get("date"),
        "Version": config.get("ttm_estimators") and f"ttm-estimators {config['ttm_estimators']}",
        "torch": config.get("torch"),
        "Machine": config.get("machine"),
        "Peak memory": f"{costs['peak_memory_mb'].max():,.0f} MB" if len(costs) else None,
    }
    return {name: str(fact) for name, fact in facts.items() if fact not in (None, "")}
