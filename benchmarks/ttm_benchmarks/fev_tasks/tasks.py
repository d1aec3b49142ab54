"""Tasks of fev, whose data are written as Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import fev
import pandas as pd

from ttm_benchmarks.demo.series import demo_series
from ttm_benchmarks.gift_eval.data import present_tasks, read_task
from ttm_benchmarks.gift_eval.tasks import select
from ttm_estimators.example import FILES
from ttm_estimators.network.presets import DECILES

MAX_WINDOWS = 10
"""Of a series of the demo, in its last fifth."""

SALES_HORIZON, SALES_WINDOWS = 28, 4

METRICS = {"eval_metric": "SQL", "extra_metrics": ["MASE", "WQL"]}
"""What fev-bench ranks by, and two more."""


def demo_tasks(folder: Path) -> Iterator[fev.Task]:
    """Yield a task of each series of the demo, and one of the example's sales.

    Parameters
    ----------
    folder : Path
        Where their data go.
    """
    for series in demo_series():
        frame = pd.DataFrame(
            {"id": series.name, "timestamp": series.values.index, "target": series.values.array}
        )
        fits = len(frame) // 5 // series.horizon
        yield _task(
            folder,
            series.name,
            frame,
            horizon=series.horizon,
            seasonality=series.season,
            num_windows=min(max(fits, 1), MAX_WINDOWS),
        )
    yield _task(
        folder,
        "sales",
        pd.read_csv(FILES[0], parse_dates=["date"]),
        horizon=SALES_HORIZON,
        seasonality=7,
        num_windows=SALES_WINDOWS,
        id_column="shop",
        timestamp_column="date",
        target="sales",
        known_dynamic_columns=["price", "promotion"],
    )


def gift_eval_tasks(data: Path, patterns: Sequence[str], folder: Path) -> Iterator[fev.Task]:
    """Yield a task of each GIFT-Eval task, with its horizon, season and test windows.

    Parameters
    ----------
    data : Path
        The sets as Hugging Face datasets.
    patterns : sequence of str
        Names of tasks, with wildcards.
    folder : Path
        Where their data go.
    """
    for task in select(present_tasks(data), patterns):
        found = read_task(data, task)
        rows = []
        for entry in found.test.dataset:
            dates = pd.period_range(entry["start"], periods=len(entry["target"]))
            rows.append(
                {
                    "id": entry["item_id"],
                    "timestamp": dates.to_timestamp().to_numpy(),
                    "target": entry["target"],
                }
            )
        yield _task(
            folder,
            task.name,
            pd.DataFrame(rows),
            horizon=task.horizon,
            seasonality=found.season,
            num_windows=found.test.windows,
        )


def _task(folder: Path, name: str, frame: pd.DataFrame, **options: object) -> fev.Task:
    path = folder / name / "data.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)
    return fev.Task(str(path), task_name=name, quantile_levels=list(DECILES), **METRICS, **options)
