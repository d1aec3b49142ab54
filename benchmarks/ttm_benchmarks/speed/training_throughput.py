"""Windows per second of our training, and of granite-tsfm's under the Hugging Face Trainer.

The same geometry, batches, data, threads and number format (float32). Each side has a process of
its own, granite-tsfm's in an environment of its own, and they take turns.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

import ttm_benchmarks
import ttm_estimators
from ttm_benchmarks.speed import training_process
from ttm_benchmarks.speed.turns import median_seconds

THEIRS, EAGER, COMPILED, OURS = "theirs", "eager", "compiled", "ours"
NAMES = {
    THEIRS: "granite-tsfm, Hugging Face Trainer",
    OURS: "ours",
    EAGER: "ours, eager",
    COMPILED: "ours, compiled",
}
MIN_SPEEDUP = 2.2
"""Bar: windows per second of our compiled training, in times of granite-tsfm's."""


class Side:
    """A process that trains when it is asked to.

    Parameters
    ----------
    name : str
        Which side.
    python : str
        Interpreter of its environment.
    sizes : tuple of int
        Windows in a step, steps in a round, rounds until the end; or what else ``module`` takes.
    threads : int
        Threads of torch.
    module : str
        What the process runs.

    Raises
    ------
    ValueError
        When the process ends before it has trained.
    """

    def __init__(
        self,
        name: str,
        python: str,
        sizes: tuple[int, int, int],
        threads: int,
        module: str = training_process.__name__,
    ) -> None:
        folders = [Path(str(each.__file__)).parents[1] for each in (ttm_estimators, ttm_benchmarks)]
        self.name = name
        self.process = subprocess.Popen(
            [python, "-m", module, name, *map(str, sizes)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, folders)),
                "OMP_NUM_THREADS": str(threads),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.parameters = int(self._answer())

    def seconds(self) -> float:
        """Train a round."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """End the process, also one that has not trained all rounds."""
        self.process.kill()
        self.process.communicate()

    def _answer(self) -> float:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise ValueError(f"{NAMES[self.name]}: the process has stopped, for the reason above")
        return float(line)


def require_granite(python: str) -> None:
    """Refuse to run without an environment with granite-tsfm."""
    if shutil.which(python) is None:
        raise ValueError(
            f"there is no {python}: make {Path(python).parents[1]}/.installed installs "
            "granite-tsfm beside the repository, or name a Python that has it with --granite"
        )


def run(python: str, *, batch_size: int, steps: int, rounds: int, threads: int) -> bool:
    """Print windows per second and tell whether our compiled training is within the bar.

    Parameters
    ----------
    python : str
        Interpreter of an environment with granite-tsfm.
    batch_size, steps, rounds : int
        Windows in a step, steps in a round, and rounds that count.
    threads : int
        Threads of each side.
    """
    require_granite(python)
    sides: list[Side] = []
    try:
        for name, its_python in (
            (THEIRS, python),
            (EAGER, sys.executable),
            (COMPILED, sys.executable),
        ):
            sides.append(Side(name, its_python, (batch_size, steps, rounds + 1), threads))
        if len({side.parameters for side in sides}) > 1:
            raise ValueError(
                "the networks differ in size: "
                + ", ".join(f"{NAMES[side.name]} {side.parameters:,}" for side in sides)
            )
        medians = median_seconds({side.name: side.seconds for side in sides}, rounds)
    finally:
        for side in sides:
            side.stop()
    windows = {name: batch_size * steps / seconds for name, seconds in medians.items()}
    table = Table(
        title=f"{training_process.GEOMETRY}, {sides[0].parameters:,} parameters, float32, batches "
        f"of {batch_size}, {threads} threads, median of {rounds} rounds of {steps} steps"
    )
    for heading in ("training", "windows/s", "times granite-tsfm"):
        table.add_column(heading, justify="left" if heading == "training" else "right")
    for name, value in windows.items():
        table.add_row(NAMES[name], f"{value:.0f}", f"{value / windows[THEIRS]:.2f}")
    within = windows[COMPILED] >= MIN_SPEEDUP * windows[THEIRS]
    console = Console()
    console.print(table)
    console.print(f"{'Within' if within else 'Below'} the bar of {MIN_SPEEDUP} times granite-tsfm")
    return within
