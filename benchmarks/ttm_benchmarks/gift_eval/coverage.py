"""Coverage: how often the truth lies below each quantile."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_estimators.atomic import write_text
from ttm_estimators.network.presets import DECILES

COVERAGE_FILE = "coverage.csv"


Coverage = dict[float, float]


def coverage_of(scores: Mapping[str, float]) -> Coverage:
    """Fraction of the truth below each quantile, from the scores of a task."""
    return {level: scores[f"coverage[{level}]"] for level in DECILES}


def read_coverage(folder: Path) -> dict[str, Coverage]:
    """Read what was written for each task; nothing when there is no file yet."""
    path = folder / COVERAGE_FILE
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if "dataset" not in (reader.fieldnames or ()):
            raise ValueError(f"{path} has no column 'dataset'")
        return {
            row["dataset"]: {level: float(row[str(level)]) for level in DECILES} for row in reader
        }


def write_coverage(folder: Path, tasks: Mapping[str, Coverage]) -> None:
    """Write a row for each task: the fraction of its values below each decile."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dataset", *DECILES])
    for name in TASKS:
        if name in tasks:
            writer.writerow([name, *tasks[name].values()])
    write_text(folder / COVERAGE_FILE, text.getvalue())


def describe(tasks: Mapping[str, Coverage]) -> str:
    """Say what the 80 % band covers and how far deciles are off, means over tasks."""
    means = {level: fmean(task[level] for task in tasks.values()) for level in DECILES}
    worst = max(DECILES, key=lambda level: abs(means[level] - level))
    return (
        f"The 80 % band covers {100 * (means[0.9] - means[0.1]):.1f} % of the values, mean of "
        f"{len(tasks)} tasks; the decile furthest off is {worst}, under which lie "
        f"{100 * means[worst]:.1f} %"
    )
