"""The demo from end to end: backtests, pictures, a table and a CSV file."""

from __future__ import annotations

from pathlib import Path
from statistics import geometric_mean

import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ttm_benchmarks.demo.backtest import Backtest, backtest
from ttm_benchmarks.demo.picture import draw
from ttm_benchmarks.demo.series import demo_series
from ttm_estimators import load

RESULTS_FILE = "results.csv"


def run(model: str | None, folder: Path) -> None:
    """Backtest a model and write ``results.csv`` and a picture of each series.

    Parameters
    ----------
    model : str or None
        Shipped model or weights folder. None is the default model.
    folder : Path
        Made if need be.
    """
    forecaster = load(model)
    folder.mkdir(parents=True, exist_ok=True)
    console = Console()
    results = []
    for series in track(list(demo_series()), description="backtest", console=console):
        results.append(backtest(series, forecaster))
        draw(results[-1], folder / f"{series.name}.png")
    table = frame(results)
    table.to_csv(folder / RESULTS_FILE, index=False)
    console.print(rich_table(table))
    console.print(f"Pictures and {RESULTS_FILE} are in {folder}", soft_wrap=True)


def frame(results: list[Backtest]) -> pd.DataFrame:
    """One row for each series."""
    return pd.DataFrame(
        {
            "series": result.series.name,
            "frequency": result.series.frequency,
            "horizon": result.series.horizon,
            "season": result.series.season,
            "windows": result.windows,
            "mase": result.model.mase,
            "naive_mase": result.naive.mase,
            "wql": result.model.wql,
            "naive_wql": result.naive.wql,
        }
        for result in results
    )


def rich_table(results: pd.DataFrame) -> Table:
    """Lay the results out for a terminal, with geometric means of the ratios to the naive."""
    table = Table(
        title="Rolling backtest against seasonal naive",
        caption="MASE: scaled error of the median. WQL: weighted quantile loss. Less is better.",
    )
    for heading in ("series", "freq"):
        table.add_column(heading, no_wrap=True)
    for heading in ("windows", "MASE", "naive", "WQL", "naive"):
        table.add_column(heading, justify="right")
    scores = ("mase", "naive_mase", "wql", "naive_wql")
    for row in results.to_dict("records"):
        table.add_row(
            row["series"],
            row["frequency"],
            str(row["windows"]),
            *(f"{row[score]:.3f}" for score in scores),
        )
    ratios = [
        f"{geometric_mean(results[score] / results[f'naive_{score}']):.3f}"
        for score in ("mase", "wql")
    ]
    table.add_section()
    table.add_row("geometric mean ratio", "", "", ratios[0], "1.000", ratios[1], "1.000")
    return table
