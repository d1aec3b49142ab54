"""Seconds per series of the GluonTS predictor, the core alone, and GluonTS's own PatchTST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from gluonts.torch.model.patch_tst import PatchTSTEstimator
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.speed.turns import median_seconds, timer
from ttm_gluonts import TTMPredictor

CORE, ADAPTER, PATCH_TST = "core façade on arrays", "TTMPredictor", "GluonTS PatchTST"
MAX_TIMES = {CORE: 1.5, PATCH_TST: 1.0}
"""Bars: seconds of our predictor, in times of each of the others."""


def make_entries(series: int, context_length: int) -> list[dict[str, Any]]:
    """Hourly random walks of lengths from a half to one and a half contexts."""
    random = np.random.default_rng(0)
    lengths = random.integers(context_length // 2, context_length * 3 // 2, series)
    return [
        {
            "item_id": str(i),
            "start": pd.Period("2024-01-01 00:00", freq="h"),
            "target": random.normal(size=length).cumsum().astype(np.float32),
        }
        for i, length in enumerate(lengths)
    ]


def contenders(
    model: str | None, entries: Sequence[dict[str, Any]], horizon: int, batch_size: int
) -> dict[str, Callable[[], object]]:
    """Functions that forecast all entries. PatchTST has GluonTS's default size, untrained."""
    ours = TTMPredictor(prediction_length=horizon, model=model, batch_size=batch_size)
    estimator = PatchTSTEstimator(
        prediction_length=horizon,
        context_length=ours.forecaster.config.context_length,
        patch_len=16,
        batch_size=batch_size,
        trainer_kwargs={"accelerator": "cpu"},
    )
    theirs = estimator.create_predictor(
        estimator.create_transformation(), estimator.create_lightning_module()
    ).to("cpu")
    arrays = [entry["target"] for entry in entries]
    return {
        CORE: lambda: ours.forecaster.forecast(arrays, horizon, batch_size=batch_size),
        ADAPTER: lambda: list(ours.predict(entries)),
        PATCH_TST: lambda: list(theirs.predict(entries)),
    }


def run(model: str | None, *, series: int, horizon: int, batch_size: int, rounds: int) -> bool:
    """Print seconds per series and tell whether our predictor is within both bars."""
    context_length = TTMPredictor(
        prediction_length=horizon, model=model
    ).forecaster.config.context_length
    entries = make_entries(series, context_length)
    functions = contenders(model, entries, horizon, batch_size)
    medians = median_seconds({name: timer(each) for name, each in functions.items()}, rounds)
    table = Table(
        title=f"{series} series, context {context_length}, horizon {horizon}, "
        f"batches of {batch_size}, median of {rounds}"
    )
    for heading in ("forecaster", "ms per series", "TTMPredictor takes", "at most"):
        table.add_column(heading, justify="left" if heading == "forecaster" else "right")
    for name, value in medians.items():
        ratio, bar = medians[ADAPTER] / value, MAX_TIMES.get(name)
        table.add_row(
            name,
            f"{1000 * value / series:.3f}",
            f"{ratio:.2f} times",
            f"{bar} times" if bar else "",
        )
    within = all(medians[ADAPTER] <= bar * medians[name] for name, bar in MAX_TIMES.items())
    console = Console()
    console.print(table)
    console.print("Within both bars" if within else "Above a bar")
    return within
