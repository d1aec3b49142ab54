"""Seconds of a forecast of ours, and of granite-tsfm's 512 → 96 network, in one process.

Runs in the environment of ``make parity``: ``make forecast-speed``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from ttm_estimators import PRESETS, load
from ttm_estimators.weights.published import published_config

BATCH = 256
HORIZON = 96
ROUNDS = 15
BAR = 2.0
"""Most seconds of ours, in times of granite-tsfm's."""

THEIRS = "granite-tsfm, 512 → 96"

LENGTHS = (2048, 4096, 24576)
"""Points of history: what the network sees, what it looks for cycles in, and what block medians are
forecast from."""


def facade(length: int) -> str:
    """How the table calls ours on arrays of so many points."""
    return f"our façade, arrays of {length:,} points"


def granite() -> torch.nn.Module:
    """Their network of the published size, with random weights."""
    from tsfm_public.models.tinytimemixer import (  # type: ignore[import-not-found, unused-ignore]
        TinyTimeMixerConfig,
        TinyTimeMixerForPrediction,
    )

    config = TinyTimeMixerConfig(**published_config(PRESETS["ttm_512_96"]))
    network: torch.nn.Module = TinyTimeMixerForPrediction(config).eval()
    return network


def in_turns(sides: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each side, which take turns. A first round does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS + 1):
        for name, forecast in sides.items():
            began = perf_counter()
            forecast()
            seconds[name].append(perf_counter() - began)
    return {name: median(values[1:]) for name, values in seconds.items()}


def main() -> None:
    """Print seconds of a batch as times of granite-tsfm's."""
    torch.set_num_threads(1)
    walks = np.random.default_rng(0).normal(size=(BATCH, LENGTHS[-1])).cumsum(axis=1)
    theirs, ours = granite(), load()
    short = torch.from_numpy(walks[:, -512:, None]).float()
    context = torch.from_numpy(walks[:, -2048:, None]).float()
    sides: dict[str, Callable[[], object]] = {
        THEIRS: lambda: theirs(short),
        "our network, 2,048 points": lambda: ours.network(context, horizon=HORIZON),
    } | {
        facade(length): partial(ours.forecast, list(walks[:, -length:]), HORIZON, batch_size=BATCH)
        for length in LENGTHS
    }
    with torch.inference_mode():
        medians = in_turns(sides)
    table = Table(title=f"{BATCH} series, horizon {HORIZON}, one thread, median of {ROUNDS} rounds")
    table.add_column("forecast")
    table.add_column("times granite-tsfm", justify="right")
    for name, value in medians.items():
        table.add_row(name, f"{value / medians[THEIRS]:.2f}")
    console = Console()
    console.print(table)
    within = medians[facade(LENGTHS[0])] <= BAR * medians[THEIRS]
    console.print(f"{'Within' if within else 'Beyond'} the bar of {BAR} times granite-tsfm")
    sys.exit(not within)


if __name__ == "__main__":
    main()
