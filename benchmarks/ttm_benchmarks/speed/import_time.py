"""Import time of this package against that of torch alone."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from rich.console import Console
from rich.table import Table

from ttm_benchmarks.speed.turns import median_seconds

TORCH = "import torch"
OURS = ("import ttm_estimators", "from ttm_estimators import load")
MAX_TIMES_TORCH = 1.2
"""Bar: an import of ours takes at most so many times that of torch."""


def seconds_in_fresh_process(statement: str) -> float:
    """Time one statement in a new interpreter, whose own start does not count."""
    program = (
        "from time import perf_counter\n"
        "start = perf_counter()\n"
        f"{statement}\n"
        "print(perf_counter() - start)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def run(runs: int) -> bool:
    """Print import times and tell whether ours are within the bar."""
    timers = {name: partial(seconds_in_fresh_process, name) for name in (TORCH, *OURS)}
    medians = median_seconds(timers, runs)
    ratios = {name: medians[name] / medians[TORCH] for name in medians}
    table = Table(title=f"Import time, median of {runs} fresh processes")
    table.add_column("statement")
    table.add_column("seconds", justify="right")
    table.add_column("times torch", justify="right")
    for name, value in medians.items():
        table.add_row(name, f"{value:.3f}", f"{ratios[name]:.2f}")
    within = max(ratios.values()) <= MAX_TIMES_TORCH
    console = Console()
    console.print(table)
    console.print(f"{'Within' if within else 'Above'} the bar of {MAX_TIMES_TORCH} times torch")
    return within
