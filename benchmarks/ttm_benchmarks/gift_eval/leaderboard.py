"""Results of several models on the scale of seasonal naive, as on the public leaderboard."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.gift_eval.submission import CONFIG_FILE, METRICS, PREFIX, RESULTS_FILE
from ttm_benchmarks.gift_eval.tasks import TASKS, TERMS, UNITS, Task, select
from ttm_estimators.weights import read_card

LEADERBOARD_FILE = "leaderboard.csv"
PICTURE_FILE = "leaderboard.png"

SCORES = {"MASE": PREFIX + METRICS[3], "CRPS": PREFIX + METRICS[-1]}
"""The leaderboard's metrics and their columns in a submission."""

OVERALL = "overall"
GROUPINGS: dict[str, Callable[[Task], str]] = {
    OVERALL: lambda task: "all",
    "domain": lambda task: task.domain,
    "term": lambda task: task.term,
    "frequency": lambda task: task.unit,
    "variates": lambda task: "univariate" if task.variates == 1 else "multivariate",
}

_DOMAINS = sorted({task.domain for task in TASKS.values()})
_GROUPS = ("all", *_DOMAINS, *TERMS, *UNITS.values(), "univariate", "multivariate")
"""All groups, in the order in which they are shown."""


def run(
    results: Sequence[Path],
    baseline: Path,
    output: Path | None,
    *,
    patterns: Sequence[str],
    parameters: Mapping[str, int],
) -> None:
    """Print a leaderboard, and write it as ``leaderboard.csv`` and ``leaderboard.png``.

    Parameters
    ----------
    results : sequence of Path
        Folders with ``all_results.csv``, or folders of such folders. A model is called as its
        folder is. The picture points out the first one.
    baseline : Path
        Published results of seasonal naive, by which every score is divided.
    output : Path or None
        Folder to write to. None: print only.
    patterns : sequence of str
        Names of tasks, with ``*`` and ``?``, of those that every model has a result of.
    parameters : mapping
        Parameter counts of models, beside those that their folders tell.

    Raises
    ------
    FileNotFoundError
        When a folder has no results.
    ValueError
        When results are damaged, two models share a name, a model of ``parameters`` has no
        results, or no task is common to all.
    """
    folders = find_results([*results, baseline])
    for name in parameters.keys() - folders.keys():
        raise ValueError(f"--parameters of {name!r}, which has no results: {sorted(folders)}")
    first = next(iter(folders))
    scores = {name: read_scores(folder) for name, folder in folders.items()}
    tasks = common_tasks(scores, patterns)
    counts = {name: read_parameters(folder) for name, folder in folders.items()} | dict(parameters)
    board = aggregate(scores, baseline.name, tasks)
    board.insert(4, "parameters", board["model"].map(counts).astype("Int64"))
    console = Console()
    console.print(overall_table(board, first))
    for by in [by for by in GROUPINGS if by != OVERALL]:
        console.print(group_table(board, by))
    if output is not None:
        from ttm_benchmarks.gift_eval.picture import draw

        output.mkdir(parents=True, exist_ok=True)
        board.to_csv(output / LEADERBOARD_FILE, index=False)
        draw(board[board["by"] == OVERALL], first, output / PICTURE_FILE)
        console.print(
            f"{LEADERBOARD_FILE} and {PICTURE_FILE} are in {output}",
            soft_wrap=True,
        )


def find_results(paths: Sequence[Path]) -> dict[str, Path]:
    """Folders with results by their names.

    Raises
    ------
    FileNotFoundError
        When a folder has no results, nor has any folder in it.
    ValueError
        When two folders have the same name.
    """
    folders: dict[str, Path] = {}
    for path in paths:
        found = [path] if (path / RESULTS_FILE).is_file() else []
        found = found or sorted(file.parent for file in path.glob(f"*/{RESULTS_FILE}"))
        if not found:
            raise FileNotFoundError(f"no {RESULTS_FILE} in {path}, nor in the folders in it")
        for folder in (one.resolve() for one in found):
            if folders.setdefault(folder.name, folder) != folder:
                raise ValueError(
                    f"two models are called {folder.name!r}, {folders[folder.name]} and {folder}: "
                    "rename one of the folders"
                )
    return folders


def read_scores(folder: Path) -> pd.DataFrame:
    """Read MASE and CRPS of every task.

    Raises
    ------
    ValueError
        When a column is missing, a task is unknown or occurs twice, or a score is not a positive
        number.
    """
    path = folder / RESULTS_FILE
    table = pd.read_csv(path)
    for column in ("dataset", *SCORES.values()):
        if column not in table:
            raise ValueError(f"{path} has no column {column!r}")
    table = table.set_index("dataset")
    for name in [*table.index[table.index.duplicated()], *(set(table.index) - TASKS.keys())]:
        raise ValueError(f"{path}: task {name!r} is unknown or occurs twice")
    table = table[list(SCORES.values())].set_axis(list(SCORES), axis=1).astype(float)
    bad = table[~((table > 0) & (table < np.inf)).all(axis=1)]
    if len(bad):
        raise ValueError(f"{path}: scores of {bad.index[0]} are not positive numbers")
    return table


def common_tasks(scores: Mapping[str, pd.DataFrame], patterns: Sequence[str]) -> list[Task]:
    """Choose among the tasks that every model has results of.

    Raises
    ------
    ValueError
        When there is none, or a pattern matches none.
    """
    common = set.intersection(*(set(table.index) for table in scores.values()))
    if not common:
        raise ValueError("no task has results of every model: leave some out")
    return select([task for task in TASKS.values() if task.name in common], patterns)


def read_parameters(folder: Path) -> int | None:
    """Parameter count by a folder's ``config.json`` or card, None where neither tells."""
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    count = config.get("parameters", read_card(folder).get("parameters"))
    return None if count is None else int(count)


def aggregate(
    scores: Mapping[str, pd.DataFrame], baseline: str, tasks: Sequence[Task]
) -> pd.DataFrame:
    """Geometric means of scores relative to the baseline, mean ranks, and where the first wins.

    Returns
    -------
    DataFrame
        One row for each group and model, the best CRPS first, with the columns ``by``, ``group``,
        ``tasks``, ``model``, ``MASE``, ``CRPS``, ``MASE_rank``, ``CRPS_rank``, ``MASE_beaten`` and
        ``CRPS_beaten``: the tasks in which the first of the models is better than this one.
    """
    names = [task.name for task in tasks]
    values = {
        metric: pd.DataFrame({model: table.loc[names, metric] for model, table in scores.items()})
        for metric in SCORES
    }
    logarithms = {k: v.div(v[baseline], axis=0).map(math.log) for k, v in values.items()}
    ranks = {k: v.rank(axis=1) for k, v in values.items()}
    first = next(iter(scores))
    beaten = {k: v.gt(v[first], axis=0) for k, v in values.items()}
    parts = []
    for by, label in GROUPINGS.items():
        labels = pd.Series([label(task) for task in tasks], index=names, name="group")
        part = pd.DataFrame(
            {k: np.exp(v.groupby(labels).mean().stack()) for k, v in logarithms.items()}
            | {f"{k}_rank": v.groupby(labels).mean().stack() for k, v in ranks.items()}
            | {f"{k}_beaten": v.groupby(labels).sum().stack() for k, v in beaten.items()}
        )
        part = part.rename_axis(["group", "model"]).reset_index()
        part.insert(0, "by", by)
        part.insert(2, "tasks", part["group"].map(labels.value_counts()))
        order = part["group"].map(_GROUPS.index)
        parts.append(part.assign(order=order).sort_values(["order", "CRPS"]).drop(columns="order"))
    return pd.concat(parts, ignore_index=True)


def overall_table(board: pd.DataFrame, first: str) -> Table:
    """Lay the whole out for a terminal."""
    overall = board[board["by"] == OVERALL]
    table = Table(
        title=f"GIFT-Eval, {overall['tasks'].iloc[0]} tasks",
        caption=(
            "Geometric means relative to seasonal naive, and mean ranks: less is better. "
            f"Beaten: tasks in which {first} is better, by MASE and by CRPS."
        ),
        box=SIMPLE_HEAD,
    )
    table.add_column("model", no_wrap=True)
    for heading in ("parameters", "MASE", "CRPS", "MASE rank", "CRPS rank", "beaten"):
        table.add_column(heading, justify="right")
    for row in overall.to_dict("records"):
        table.add_row(
            row["model"],
            "" if pd.isna(row["parameters"]) else f"{row['parameters']:,}",
            *(f"{row[metric]:.3f}" for metric in SCORES),
            *(f"{row[f'{metric}_rank']:.1f}" for metric in SCORES),
            " ".join(str(row[f"{metric}_beaten"]) for metric in SCORES),
        )
    return table


def group_table(board: pd.DataFrame, by: str) -> Table:
    """Lay one grouping out for a terminal, models in the order of the whole."""
    rows = board[board["by"] == by]
    table = Table(title=f"MASE and CRPS by {by}", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("model", no_wrap=True)
    groups = rows.drop_duplicates("group")
    for group, tasks in zip(groups["group"], groups["tasks"], strict=True):
        table.add_column(f"{group} ({tasks})", justify="right", overflow="fold")
    cells = rows.apply(lambda row: f"{row['MASE']:.2f} {row['CRPS']:.2f}", axis=1)
    cells.index = pd.MultiIndex.from_frame(rows[["model", "group"]])
    for model in board.loc[board["by"] == OVERALL, "model"]:
        table.add_row(model, *cells[model][groups["group"]])
    return table
