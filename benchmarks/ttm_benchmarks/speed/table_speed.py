"""Time that tables take beside the forecasts of their series, and offsets beside naive dates."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.speed.turns import median_seconds, timer
from ttm_estimators import Forecast, Forecaster, load
from ttm_estimators.tables.dates import read_times

MAX_OVERHEAD = 0.25
"""Bar: what a table takes, as a fraction of the time of its forecast."""

POINTS, HORIZON = 200, 24

LAYOUTS = ("sorted", "shuffled", "different ends")

TIMEZONE = "Europe/Berlin"


class Timed(Forecaster):
    """A forecaster that notes how long its forecasts take."""

    seconds = 0.0

    def forecast(self, *arguments: Any, **options: Any) -> Forecast:
        """Forecast arrays."""
        began = perf_counter()
        result = super().forecast(*arguments, **options)
        self.seconds = perf_counter() - began
        return result


def make_frame(series: int, layout: str, seed: int) -> pd.DataFrame:
    """A long table of daily series."""
    random = np.random.default_rng(seed)
    days = np.tile(pd.date_range("2024-01-01", periods=POINTS), series)
    if layout == "different ends":
        days = days + np.repeat(random.integers(0, 999, series), POINTS).astype("m8[D]")
    names = np.repeat([f"series {i}" for i in range(series)], POINTS)
    values = random.normal(size=series * POINTS)
    frame = pd.DataFrame({"unique_id": names, "ds": days, "y": values})
    return frame.sample(frac=1, random_state=seed) if layout == "shuffled" else frame


def overhead(model: Timed, frame: pd.DataFrame) -> float:
    """Time of taking a table apart and putting the result together, by that of the forecast."""
    began = perf_counter()
    model.forecast_df(frame, HORIZON)
    return (perf_counter() - began) / model.seconds - 1


def offsets_by_naive(dates: int, rounds: int) -> float:
    """Time of reading local dates with changing offsets, by that of naive ones."""
    local = pd.date_range("2020-01-01", periods=dates, freq="h", tz=TIMEZONE)
    times = {"offsets": local, "naive": local.tz_localize(None)}
    columns = {name: pd.Series(each.astype(str)) for name, each in times.items()}
    medians = median_seconds(
        {name: timer(partial(read_times, one)) for name, one in columns.items()}, rounds
    )
    return medians["offsets"] / medians["naive"]


def run(*, series: int, dates: int, rounds: int, seed: int) -> bool:
    """Print times and tell whether sorted tables are within the bar."""
    model = Timed(load().network)
    model.forecast_df(make_frame(8, "sorted", seed), HORIZON)
    table = Table(title=f"{series:,} series of {POINTS} points, {HORIZON} steps")
    table.add_column("rows")
    table.add_column("table / forecast", justify="right")
    overheads = {layout: overhead(model, make_frame(series, layout, seed)) for layout in LAYOUTS}
    for layout, value in overheads.items():
        table.add_row(layout, f"{value:.3f}")
    console = Console()
    console.print(table)
    ratio = offsets_by_naive(dates, rounds)
    console.print(f"{dates:,} dates with changing offsets: {ratio:.1f} times naive ones")
    within = overheads["sorted"] <= MAX_OVERHEAD and overheads["different ends"] <= MAX_OVERHEAD
    console.print(
        f"{'Within' if within else 'Above'} the bar of {MAX_OVERHEAD} where rows are in order"
    )
    return within
