"""The commands that are killed, on small data, and what each of them has to leave."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

SERIES = 40
STEPS = 120

RECIPE = """
network:
  context_length: 128
  horizon: 24
  patch_length: 16
  hidden_size: 16
  decoder_hidden_size: 16
steps: 12
batch_size: 8
warmup_steps: 2
validation_every: 4
real_fraction: 0
"""

TIMES = ("hours", "machine", "date", "hardware", "windows_per_second", "seconds", "peak_memory_gb")
"""Entries of JSON files that differ between runs."""


class Command(NamedTuple):
    """A command, and the files that it writes."""

    arguments: tuple[str, ...]
    """Paths are relative to its working folder."""

    files: tuple[str, ...]
    """What has to be the same as after a run that was not disturbed."""

    outputs: tuple[str, ...]
    """Files or folders that it writes to."""


PARTS = ("--folder", "parts", "--output", "out.csv")


def _finetune(*options: str) -> tuple[str, ...]:
    fixed = ("--learning-rate", "0.001", "--steps", "6", "--windows", "64", "--batch-size", "16")
    return ("ttm", "finetune", "sales.csv", "--horizon", "4", *fixed, *options)


COMMANDS = {
    "forecast": Command(
        ("ttm", "forecast", "sales.csv", "--horizon", "24", "--output", "out.csv"),
        ("out.csv",),
        ("out.csv",),
    ),
    "finetune": Command(
        _finetune("--output", "out"), ("out/model.safetensors", "out/config.json"), ("out",)
    ),
    "pretrain": Command(
        ("ttm", "pretrain", "recipe.yaml", "--output", "out", "--workers", "0"),
        ("out/model.safetensors", "out/config.json"),
        ("out",),
    ),
    "pretrain with a worker": Command(
        ("ttm", "pretrain", "recipe.yaml", "--output", "out", "--workers", "1"),
        ("out/model.safetensors", "out/config.json"),
        ("out",),
    ),
    "gift-eval": Command(
        ("ttm-bench", "gift-eval", "--data", "gift", "--model", "naive", "--output", "out"),
        ("out/all_results.csv", "out/coverage.csv", "out/config.json"),
        ("out",),
    ),
    "backtest": Command(
        ("ttm", "backtest", "sales.csv", "--horizon", "4", "--windows", "3", *PARTS),
        ("out.csv",),
        ("out.csv", "parts"),
    ),
}


def write_inputs(folder: Path) -> None:
    """Write the table, the recipe and the benchmark's sets that the commands read."""
    rng = np.random.default_rng(0)
    dates = np.datetime64("2024-01-01") + np.arange(STEPS)
    values = 20 + rng.normal(size=(SERIES, STEPS)).cumsum(axis=1)
    rows = [
        f"shop {i},{date},{value:.3f}"
        for i, series in enumerate(values)
        for date, value in zip(dates, series, strict=True)
    ]
    (folder / "sales.csv").write_text("\n".join(["id,date,sales", *rows, ""]), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    _write_set(folder / "gift" / "hospital", "M", [values[0][:84], values[1][:96]])
    _write_set(folder / "gift" / "us_births" / "M", "M", [values[2]])
    _write_set(folder / "gift" / "m4_weekly", "W-SUN", [values[3]])


def _write_set(folder: Path, frequency: str, targets: list[np.ndarray]) -> None:
    """Write one set as GIFT-Eval does."""
    from datasets import Dataset

    rows = {
        "item_id": [f"item_{i}" for i in range(len(targets))],
        "start": [datetime(2015, 1, 1)] * len(targets),
        "freq": [frequency] * len(targets),
        "target": [target.astype(np.float32).tolist() for target in targets],
    }
    Dataset.from_dict(rows).save_to_disk(folder)


def content(path: Path) -> bytes | None:
    """What a file holds, less what differs between runs; None where there is none."""
    if not path.is_file():
        return None
    if path.suffix != ".json":
        return path.read_bytes()
    values = json.loads(path.read_text(encoding="utf-8"))
    kept = {name: value for name, value in values.items() if name not in TIMES}
    return json.dumps(kept, sort_keys=True).encode()


def listing(folder: Path) -> set[str]:
    """Names of all files and folders."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
