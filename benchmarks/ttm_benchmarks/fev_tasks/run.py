"""Models and seasonal naive on tasks of fev, and its leaderboard of them.

Shape suffixes: H horizon, Q quantile levels, after the median.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fev
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ttm_benchmarks.fev_tasks.tasks import demo_tasks, gift_eval_tasks
from ttm_estimators.backtest.seasonal_naive import naive_forecast
from ttm_estimators.weights import DEFAULT
from ttm_fev import TTMModel

BASELINE = "seasonal_naive"


class SeasonalNaive(fev.ForecastingModel):
    """The baseline: :func:`ttm_estimators.backtest.seasonal_naive.naive_forecast`."""

    model_name = BASELINE

    def _fit_predict(self, task: fev.Task) -> list[Any]:
        levels = tuple(task.quantile_levels)
        names = ["predictions", *map(str, levels)]

        def predict(history: Any) -> dict[str, Any]:
            values = np.asarray(history, dtype=np.float64)
            values_HQ = naive_forecast(values, task.horizon, task.seasonality, levels)
            return dict(zip(names, values_HQ.T, strict=True))

        with self._record_inference_time():
            pasts = [window.get_input_data()[0] for window in task.iter_windows()]
            return [
                {target: [*map(predict, past[target])] for target in task.target_columns}
                for past in pasts
            ]


def run(
    models: Sequence[str | None],
    output: Path,
    *,
    benchmark: str | None,
    data: Path | None,
    patterns: Sequence[str],
    device: str,
) -> None:
    """Measure models and write ``summaries.csv`` and ``leaderboard.csv``.

    Parameters
    ----------
    models : sequence of str or None
        Shipped models or weights folders. None is the default model.
    output : Path
        Folder, made if need be. Data of the tasks go to ``data`` in it.
    benchmark : str, optional
        YAML file with tasks of fev, for these instead of the demo's.
    data : Path, optional
        Folder with GIFT-Eval's sets, for their tasks instead of the demo's.
    patterns : sequence of str
        Which of GIFT-Eval's tasks.
    device : str
        Any torch device.
    """
    console = Console()
    contenders: dict[str, fev.ForecastingModel] = {BASELINE: SeasonalNaive()}
    for model in models:
        contenders[DEFAULT if model is None else Path(model).name] = TTMModel(model, device=device)
    output.mkdir(parents=True, exist_ok=True)
    if benchmark is not None:
        tasks = _read(benchmark)
    elif data is not None:
        tasks = list(gift_eval_tasks(data, patterns, output / "data"))
    else:
        tasks = list(demo_tasks(output / "data"))
    summaries = [
        summary
        for task in track(tasks, "tasks", console=console)
        for summary in _summaries(task, contenders)
    ]
    pd.DataFrame(summaries).to_csv(output / "summaries.csv", index=False)
    leaderboard = fev.leaderboard(summaries, baseline_model=BASELINE)
    leaderboard.rename_axis("model").to_csv(output / "leaderboard.csv")
    console.print(_errors(pd.DataFrame(summaries)))
    console.print(_leaderboard(leaderboard))


def _read(benchmark: str) -> list[fev.Task]:
    try:
        return list(fev.Benchmark.from_yaml(benchmark).tasks)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{benchmark} can not be read as a benchmark of fev: {said}") from error


def _summaries(
    task: fev.Task, contenders: dict[str, fev.ForecastingModel]
) -> Iterator[dict[str, Any]]:
    try:
        task.load_full_dataset()
    except RuntimeError as error:  # of fev, in several lines
        raise ValueError(
            f"task {task.task_name}: there are no data at {task.dataset_path} that can be read"
        ) from error
    for name, model in contenders.items():
        predictions = model.fit_predict(task)
        yield task.evaluation_summary(
            predictions,
            model_name=name,
            training_time_s=model.training_time,
            inference_time_s=model.inference_time,
        )


def _errors(summaries: pd.DataFrame) -> Table:
    """Errors of every task, a column for each model."""
    models = list(dict.fromkeys(summaries["model_name"]))
    table = Table(title="Errors by each task's metric", caption="Less is better.")
    for heading in ("task", "metric"):
        table.add_column(heading, no_wrap=True)
    table.add_column("windows", justify="right")
    for model in models:
        table.add_column(model, justify="right")
    for first in range(0, len(summaries), len(models)):
        rows = summaries.iloc[first : first + len(models)]
        task = rows.iloc[0]
        errors = [f"{error:.3f}" for error in rows["test_error"]]
        table.add_row(
            task["task_name"], str(task["eval_metric"]), str(task["num_windows"]), *errors
        )
    return table


def _leaderboard(found: pd.DataFrame) -> Table:
    table = Table(
        title="fev's leaderboard",
        caption="Win rate: pairs of a task and another model with the smaller error. Skill score: "
        f"1 less the geometric mean of the errors relative to {BASELINE}.",
    )
    table.add_column("model", no_wrap=True)
    for heading in ("win rate", "skill score", "median seconds"):
        table.add_column(heading, justify="right")
    for name, row in found.iterrows():
        table.add_row(
            str(name),
            f"{row['win_rate']:.1%}",
            f"{row['skill_score']:.1%}",
            f"{row['median_inference_time_s']:.2f}",
        )
    return table
