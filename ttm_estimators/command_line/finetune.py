"""``ttm finetune``: a file of series in, a weights folder that fits them out."""

from __future__ import annotations

import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.options import (
    Data,
    DateFormat,
    Device,
    FillGaps,
    Freq,
    Horizon,
    Id,
    KeepOutliers,
    Model,
    Time,
    Value,
)

if TYPE_CHECKING:
    from ttm_estimators.command_line.covariates import Roles
    from ttm_estimators.training.fine_tuning import FineTuned, FineTuning

CHECKPOINT = "fine_tuning.ckpt"
"""What an interrupted run goes on from."""

Columns = list[str] | None


def finetune(
    data: Data,
    horizon: Horizon,
    output: Annotated[Path, typer.Option(help="Folder for the weights and their card.")],
    known: Annotated[
        Columns, typer.Option(help="Covariate known in the future; may be given again.")
    ] = None,
    past: Annotated[
        Columns, typer.Option(help="Covariate known in the past only; may be given again.")
    ] = None,
    static: Annotated[
        Columns, typer.Option(help="Category of a series; may be given again.")
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(help="What is trained: decoder (and head), head, bias or full."),
    ] = "decoder",
    mix_channels: Annotated[
        bool, typer.Option("--mix-channels", help="Let value columns of a series see each other.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps at most.")] = 1000,
    windows: Annotated[int, typer.Option(min=1, help="Windows to train on at most.")] = 10_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows in a step.")] = 64,
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak rate. Default: the best of four in a short trial.")
    ] = None,
    head_dropout: Annotated[
        float | None, typer.Option(help="Default: 0.7 for fewer than 1,000 windows.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of windows, their order and dropout.")] = 0,
    model: Model = None,
    time: Time = None,
    value: Value = None,
    id: Id = None,
    freq: Freq = None,
    date_format: DateFormat = None,
    fill_gaps: FillGaps = False,
    keep_outliers: KeepOutliers = False,
    device: Device = "cpu",
) -> None:
    """Fine-tune a model on the series of a file.

    The last part of each series chooses among weights: what does not forecast it better than the
    model did before is not kept. An interrupted run goes on when it is started again. Rows after
    the last value of a series may hold covariates of its future.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: name a folder")
    require("lightning", "train", "fine-tuning")
    from ttm_estimators.command_line.covariates import Roles, categories, members
    from ttm_estimators.command_line.frequency import parse_step
    from ttm_estimators.command_line.table import read_panel
    from ttm_estimators.forecasting import OutlierWarning
    from ttm_estimators.training.fine_tuning import FineTuning, fine_tune
    from ttm_estimators.weights import load_network, resolve, save_network

    panel = read_panel(
        data,
        time=time,
        ids=id or (),
        values=value or (),
        step=None if freq is None else parse_step(freq),
        date_format=date_format,
        fill_gaps=fill_gaps,
        known=known or (),
        past=past or (),
        static=static or (),
    )
    roles = Roles(known or (), past or (), categories(panel, static or ()))
    found = members(panel, roles, together=mix_channels and panel.variables > 1)
    try:
        settings = FineTuning(
            strategy=strategy,  # type: ignore[arg-type]
            mix_channels=mix_channels,
            windows=windows,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            head_dropout=head_dropout,
            keep_outliers=keep_outliers,
            seed=seed,
        )
        network = load_network(resolve(model))
        output.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutlierWarning)  # told below
            tuned = fine_tune(
                network,
                found.series,
                settings,
                horizon=horizon,
                covariates=found.covariates,
                checkpoint=output / CHECKPOINT,
                **_trainer_options(device),
            )
    except ValueError as error:
        raise InputError(found.with_names(str(error))) from error
    found.warn_of(tuned.outliers)
    save_network(tuned.network, output)
    _write_card(output, tuned, settings, roles, horizon, model)
    (output / CHECKPOINT).unlink(missing_ok=True)
    typer.echo(str(tuned))
    typer.echo(
        f"Wrote {output}. Forecast with it: ttm forecast DATA --horizon {horizon} --model {output}"
    )


def _trainer_options(device: str) -> dict[str, Any]:
    kind, _, number = device.partition(":")
    options: dict[str, Any] = {"accelerator": {"cuda": "gpu"}.get(kind, kind)}
    if number:
        options["devices"] = [int(number)]
    if sys.stderr.isatty():
        from lightning.pytorch.callbacks import RichProgressBar

        options |= {"enable_progress_bar": True, "callbacks": [RichProgressBar()]}
    return options


def _write_card(
    output: Path,
    tuned: FineTuned,
    settings: FineTuning,
    roles: Roles,
    horizon: int,
    model: str | None,
) -> None:
    from ttm_estimators.training.hardware import describe_hardware
    from ttm_estimators.training.run_folder import write
    from ttm_estimators.weights import DEFAULT
    from ttm_estimators.weights.shipped import CARD_FILE

    card = {
        "parameters": sum(tensor.numel() for tensor in tuned.network.parameters()),
        "start": model or DEFAULT,
        "horizon": horizon,
        "covariates": asdict(roles),
        "fine_tuning": {**asdict(settings), "learning_rate": tuned.learning_rate},
        "steps": tuned.steps,
        "windows": tuned.windows,
        "validation_windows": tuned.validation_windows,
        "validation_loss": tuned.loss,
        "zero_shot_validation_loss": tuned.zero_shot_loss,
        "share": tuned.share,
        "seconds": round(tuned.seconds, 1),
        "hardware": describe_hardware(1, 1, 0)[0],
    }
    write(output / CARD_FILE, card)
