"""The long-horizon benchmark from end to end.

Shape suffixes: N windows, T time, H horizon, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ttm_benchmarks.ltsf.linear import CONTEXT_STEPS, fit_linear, forecast_linear
from ttm_benchmarks.ltsf.protocol import borders
from ttm_benchmarks.ltsf.published import TTM_BASE
from ttm_benchmarks.ltsf.read import find_dataset, read_dataset, standardise
from ttm_benchmarks.ltsf.windows import (
    PointForecaster,
    PointScores,
    iterate_windows,
    persistence,
    window_count,
)
from ttm_estimators import load

Array = npt.NDArray[np.float64]

Find = Callable[[Array, int], tuple[PointForecaster, int]]
"""Takes the training part and a horizon, returns a point forecaster and the context it sees."""

NAIVE = "naive"
LINEAR = "linear"
COLUMNS = ["dataset", "horizon", "mse", "mae", "windows"]


def run(
    folder: Path,
    model: str | None,
    output: Path,
    *,
    datasets: Sequence[str],
    horizons: Sequence[int],
    batch_size: int,
) -> None:
    """Score a model and write one row for each dataset and horizon.

    The file is written anew after every row, so that an interrupted run keeps what it has.

    Parameters
    ----------
    folder : Path
        Where the datasets are.
    model : str or None
        Shipped model, weights folder, "naive" for persistence, or "linear" for a linear model that
        is fitted to the training part. None is the default model.
    output : Path
        CSV file with the columns ``dataset,horizon,mse,mae,windows``.
    datasets : sequence of str
        Names of datasets.
    horizons : sequence of int
        Steps to forecast.
    batch_size : int
        Series, that is windows times channels, in one forward pass.

    Raises
    ------
    FileNotFoundError
        When a dataset is missing, before anything is forecast.
    ValueError
        When the model or a dataset is unknown, or a dataset is too short or has missing values.
    """
    find = forecaster_of(model, batch_size)
    paths = {dataset: find_dataset(folder, dataset) for dataset in datasets}
    output.parent.mkdir(parents=True, exist_ok=True)
    console = Console()
    rows = []
    total = len(paths) * len(horizons)
    with Progress(console=console) as progress:
        for dataset, path in paths.items():
            values_TC = read_dataset(path)
            split = borders(dataset, len(values_TC))
            values_TC = standardise(values_TC, split.train_end)
            at_once = max(1, batch_size // values_TC.shape[1])
            for horizon in horizons:
                count = window_count(split, horizon)
                forecast, context = find(values_TC[: split.train_end], horizon)
                bar = progress.add_task(f"{dataset} {horizon}", total=count)
                scores = PointScores()
                for histories, futures_NHC in iterate_windows(
                    values_TC, split, context=context, horizon=horizon, at_once=at_once
                ):
                    scores.add(futures_NHC, forecast(histories, horizon))
                    progress.advance(bar, len(histories))
                progress.remove_task(bar)
                rows.append((dataset, horizon, scores.mse, scores.mae, count))
                pd.DataFrame(rows, columns=COLUMNS).to_csv(output, index=False)
                console.print(
                    f"{len(rows)}/{total} {dataset} {horizon}: MSE {scores.mse:.3f}, "
                    f"MAE {scores.mae:.3f}",
                    highlight=False,
                )
    console.print(rich_table(rows))
    console.print(f"Results are in {output}", soft_wrap=True)


def forecaster_of(model: str | None, batch_size: int) -> Find:
    """How to find a model's point forecast and its context, for a training part and a horizon."""
    if model == NAIVE:
        return lambda train_TC, horizon: (persistence, 1)
    if model == LINEAR:
        return lambda train_TC, horizon: (
            partial(_linear, fit_linear(train_TC, horizon)),
            CONTEXT_STEPS,
        )
    forecaster = load(model)

    def median(histories: Sequence[Array], horizon: int) -> Array:
        return forecaster.forecast(
            histories, horizon, quantile_levels=[0.5], batch_size=batch_size
        ).point

    return lambda train_TC, horizon: (median, forecaster.history_length)


def _linear(weights: Array, histories: Sequence[Array], horizon: int) -> Array:
    return forecast_linear(weights, histories)


def rich_table(rows: Sequence[tuple[str, int, float, float, int]]) -> Table:
    """Lay the scores out for a terminal, beside published ones."""
    table = Table(title="Long-horizon errors of the median")
    table.add_column(COLUMNS[0])
    for column in (*COLUMNS[1:], "TTM-Base mse"):
        table.add_column(column, justify="right")
    for dataset, horizon, mse, mae, windows in rows:
        published = TTM_BASE[dataset].get(horizon)
        table.add_row(
            dataset,
            str(horizon),
            f"{mse:.3f}",
            f"{mae:.3f}",
            f"{windows:,}",
            "" if published is None else f"{published:.3f}",
        )
    return table
