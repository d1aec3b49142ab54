"""Windows per second of our fine-tuning, and of granite-tsfm's under the Hugging Face Trainer.

Both fine-tune decoder and head of the same geometry with the backbone frozen, on the same windows,
from the windows to the tuned network. Ours passes the backbone once, and that time counts. Each
side has a process of its own, and they take turns.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from ttm_benchmarks.speed import training_process, tuning_process
from ttm_benchmarks.speed.training_throughput import (
    NAMES,
    OURS,
    THEIRS,
    Side,
    require_granite,
)
from ttm_benchmarks.speed.turns import median_seconds

MIN_SPEEDUP = 2.4
"""Bar: windows per second of our fine-tuning, in times of granite-tsfm's."""


def run(
    python: str, *, windows: int, passes: int, batch_size: int, rounds: int, threads: int
) -> bool:
    """Print windows per second and tell whether ours is within the bar.

    Parameters
    ----------
    python : str
        Interpreter of an environment with granite-tsfm.
    windows, passes, batch_size, rounds : int
        Windows to train on, how often each comes, windows in a step, and rounds that count.
    threads : int
        Threads of each side.
    """
    require_granite(python)
    sizes = (windows, passes, batch_size)
    sides: list[Side] = []
    try:
        for name, its_python in ((THEIRS, python), (OURS, sys.executable)):
            sides.append(Side(name, its_python, sizes, threads, tuning_process.__name__))
        medians = median_seconds({side.name: side.seconds for side in sides}, rounds)
    finally:
        for side in sides:
            side.stop()
    speeds = {name: windows * passes / seconds for name, seconds in medians.items()}
    table = Table(
        title=f"{training_process.GEOMETRY}, decoder and head, {passes} passes over {windows:,} "
        f"windows, batches of {batch_size}, {threads} threads, median of {rounds} rounds"
    )
    for heading in ("fine-tuning", "trained parameters", "windows/s", "times granite-tsfm"):
        table.add_column(heading, justify="left" if heading == "fine-tuning" else "right")
    for side in sides:
        speed = speeds[side.name]
        table.add_row(
            NAMES[side.name],
            f"{side.parameters:,}",
            f"{speed:.0f}",
            f"{speed / speeds[THEIRS]:.2f}",
        )
    within = speeds[OURS] >= MIN_SPEEDUP * speeds[THEIRS]
    console = Console()
    console.print(table)
    console.print(f"{'Within' if within else 'Below'} the bar of {MIN_SPEEDUP} times granite-tsfm")
    return within
