"""Coverage: how often the truth lies below each quantile.

A value that is the same as a quantile counts half (mid-distribution, as in the probability integral
transform of Czado, Gneiting and Held 2009): zero lies at all quantiles of a forecast that rests at
zero, and not above nine tenths of it. GluonTS counts such values in full.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from gluonts.ev.aggregations import Mean
from gluonts.ev.metrics import DirectMetric

from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_estimators.atomic import write_text
from ttm_estimators.network.presets import DECILES

COVERAGE_FILE = "coverage.csv"


Coverage = dict[float, float]


@dataclass(frozen=True)
class MidCoverage:
    """Fraction of the truth below a quantile, and half of what is equal to it."""

    level: float

    def __call__(self, axis: int | None = None) -> DirectMetric:
        """Make the metric, as GluonTS's definitions do."""
        stat = partial(_below, level=self.level)
        return DirectMetric(f"coverage[{self.level}]", stat, Mean(axis))


def _below(data: Mapping[str, Any], level: float) -> Any:
    return (np.sign(data[str(level)] - data["label"]) + 1) / 2


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
