"""Points per second of the synthetic priors, of windows of a corpus, of the whole stream, of it
prepared for training, and of training on it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch
from rich.console import Console
from rich.table import Table

from ttm_estimators import PRESETS, TinyTimeMixer
from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.data.synthetic import Draw, sample
from ttm_estimators.training.pretraining.chunks import prepare_chunk
from ttm_estimators.training.pretraining.step import Step
from ttm_estimators.training.recipe import Recipe

GEOMETRY = "ttm_2048_720"
CONFIG = PRESETS[GEOMETRY]
LENGTH = CONFIG.input_length + CONFIG.horizon
SYNTHETIC = "synthetic mixture"
PREPARED, TRAINING = "the same, prepared for a step", "training on them, bfloat16"
MIN_POINTS_PER_SECOND = 2e6
"""Bar: points of the synthetic mixture, on one core of a processor."""


def sources(
    corpus: Corpus | None, batch_size: int, device: torch.device, *, compiled: bool = False
) -> dict[str, Callable[[], object]]:
    """Functions that make a batch of windows on a device, and one that trains on a batch."""
    generator = torch.Generator(device).manual_seed(0)
    made: dict[str, Callable[[], object]] = {
        SYNTHETIC: lambda: sample(batch_size, LENGTH, generator)
    }
    stream = WindowStream(
        CONFIG.context_length,
        CONFIG.horizon,
        batch_size,
        corpus=corpus,
        device=device,
        input_length=CONFIG.input_length,
    )
    if corpus is not None:
        moved, chances = stream.corpus, stream.chances
        made["corpus windows"] = lambda: moved.windows(
            Draw(batch_size, 1, generator), chances, CONFIG.input_length, CONFIG.horizon
        )
    batches = iter(stream)
    kind = "half real" if corpus is not None else "synthetic"
    made[f"augmented stream, {kind}"] = lambda: next(batches)
    made[PREPARED] = lambda: prepare_chunk(CONFIG, next(batches))
    chunk = prepare_chunk(CONFIG, next(batches))
    recipe = Recipe(batch_size=batch_size, compile=compiled, precision="bf16-mixed")
    step = Step(TinyTimeMixer(CONFIG).to(device), recipe, chunk)
    made[TRAINING] = lambda: step(chunk, 0, 1.0)
    return made


def measure(function: Callable[[], object], rounds: int, device: torch.device) -> float:
    """Median seconds of a call: of a core's own time, or by the clock on a GPU.

    A first call does not count, nor what else is running on the core.
    """
    clock = perf_counter if device.type == "cuda" else process_time
    seconds = []
    for _ in range(rounds + 1):
        start = clock()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock() - start)
    return median(seconds[1:])


def run(folder: Path | None, *, batch_size: int, rounds: int, compiled: bool = False) -> bool:
    """Print points and windows per second, and tell whether the mixture is within the bar.

    Parameters
    ----------
    folder : Path or None
        Corpus of real series, if there is one.
    batch_size, rounds : int
        Windows in a batch, and batches that count.
    compiled : bool, default False
        Whether the training step is compiled, as in the recipes that ship.
    """
    corpus = None if folder is None else Corpus.read(folder)
    devices = [torch.device("cpu")]
    if torch.cuda.is_available():
        devices.append(torch.device("cuda"))
    table = Table(title=f"Windows of {LENGTH} points, batches of {batch_size}, median of {rounds}")
    for heading in ("source", "where", "million points/s", "windows/s"):
        table.add_column(heading, justify="left" if heading in ("source", "where") else "right")
    points = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for device in devices:
            where = "one core" if device.type == "cpu" else torch.cuda.get_device_name()
            for name, function in sources(corpus, batch_size, device, compiled=compiled).items():
                speed = batch_size / measure(function, rounds, device)
                points[name, device.type] = speed * LENGTH
                table.add_row(name, where, f"{speed * LENGTH / 1e6:.2f}", f"{speed:.0f}")
    finally:
        torch.set_num_threads(threads)
    pace = points[PREPARED, "cpu"] / points[TRAINING, "cpu"]
    within = points[SYNTHETIC, "cpu"] >= MIN_POINTS_PER_SECOND
    console = Console()
    console.print(table)
    console.print(
        f"The mixture is {'within' if within else 'below'} the bar of "
        f"{MIN_POINTS_PER_SECOND / 1e6:g} million points a second on a core"
    )
    console.print(
        f"Where one core makes windows and another trains, "
        f"{'windows limit' if pace < 1 else 'training limits'}: "
        f"{pace:.2f} are made in the time of training on one"
    )
    return within
