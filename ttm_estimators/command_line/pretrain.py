"""``ttm pretrain``: train a network on synthetic series and write its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ttm_estimators.command_line.errors import InputError, require


def pretrain(
    output: Annotated[Path, typer.Argument(help="Folder for weights, checkpoint and log.")],
    preset: Annotated[str, typer.Option(help="Geometry of the network.")] = "ttm_2048_720",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 10_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows in a step.")] = 256,
    learning_rate: Annotated[float, typer.Option(help="Peak rate.")] = 3e-3,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and the data.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make windows.")] = 1,
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile first: a minute, worth it for long runs.")
    ] = False,
    precision: Annotated[
        str, typer.Option(help='Number format in Lightning\'s terms, such as "bf16-mixed".')
    ] = "32-true",
) -> None:
    """Pre-train a network on synthetic series.

    An interrupted run goes on from its last checkpoint when it is started again.
    """
    from ttm_estimators.network import PRESETS  # imports torch

    if preset not in PRESETS:
        raise InputError(f"unknown preset {preset!r}: choose one of {', '.join(PRESETS)}")
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: name a folder")
    require("lightning", "train", "pre-training")
    from ttm_estimators.training.pretraining import pretrain as run
    from ttm_estimators.training.recipe import Recipe

    try:
        recipe = Recipe(
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            compile=compile,
            precision=precision,  # type: ignore[arg-type]
        )
        run(PRESETS[preset], recipe, output, workers=workers)
    except ValueError as error:
        raise InputError(str(error)) from error
    typer.echo(f"Wrote {output}. Forecast with it: ttm forecast DATA --horizon 48 --model {output}")
