"""Import time of this package against that of torch alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table

TORCH = "import torch"
OURS = ("import ttm_estimators", "from ttm_estimators import load")
BAR = 1.2
"""Most that an import of ours may take, in times of torch's."""


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


def measure(runs: int, seconds: Callable[[str], float]) -> dict[str, float]:
    """Median seconds of each statement.

    Statements take turns, so that a machine that slows down slows them all. A first round, which
    reads files from disk, does not count.

    Parameters
    ----------
    runs : int
        Rounds that count.
    seconds : callable
        Runs a statement and tells its seconds.
    """
    rounds = [{name: seconds(name) for name in (TORCH, *OURS)} for _ in range(runs + 1)][1:]
    return {name: median(each[name] for each in rounds) for name in (TORCH, *OURS)}


def run(runs: int) -> bool:
    """Print import times and tell whether ours are within the bar."""
    medians = measure(runs, seconds_in_fresh_process)
    ratios = {name: medians[name] / medians[TORCH] for name in medians}
    table = Table(title=f"Import time, median of {runs} fresh processes")
    table.add_column("statement")
    table.add_column("seconds", justify="right")
    table.add_column("times torch", justify="right")
    for name, value in medians.items():
        table.add_row(name, f"{value:.3f}", f"{ratios[name]:.2f}")
    within = max(ratios.values()) <= BAR
    console = Console()
    console.print(table)
    console.print(f"{'Within' if within else 'Above'} the bar of {BAR} times torch")
    return within
