"""Held-back loss against windows and against parameters: networks of several sizes on the same
windows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic

import pandas as pd
import torch
from rich.console import Console

from ttm_estimators.data.corpus import Corpus
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.presets import DECILES, PRESETS
from ttm_estimators.training.chunks import Chunk, chunks, prepare_chunk
from ttm_estimators.training.nested import map_tensors
from ttm_estimators.training.recipe import Recipe
from ttm_estimators.training.step import Step, chunk_loss

BASE = replace(PRESETS["ttm_2048_720"], quantile_levels=DECILES)

SIZES: dict[str, TTMConfig] = {
    "0.24M": replace(BASE, gate="none", hidden_size=64, decoder_hidden_size=64),
    "0.5M": replace(BASE, gate="none", hidden_size=128, decoder_hidden_size=96),
    "0.83M": replace(BASE, gate="none", hidden_size=192, decoder_hidden_size=128),
    "0.99M, gates": replace(BASE, gate="sigmoid", hidden_size=192, decoder_hidden_size=128),
    "2M": replace(BASE, gate="none", hidden_size=352, decoder_hidden_size=160),
    "4M": replace(BASE, gate="none", hidden_size=480, decoder_hidden_size=256),
}
"""Networks that differ in width and gates alone."""

VALIDATION_WINDOWS = 2048

VALIDATED_AT_ONCE = 256


def run(
    corpus: Path | None,
    output: Path,
    *,
    windows: int,
    batch_size: int,
    chunk_size: int,
    seconds: float | None,
    seed: int = 0,
    sizes: Sequence[str] = tuple(SIZES),
) -> None:
    """Train every size on the same windows and write their losses.

    Parameters
    ----------
    corpus : Path or None
        Folder of parquet files. Without one all windows are synthetic.
    output : Path
        CSV file, a row for every size and every tenth of the windows.
    windows : int
        Windows that each network is trained on.
    batch_size, chunk_size : int
        Windows of a step, and of what is made at once.
    seconds : float or None
        The rate falls by the clock, to be zero after so many seconds, in place of by ``windows``.
    seed : int, default 0
        Of the first weights and the windows.
    sizes : sequence of str
        Names of :data:`SIZES`.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    real, held_back = Corpus.read(corpus).split() if corpus is not None else (None, None)
    recipe = Recipe(
        batch_size=batch_size,
        warmup_steps=200,
        decay_share=0.6,
        precision="bf16-mixed",
        seed=seed,
    )
    console = Console()
    validation = {
        "val_synthetic": _validation(None, device),
        "val_corpus": _validation(held_back, device) if held_back is not None else [],
    }
    stream = WindowStream(
        BASE.context_length,
        BASE.horizon,
        chunk_size,
        seed=seed,
        corpus=real,
        device=device,
        input_length=BASE.input_length,
    )
    made = chunks(BASE, stream, workers=0)
    chunk = next(made)
    steps: dict[str, Step] = {}
    for name in sizes:
        torch.manual_seed(seed)
        # A wider network takes smaller steps.
        peak = recipe.learning_rate * (BASE.hidden_size / SIZES[name].hidden_size) ** 0.5
        own = replace(recipe, learning_rate=peak)
        steps[name] = Step(TinyTimeMixer(SIZES[name]).to(device), own, chunk)
    rows: list[dict[str, object]] = []
    start, done, looked = monotonic(), 0, 0
    batches = chunk_size // batch_size
    before, progress = 0.0, 0.0
    while progress < 1:
        pace = max(progress - before, 1e-4) / batches
        for place in range(batches):
            share = progress + place * pace if seconds else done / windows
            rate = min(1.0, (done / batch_size + 1) / recipe.warmup_steps, (1 - share) / 0.6)
            batch = map_tensors(
                lambda tensor, at=place: tensor[at * batch_size : (at + 1) * batch_size], chunk
            )
            for step in steps.values():
                step(batch, done // batch_size, max(0.0, rate))
            done += batch_size
        chunk = next(made)
        if device.type == "cuda":
            torch.cuda.synchronize()
        before = progress
        progress = (monotonic() - start) / seconds if seconds else done / windows
        if progress >= 1 or progress * 10 >= looked + 1:
            looked = int(progress * 10)
            for name, step in steps.items():
                losses = {kind: _loss(step, parts) for kind, parts in validation.items() if parts}
                count = sum(p.numel() for p in step.network.parameters())
                rows.append({"size": name, "parameters": count, "windows": done, **losses})
                console.print(rows[-1])
            pd.DataFrame(rows).to_csv(output, index=False)
    console.print({"recipe": asdict(recipe), "seconds": monotonic() - start, "pid": os.getpid()})


def _validation(corpus: Corpus | None, device: torch.device) -> list[Chunk]:
    """Fixed windows, made on the processor, the same for all sizes."""
    stream = WindowStream(
        BASE.context_length,
        BASE.horizon,
        VALIDATED_AT_ONCE,
        seed=1_000_000,
        corpus=corpus,
        real_share=1.0,
        input_length=BASE.input_length,
    )
    return [
        map_tensors(lambda tensor: tensor.to(device), prepare_chunk(BASE, stream.batch(k)))
        for k in range(VALIDATION_WINDOWS // VALIDATED_AT_ONCE)
    ]


@torch.no_grad()
def _loss(step: Step, parts: list[Chunk]) -> float:
    """Loss of the averaged weights."""
    return sum(float(chunk_loss(step.average, part)) for part in parts) / len(parts)
