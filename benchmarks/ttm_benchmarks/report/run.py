"""The report from end to end: folders with results in, one file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ttm_benchmarks.gift_eval.leaderboard import common_tasks, find_results, read_scores
from ttm_benchmarks.report.content import report_content
from ttm_estimators.atomic import write_text
from ttm_estimators.page.render import render

PAGE_FILE = "index.html"
SCRIPTS = ("scatter.js", "page.js")


def run(
    results: Sequence[Path],
    output: Path,
    *,
    baseline: str,
    against: str,
    patterns: Sequence[str],
    parameters: Mapping[str, int],
) -> None:
    """Write ``index.html``, which needs no other file and no network.

    Parameters
    ----------
    results, patterns, parameters
        As :func:`ttm_benchmarks.gift_eval.leaderboard.run` takes them. The report is about the
        first model.
    output : Path
        Folder to write to.
    baseline : str
        Model by whose scores all are divided.
    against : str
        Model that the first one is compared with, task by task.

    Raises
    ------
    FileNotFoundError
        When a folder has no results.
    ValueError
        When results are damaged, two models share a name, a model that is named has no results, or
        no task is common to all.
    """
    folders = find_results(results)
    named = {"--baseline": [baseline], "--against": [against], "--parameters": list(parameters)}
    for option, names in named.items():
        for name in names:
            if name not in folders:
                raise ValueError(
                    f"{option} names {name!r}, which has no results: give its folder, or name one "
                    f"of {', '.join(folders)}"
                )
    if against == next(iter(folders)):
        raise ValueError(f"--against names {against!r}, the model that the report is about")
    scores = {name: read_scores(folder) for name, folder in folders.items()}
    tasks = common_tasks(scores, patterns)
    content = report_content(folders, scores, tasks, baseline, against, parameters)
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / PAGE_FILE, render(content, "ttm_benchmarks.report", SCRIPTS))
    console = Console(highlight=False)
    console.print(f"Open {output / PAGE_FILE} in a browser", soft_wrap=True)
