"""Time that tables take beside the forecasts of their series, and offsets beside naive dates."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from ttm_estimators import Forecast, Forecaster, load
from ttm_estimators.tables.dates import read_times

BAR = 0.25
"""Most that a table may take of the time of its forecast."""

POINTS, HORIZON = 200, 24

LAYOUTS = ("sorted", "shuffled", "different ends")

ZONE = "Europe/Berlin"


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


def share(model: Timed, frame: pd.DataFrame) -> float:
    """Time of taking a table apart and putting the result together, by that of the forecast."""
    began = perf_counter()
    model.forecast_df(frame, HORIZON)
    return (perf_counter() - began) / model.seconds - 1


def offsets_by_naive(dates: int, rounds: int) -> float:
    """Time of reading local dates with changing offsets, by that of naive ones."""
    local = pd.date_range("2020-01-01", periods=dates, freq="h", tz=ZONE)
    columns = [pd.Series(times.astype(str)) for times in (local, local.tz_localize(None))]
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        for column, own in zip(columns, seconds, strict=True):
            began = perf_counter()
            read_times(column)
            own.append(perf_counter() - began)
    return median(seconds[0][1:]) / median(seconds[1][1:])


def run(*, series: int, dates: int, rounds: int, seed: int) -> bool:
    """Print times and tell whether sorted tables are within the bar."""
    model = Timed(load().network)
    model.forecast_df(make_frame(8, "sorted", seed), HORIZON)
    table = Table(title=f"{series:,} series of {POINTS} points, {HORIZON} steps")
    table.add_column("rows")
    table.add_column("table / forecast", justify="right")
    shares = {layout: share(model, make_frame(series, layout, seed)) for layout in LAYOUTS}
    for layout, value in shares.items():
        table.add_row(layout, f"{value:.3f}")
    console = Console()
    console.print(table)
    ratio = offsets_by_naive(dates, rounds)
    console.print(f"{dates:,} dates with changing offsets: {ratio:.1f} times naive ones")
    within = shares["sorted"] <= BAR and shares["different ends"] <= BAR
    console.print(f"{'Within' if within else 'Above'} the bar of {BAR} where rows are in order")
    return within
