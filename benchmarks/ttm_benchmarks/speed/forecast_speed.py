"""Seconds of a forecast of ours, and of granite-tsfm's 512 → 96 network, in one process.

Runs in the environment of ``make parity``: ``make forecast-speed``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.speed.turns import median_seconds, timer
from ttm_estimators import PRESETS, load
from ttm_estimators.weights.published import published_config

BATCH_SIZE = 256
HORIZON = 96
ROUNDS = 15
MAX_SLOWDOWN = 2.0
"""Bar: seconds of ours, in times of granite-tsfm's."""

THEIRS = "granite-tsfm, 512 → 96"

HISTORY_LENGTHS = (2048, 4096, 24576)
"""Points of history: the context, the longest stretch in which cycles are found, and a history that
is also forecast from its aggregates."""


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


def main() -> None:
    """Print seconds of a batch as times of granite-tsfm's."""
    torch.set_num_threads(1)
    walks = np.random.default_rng(0).normal(size=(BATCH_SIZE, HISTORY_LENGTHS[-1])).cumsum(axis=1)
    theirs, ours = granite(), load()
    short = torch.from_numpy(walks[:, -512:, None]).float()
    context = torch.from_numpy(walks[:, -2048:, None]).float()
    sides: dict[str, Callable[[], object]] = {
        THEIRS: lambda: theirs(short),
        "our network, 2,048 points": lambda: ours.network(context, horizon=HORIZON),
    } | {
        facade(length): partial(
            ours.forecast, list(walks[:, -length:]), HORIZON, batch_size=BATCH_SIZE
        )
        for length in HISTORY_LENGTHS
    }
    with torch.inference_mode():
        medians = median_seconds({name: timer(each) for name, each in sides.items()}, ROUNDS)
    table = Table(
        title=f"{BATCH_SIZE} series, horizon {HORIZON}, one thread, median of {ROUNDS} rounds"
    )
    table.add_column("forecast")
    table.add_column("times granite-tsfm", justify="right")
    for name, value in medians.items():
        table.add_row(name, f"{value / medians[THEIRS]:.2f}")
    console = Console()
    console.print(table)
    within = medians[facade(HISTORY_LENGTHS[0])] <= MAX_SLOWDOWN * medians[THEIRS]
    console.print(
        f"{'Within' if within else 'Beyond'} the bar of {MAX_SLOWDOWN} times granite-tsfm"
    )
    sys.exit(not within)


if __name__ == "__main__":
    main()
