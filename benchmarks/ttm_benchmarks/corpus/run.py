"""Models on the last windows of a corpus, beside seasonal naive.

Shape suffixes: T time, H horizon, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ttm_benchmarks.corpus.windows import Window, last_windows
from ttm_benchmarks.demo.metrics import mase
from ttm_estimators import Forecaster, load
from ttm_estimators.backtest.seasonal_naive import seasonal_naive
from ttm_estimators.network.presets import DECILES

MAX_SCALED_ERROR = 20.0
"""Larger mean scaled errors of a window count as this, so that no broken series decides."""


def run(corpus: Path, models: Sequence[str | None], output: Path, *, max_windows: int) -> None:
    """Score models and write a CSV file, a row for each model and group.

    Parameters
    ----------
    corpus : Path
        Folder of parquet files.
    models : sequence of str or None
        Shipped models or weights folders. None is the default model.
    output : Path
        CSV file with columns ``model``, ``frequency``, ``term``, ``windows``, ``mase`` and ``wql``,
        the errors divided by seasonal naive's mean absolute error.
    max_windows : int
        Windows in a group, at most.
    """
    console = Console()
    groups = last_windows(corpus, max_windows)
    rows = []
    for model in models:
        forecaster = load(model)
        name = "default" if model is None else Path(model).name
        for (frequency, term), windows in track(groups.items(), name, console=console):
            errors = score(windows, forecaster)
            rows.append((name, frequency, term, len(windows), *errors))
    table = pd.DataFrame(rows, columns=["model", "frequency", "term", "windows", "mase", "wql"])
    table.to_csv(output, index=False)
    console.print(rich_table(table))


def score(windows: Sequence[Window], forecaster: Forecaster) -> tuple[float, float]:
    """Errors of the median and of the deciles, divided by seasonal naive's absolute error."""
    horizon = len(windows[0].future_H)
    forecast = forecaster.forecast(
        [window.past_T for window in windows], horizon, quantile_levels=DECILES
    )
    points, losses, naive = [], [], []
    for window, quantiles_HQ in zip(windows, forecast.quantiles, strict=True):
        naive_H, _ = seasonal_naive(window.past_T, horizon, window.season, DECILES)
        truth_1H, scale_1 = window.future_H[None], np.array([window.scale])
        points.append(mase(truth_1H, quantiles_HQ[None, :, DECILES.index(0.5)], scale_1))
        naive.append(mase(truth_1H, naive_H[None], scale_1))
        error_HQ = window.future_H[:, None] - quantiles_HQ
        pinball_HQ = np.maximum(np.array(DECILES) * error_HQ, (np.array(DECILES) - 1) * error_HQ)
        losses.append(2 * np.nanmean(pinball_HQ) / window.scale)
    means = np.minimum([points, losses, naive], MAX_SCALED_ERROR).mean(axis=1)
    return float(means[0] / means[2]), float(means[1] / means[2])


def rich_table(rows: pd.DataFrame) -> Table:
    """Lay the relative errors out for a terminal, a column for each model and error."""
    table = Table(
        title="Errors relative to seasonal naive's absolute error",
        caption="MASE: of the median. WQL: of the deciles. Less is better.",
    )
    table.add_column("windows of")
    models = list(dict.fromkeys(rows["model"]))
    for model in models:
        for error in ("MASE", "WQL"):
            table.add_column(f"{model}\n{error}", justify="right")
    for (frequency, term), group in rows.groupby(["frequency", "term"], sort=False):
        ratios = group.set_index("model").loc[models, ["mase", "wql"]].to_numpy().ravel()
        count = group["windows"].iloc[0]
        table.add_row(f"{frequency} {term} ({count})", *(f"{ratio:.3f}" for ratio in ratios))
    table.add_section()
    means = [
        geometric_mean(rows.loc[rows["model"] == model, error])
        for model in models
        for error in ("mase", "wql")
    ]
    table.add_row("geometric mean", *(f"{mean:.4f}" for mean in means))
    return table
