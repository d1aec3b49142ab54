"""``ttm pretrain``: train a network as a recipe says and write its weights."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ttm_estimators.command_line.errors import InputError, require

UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

MAX_BUDGET_SECONDS = 365 * 86_400


def pretrain(
    recipe: Annotated[str, typer.Argument(help="YAML file, or the name of a shipped recipe.")],
    output: Annotated[Path, typer.Option(help="Folder for weights, checkpoints and logs.")],
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of parquet files with real series.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help='Time to train, such as "2h" or "1h30m", in place of the steps.'),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps, in place of the recipe's.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Shipped model, weights folder or hf:// address to start from."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make windows.")] = 1,
) -> None:
    """Pre-train a network on synthetic and real series.

    An interrupted run resumes from its last checkpoint when it is started again. One that has
    finished may be given more time or steps.
    """
    if budget is not None and steps is not None:
        raise InputError("--budget decides on the number of steps: leave out --steps")
    seconds = None if budget is None else _read_budget(budget)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: name a folder")
    # Read when torch is imported: windows of many lengths would leave a GPU's memory in pieces.
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    require("lightning", "train", "pre-training")
    from ttm_estimators.training.pretraining.pretrain import pretrain as run
    from ttm_estimators.training.pretraining.recipe_file import read_recipe
    from ttm_estimators.training.pretraining.run_folder import is_first_process
    from ttm_estimators.weights import read_card
    from ttm_estimators.weights.card import CARD_FILE

    try:
        network, settings = read_recipe(recipe)
        if steps is not None:
            settings = replace(settings, steps=steps)
        run(
            network,
            settings,
            output,
            corpus=corpus,
            budget=seconds,
            start=start,
            workers=workers,
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    if not is_first_process():
        return
    try:
        card = read_card(output)
        memory = card["peak_memory_gb"]
        told = (
            f"{card['steps']} steps in {card['hours']:.2f} hours on {card['hardware']}, "
            f"{card['windows_per_second']} windows a second"
            + (f", {memory:.1f} GB at most" if memory is not None else "")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{output / CARD_FILE} is damaged: remove it, and the same command writes it again"
        ) from error
    typer.echo(told)
    typer.echo(f"Wrote {output}. Forecast with it: ttm forecast DATA --horizon 48 --model {output}")


def _read_budget(text: str) -> float:
    """Seconds of a time such as ``1h30m``."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    seconds = sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not seconds > 0:
        raise InputError(f"--budget {text!r} is no time: write it as 2h, 90m or 1h30m")
    if seconds > MAX_BUDGET_SECONDS:
        raise InputError(f"--budget {text!r} is longer than a year")
    return seconds
