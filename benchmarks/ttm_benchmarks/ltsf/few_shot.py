"""The few-shot protocol (paper, section 4.2): fine-tune on the first 5 % of the training windows.

Early stopping and the choice of weights use the validation part, as in the paper. The test part
is forecast once with the first weights and once with the tuned ones.

Shape suffixes: N windows, T time, H horizon, C channels.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.ltsf.protocol import Borders, borders
from ttm_benchmarks.ltsf.read import find_dataset, read_dataset, standardise
from ttm_benchmarks.ltsf.windows import PointScores, iterate_windows
from ttm_estimators import FineTuneConfig, Forecaster, fine_tune, load
from ttm_estimators.weights import resolve
from ttm_estimators.weights.folder import WEIGHTS_FILE

Array = npt.NDArray[np.float64]

TRAINING_FRACTION = 0.05
"""The first training windows, which are trained on, as a fraction of all."""

SETTINGS = FineTuneConfig(windows=3000, steps=300, patience=3, learning_rate=1e-3)
"""How to fine-tune, but for what the protocol decides on: half a minute for each set."""

VALIDATION_WINDOWS = 100
"""Evenly spread over the validation part."""

KEYS = ["dataset", "horizon", "weights", "strategy", "seed", "every"]
"""What a row is of. One that is there is not measured again."""

MIN_MEAN_GAIN, MAX_LOSS = 0.02, 0.005
"""Bar: relative decrease of the mean MSE, and relative increase of the MSE of any set."""


def run(
    folder: Path,
    model: str | None,
    output: Path,
    *,
    datasets: Sequence[str],
    horizons: Sequence[int],
    settings: FineTuneConfig,
    batch_size: int,
    every: int,
) -> bool:
    """Fine-tune on each dataset and horizon, with the zero-shot error beside it.

    The file is written after every row, and rows that are there are left out.

    Parameters
    ----------
    folder : Path
        Where the datasets are.
    model : str or None
        Shipped model or weights folder. None is the default model.
    output : Path
        CSV file.
    datasets : sequence of str
        Names of datasets.
    horizons : sequence of int
        Steps to forecast.
    settings : FineTuneConfig
        How to fine-tune. The protocol decides on validation and the shortest history.
    batch_size : int
        Series in one forward pass.
    every : int
        Test windows to step over, 1 for all.

    Returns
    -------
    bool
        Whether the bar is held at each horizon.
    """
    paths = {dataset: find_dataset(folder, dataset) for dataset in datasets}
    weights = hashlib.sha256((resolve(model) / WEIGHTS_FILE).read_bytes()).hexdigest()[:12]
    forecaster = load(model)
    output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_csv(output) if output.exists() else pd.DataFrame(columns=KEYS)
    console = Console(highlight=False)
    chosen = []
    for horizon in horizons:
        for dataset, path in paths.items():
            key = dict(
                zip(
                    KEYS,
                    (dataset, horizon, weights, settings.strategy, settings.seed, every),
                    strict=True,
                )
            )
            found = table[(table[KEYS] == pd.Series(key)).all(axis=1)]
            if found.empty:
                values_TC = read_dataset(path)
                split = borders(dataset, len(values_TC))
                values_TC = standardise(values_TC, split.train_end)
                facts = measure(
                    forecaster,
                    values_TC,
                    split,
                    horizon,
                    settings,
                    batch_size=batch_size,
                    every=every,
                )
                row = pd.DataFrame([{**key, **facts}])
                table = row if table.empty else pd.concat([table, row], ignore_index=True)
                table.to_csv(output, index=False)
                found = row
            chosen.append(found.iloc[0])
            mse, before = chosen[-1]["mse"], chosen[-1]["zero_shot_mse"]
            console.print(
                f"{dataset} {horizon}: MSE {mse:.4f}, zero-shot {before:.4f} "
                f"({mse / before - 1:+.1%}), {chosen[-1]['report']}",
                soft_wrap=True,
            )
    rows = pd.DataFrame(chosen)
    console.print(rich_table(rows))
    console.print(f"Results are in {output}", soft_wrap=True)
    return all(holds_bar(part) for _, part in rows.groupby("horizon"))


def measure(
    forecaster: Forecaster,
    values_TC: Array,
    split: Borders,
    horizon: int,
    settings: FineTuneConfig,
    *,
    batch_size: int,
    every: int,
) -> dict[str, Any]:
    """Fine-tune on standardised values, and score both networks on the test part."""
    context, seen = forecaster.config.context_length, forecaster.history_length
    tuned = fine_tune(
        forecaster.network,
        [first_windows(values_TC, split, context, horizon)],
        replace(settings, shortest_history=context),
        horizon=horizon,
        validation=validation_windows(values_TC, split, seen, horizon),
    )
    facts: dict[str, Any] = {}
    for prefix, one in (("zero_shot_", forecaster), ("", Forecaster(tuned.network))):
        scores, began = PointScores(), time.perf_counter()
        for histories, futures_NHC in iterate_windows(
            values_TC,
            split,
            context=seen,
            horizon=horizon,
            at_once=max(1, batch_size // values_TC.shape[1]),
            every=every,
        ):
            point = one.forecast(
                histories, horizon, quantile_levels=[0.5], batch_size=batch_size
            ).point
            scores.add(futures_NHC, point)
        facts |= {
            f"{prefix}mse": scores.mse,
            f"{prefix}mae": scores.mae,
            f"{prefix}test_seconds": round(time.perf_counter() - began, 1),
        }
    return {
        **facts,
        "share": tuned.fraction,
        "learning_rate": tuned.learning_rate,
        "steps": tuned.steps,
        "windows": tuned.windows,
        "tuning_seconds": round(tuned.seconds, 1),
        "report": str(tuned),
    }


def first_windows(values_TC: Array, split: Borders, context: int, horizon: int) -> Array:
    """Rows of the first training windows, each with a whole history.

    Raises
    ------
    ValueError
        When the training part is shorter than a window.
    """
    windows = split.train_end - context - horizon + 1
    if windows < 1:
        raise ValueError(
            f"the training part has {split.train_end} rows, fewer than the {context + horizon} of "
            "a window"
        )
    return values_TC[: context + horizon - 1 + max(1, round(TRAINING_FRACTION * windows))]


def validation_windows(values_TC: Array, split: Borders, context: int, horizon: int) -> list[Array]:
    """Windows whose futures lie in the validation part."""
    last = split.test_start - horizon
    cuts = np.unique(np.linspace(split.train_end, last, VALIDATION_WINDOWS).astype(int))
    return [values_TC[max(0, cut - context) : cut + horizon] for cut in cuts]


def holds_bar(rows: pd.DataFrame) -> bool:
    """Whether the mean gain is large enough, and no set is worse by more than it may be."""
    change = rows["mse"].mean() / rows["zero_shot_mse"].mean() - 1
    worst = (rows["mse"] / rows["zero_shot_mse"] - 1).max()
    return bool(change <= -MIN_MEAN_GAIN and worst <= MAX_LOSS)


def rich_table(rows: pd.DataFrame) -> Table:
    """Lay the errors out for a terminal, with their mean at each horizon."""
    table = Table(title=f"Few-shot, first {TRAINING_FRACTION:.0%} of the training windows")
    for heading in ("dataset", "horizon", "MSE zero-shot", "MSE tuned", "change", "MAE change"):
        table.add_column(heading, justify="left" if heading == "dataset" else "right")
    for horizon, part in rows.groupby("horizon"):
        columns = ["zero_shot_mse", "mse", "zero_shot_mae", "mae"]
        mean = part[columns].astype(float).mean()
        lines = [(row["dataset"], row) for _, row in part.iterrows()] + [("mean", mean)]
        for name, row in lines:
            table.add_row(
                str(name),
                str(horizon),
                f"{row['zero_shot_mse']:.4f}",
                f"{row['mse']:.4f}",
                f"{row['mse'] / row['zero_shot_mse'] - 1:+.1%}",
                f"{row['mae'] / row['zero_shot_mae'] - 1:+.1%}",
            )
    return table
