"""Models on the last windows of a corpus, beside seasonal naive.

Shape suffixes: N windows, H horizon, L quantile levels.
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
from ttm_benchmarks.demo.backtest import LEVELS
from ttm_benchmarks.demo.metrics import mase
from ttm_benchmarks.demo.seasonal_naive import seasonal_naive
from ttm_estimators import Forecaster, load

LARGEST_ERROR = 20.0
"""Mean scaled error of a window is cut here, so that one broken series does not rule a group."""


def run(corpus: Path, models: Sequence[str | None], output: Path, *, most: int) -> None:
    """Score models and write a CSV file, a row for each model and group.

    Parameters
    ----------
    corpus : Path
        Folder of parquet files.
    models : sequence of str or None
        Shipped models or weights folders. None is the default model.
    output : Path
        CSV file with columns ``model``, ``frequency``, ``term``, ``windows``, ``mase`` and ``wql``,
        the errors as shares of seasonal naive's mean absolute error.
    most : int
        Windows in a group.
    """
    console = Console()
    groups = last_windows(corpus, most)
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
    """Error of the median and of the deciles, as shares of seasonal naive's absolute error."""
    horizon = len(windows[0].future_H)
    forecast = forecaster.forecast(
        [window.past_T for window in windows], horizon, quantile_levels=LEVELS
    )
    points, losses, naive = [], [], []
    for window, quantiles_HL in zip(windows, forecast.quantiles, strict=True):
        naive_H, _ = seasonal_naive(window.past_T, horizon, window.season, LEVELS)
        truth_1H, scale_1 = window.future_H[None], np.array([window.scale])
        points.append(mase(truth_1H, quantiles_HL[None, :, LEVELS.index(0.5)], scale_1))
        naive.append(mase(truth_1H, naive_H[None], scale_1))
        error_HL = window.future_H[:, None] - quantiles_HL
        pinball_HL = np.maximum(np.array(LEVELS) * error_HL, (np.array(LEVELS) - 1) * error_HL)
        losses.append(2 * np.nanmean(pinball_HL) / window.scale)
    cut = np.minimum([points, losses, naive], LARGEST_ERROR).mean(axis=1)
    return float(cut[0] / cut[2]), float(cut[1] / cut[2])


def rich_table(rows: pd.DataFrame) -> Table:
    """Lay the shares out for a terminal, a column for each model and error."""
    table = Table(
        title="Errors as shares of seasonal naive's absolute error",
        caption="MASE: of the median. WQL: of the deciles. Less is better.",
    )
    table.add_column("windows of")
    models = list(dict.fromkeys(rows["model"]))
    for model in models:
        for error in ("MASE", "WQL"):
            table.add_column(f"{model}\n{error}", justify="right")
    for (frequency, term), group in rows.groupby(["frequency", "term"], sort=False):
        shares = group.set_index("model").loc[models, ["mase", "wql"]].to_numpy().ravel()
        count = group["windows"].iloc[0]
        table.add_row(f"{frequency} {term} ({count})", *(f"{share:.3f}" for share in shares))
    table.add_section()
    means = [
        geometric_mean(rows.loc[rows["model"] == model, error])
        for model in models
        for error in ("mase", "wql")
    ]
    table.add_row("geometric mean", *(f"{mean:.4f}" for mean in means))
    return table
