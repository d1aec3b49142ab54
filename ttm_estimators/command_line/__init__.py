"""The ``ttm`` command: forecast a file, fine-tune a model on one, list, pre-train."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ttm_estimators import __version__
from ttm_estimators.command_line.backtest import backtest
from ttm_estimators.command_line.corpus import corpus
from ttm_estimators.command_line.detect import detect
from ttm_estimators.command_line.errors import InputError, OneLineErrors
from ttm_estimators.command_line.example import example
from ttm_estimators.command_line.explain import explain
from ttm_estimators.command_line.export import export
from ttm_estimators.command_line.finetune import finetune
from ttm_estimators.command_line.forecast import forecast
from ttm_estimators.command_line.models import models
from ttm_estimators.command_line.partition import partition
from ttm_estimators.command_line.pretrain import pretrain
from ttm_estimators.signals import ended_by_signals

app = typer.Typer(
    cls=OneLineErrors,
    help="Forecast time series with TinyTimeMixers.",
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
COMMANDS = (
    example,
    forecast,
    explain,
    detect,
    backtest,
    partition,
    finetune,
    export,
    models,
    pretrain,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(corpus, name="corpus")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Forecast time series with TinyTimeMixers."""


def main() -> None:
    """Run the ``ttm`` command."""
    # Read when torch is loaded. Threads that spin while they wait take ten times as long as one
    # where other programs have the processors, and five times the processor time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    with ended_by_signals():
        app(prog_name="ttm")


__all__ = ["InputError", "app", "main"]
