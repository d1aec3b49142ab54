"""The comparison from end to end: models, tasks, tables and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.gift_eval.costs import read_costs
from ttm_benchmarks.gift_eval.data import present_tasks
from ttm_benchmarks.gift_eval.leaderboard import (
    GROUPINGS,
    OVERALL,
    SCORES,
    aggregate,
    find_results,
    group_table,
    read_parameters,
    read_scores,
)
from ttm_benchmarks.gift_eval.tasks import TASKS, Task, select
from ttm_benchmarks.tabpfn_comparison.contenders import (
    Contender,
    find_contender,
    run_contender,
    source_of,
)
from ttm_benchmarks.tabpfn_comparison.pairs import compare_pairs

TASKS_FILE, MODELS_FILE, PAIRS_FILE = "tasks.csv", "models.csv", "pairs.csv"


def run(
    models: Sequence[str],
    data: Path | None,
    baseline: Path,
    output: Path,
    *,
    patterns: Sequence[str],
    parameters: Mapping[str, int],
    batch_size: int,
    device: str,
) -> None:
    """Print a comparison, and write it as ``tasks.csv``, ``models.csv`` and ``pairs.csv``.

    Parameters
    ----------
    models : sequence of str
        As :func:`~ttm_benchmarks.tabpfn_comparison.contenders.find_contender` takes them. The first
        one is compared with each of the others.
    data : Path or None
        Where the sets are. Only models that are run need them.
    baseline : Path
        Published results of seasonal naive, by which scores are divided.
    output : Path
        Folder to write to. Results of models that are run go to folders in it.
    patterns : sequence of str
        Names of tasks, with ``*`` and ``?``, of those that all have.
    parameters : mapping
        Parameter counts of models, beside those that their folders tell.
    batch_size : int
        Series in one forward pass.
    device : str
        Any torch device.

    Raises
    ------
    ValueError
        When there are fewer than two models, one can not run and nothing stands in for it, or no
        task is common to all.
    FileNotFoundError
        When a folder has no results, or there are no data.
    """
    if len(models) < 2:
        raise ValueError("a comparison takes two models or more: give --model once for each")
    console = Console(highlight=False)
    found = [find_contender(text, output) for text in models]
    for contender, reason in found:
        if reason:
            there = f"{reason}. The results in {contender.folder} stand in for it"
            console.print(there, markup=False, soft_wrap=True)
    contenders = [contender for contender, _ in found]
    _check_names([*(contender.folder for contender in contenders), baseline])
    tasks = _common_tasks(contenders, data, baseline, patterns)
    for contender in contenders:
        if contender.model is not None and data is not None:
            run_contender(
                contender, data, tasks, batch_size=batch_size, device=device, console=console
            )
    folders = find_results([contender.folder for contender in contenders])
    for name in parameters.keys() - folders.keys():
        raise ValueError(f"--parameters of {name!r}, which is not compared: {sorted(folders)}")
    scores = {name: read_scores(folder) for name, folder in folders.items()}
    reference = baseline.resolve().name
    board = aggregate({**scores, reference: read_scores(baseline)}, reference, tasks)
    tables = {
        TASKS_FILE: task_table(folders, scores, tasks),
        MODELS_FILE: model_table(folders, board, tasks, parameters),
        PAIRS_FILE: compare_pairs(scores, next(iter(scores)), tasks),
    }
    console.print(show_tasks(tables[TASKS_FILE]))
    for by in [by for by in GROUPINGS if by != OVERALL]:
        console.print(group_table(board, by))
    console.print(show_models(tables[MODELS_FILE], len(tasks)))
    console.print(show_pairs(tables[PAIRS_FILE]))
    output.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(output / name, index=False)
    console.print(f"{', '.join(tables)} are in {output}", soft_wrap=True)


def _check_names(folders: Sequence[Path]) -> None:
    """Refuse two folders of one name before any of them is filled."""
    seen: dict[str, Path] = {}
    for folder in (one.resolve() for one in folders):
        if seen.setdefault(folder.name, folder) != folder:
            raise ValueError(
                f"two models are called {folder.name!r}, {seen[folder.name]} and {folder}: rename "
                "one of the folders"
            )


def _common_tasks(
    contenders: Sequence[Contender], data: Path | None, baseline: Path, patterns: Sequence[str]
) -> list[Task]:
    """Tasks that every model has results of or can be run on, and the baseline too."""
    there = find_results([baseline, *(one.folder for one in contenders if one.model is None)])
    common = set.intersection(*(set(read_scores(folder).index) for folder in there.values()))
    if any(contender.model is not None for contender in contenders):
        if data is None:
            raise ValueError("a model that is run needs --data (or the variable GIFT_EVAL)")
        common &= {task.name for task in present_tasks(data)}
    if not common:
        raise ValueError("no task has data and results of every model: leave some out")
    return select([task for task in TASKS.values() if task.name in common], patterns)


def task_table(
    folders: Mapping[str, Path], scores: Mapping[str, pd.DataFrame], tasks: Sequence[Task]
) -> pd.DataFrame:
    """Scores and costs of every task and model, one row each."""
    rows = []
    for name, folder in folders.items():
        costs, source = read_costs(folder), source_of(folder)
        seconds = costs["seconds"] / costs["series"]
        for task in tasks:
            about = {by: label(task) for by, label in GROUPINGS.items() if by != OVERALL}
            rows.append(
                {"dataset": task.name, **about, "model": name, "source": source}
                | scores[name].loc[task.name].to_dict()
                | {
                    "seconds_per_series": seconds.get(task.name),
                    "peak_memory_mb": costs["peak_memory_mb"].get(task.name),
                }
            )
    return pd.DataFrame(rows)


def model_table(
    folders: Mapping[str, Path],
    board: pd.DataFrame,
    tasks: Sequence[Task],
    parameters: Mapping[str, int],
) -> pd.DataFrame:
    """Mean scores and costs of every model over all tasks, the best CRPS first."""
    rows = []
    for overall in board[board["by"] == OVERALL].to_dict("records"):
        if overall["model"] not in folders:
            continue  # the baseline, when it is not compared
        folder = folders[overall["model"]]
        costs = read_costs(folder).reindex([task.name for task in tasks])
        rows.append(
            {
                "model": overall["model"],
                "source": source_of(folder),
                "parameters": parameters.get(overall["model"], read_parameters(folder)),
                **{metric: overall[metric] for metric in SCORES},
                "seconds_per_series": costs["seconds"].sum(min_count=len(tasks))
                / costs["series"].sum(),
                "peak_memory_mb": costs["peak_memory_mb"].max(),
            }
        )
    return pd.DataFrame(rows).astype({"parameters": "Int64"})


def show_tasks(table: pd.DataFrame) -> Table:
    """Lay all tasks out for a terminal."""
    shown = Table(title="MASE and CRPS by task", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    shown.add_column("task", no_wrap=True)
    cells = {
        (row["dataset"], row["model"]): f"{row['MASE']:.3f} {row['CRPS']:.3f}"
        for row in table.to_dict("records")
    }
    models = list(dict.fromkeys(table["model"]))
    for model in models:
        shown.add_column(model, justify="right", overflow="fold")
    for task in dict.fromkeys(table["dataset"]):
        shown.add_row(task, *(cells[task, model] for model in models))
    return shown


def show_models(table: pd.DataFrame, tasks: int) -> Table:
    """Lay all models out for a terminal."""
    shown = Table(
        title=f"{tasks} tasks of GIFT-Eval",
        caption="MASE and CRPS are geometric means relative to seasonal naive. Memory is that of "
        "the processes, without a GPU's.",
        box=SIMPLE_HEAD,
    )
    shown.add_column("model", no_wrap=True)
    for heading in ("source", "parameters", "MASE", "CRPS", "ms per series", "peak MB"):
        shown.add_column(heading, justify="left" if heading == "source" else "right")
    for row in table.to_dict("records"):
        cells = [
            (row["parameters"], ",", 1),
            (row["MASE"], ".3f", 1),
            (row["CRPS"], ".3f", 1),
            (row["seconds_per_series"], ".3f", 1000),
            (row["peak_memory_mb"], ",.0f", 1),
        ]
        shown.add_row(
            row["model"],
            row["source"],
            *("" if pd.isna(value) else format(value * times, how) for value, how, times in cells),
        )
    return shown


def show_pairs(pairs: pd.DataFrame) -> Table:
    """Lay the overall comparison of pairs out for a terminal."""
    overall = pairs[pairs["by"] == OVERALL]
    shown = Table(
        title=f"{overall['model'].iloc[0]} against each other model",
        caption="Ratios are geometric means over tasks, below 1 where the first model is better, "
        "with a 95 % interval from resampling tasks. Tasks of one set are alike, so the truth is "
        "less sure than that.",
        box=SIMPLE_HEAD,
    )
    for heading in ("against", "metric", "wins", "ties", "losses", "ratio", "interval"):
        left = heading in ("against", "metric")
        shown.add_column(heading, justify="left" if left else "right")
    for row in overall.to_dict("records"):
        interval = "" if pd.isna(row["low"]) else f"{row['low']:.3f} to {row['high']:.3f}"
        counts = [str(row[outcome]) for outcome in ("wins", "ties", "losses")]
        shown.add_row(row["other"], row["metric"], *counts, f"{row['ratio']:.3f}", interval)
    return shown
