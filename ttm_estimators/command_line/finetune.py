"""``ttm finetune``: a file of series in, a weights folder that fits them out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ttm_estimators.atomic import remove_abandoned
from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.options import (
    Columns,
    Data,
    Device,
    Horizon,
    KeepOutliers,
    Known,
    Model,
    read_data,
    reads_a_table,
    tell,
    warn_of,
)
from ttm_estimators.tables.errors import TableError

if TYPE_CHECKING:
    from ttm_estimators.training.fine_tuning.config import FineTuneConfig
    from ttm_estimators.training.fine_tuning.result import FineTuneResult

DEFAULT_MINUTES = 2.0
DEFAULT_STEPS = 1000
"""What is kept where neither minutes nor steps are given."""

CHECKPOINT = "fine_tuning.ckpt"
"""File that an interrupted run is resumed from."""


@reads_a_table
def finetune(
    data: Data,
    horizon: Horizon,
    output: Annotated[Path, typer.Option(help="Folder for the weights and their card.")],
    known: Known = None,
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
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Minutes at most, over everything. Default: 2, or no limit with --steps."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Exactly this many steps, or fewer if --minutes ends first. "
            "Default: 1,000 at most, fewer where they no longer help.",
        ),
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Windows to train on at most.")] = 10_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows in a step.")] = 64,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Peak learning rate. Default: the best of four in a short trial."),
    ] = None,
    head_dropout: Annotated[
        float | None, typer.Option(help="Default: 0.7 for fewer than 1,000 windows.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of windows, their order and dropout.")] = 0,
    model: Model = None,
    reading: Any = None,
    keep_outliers: KeepOutliers = False,
    device: Device = "cpu",
) -> None:
    """Fine-tune a model on the series of a file.

    The last part of each series chooses among weights: what does not forecast it better than the
    model did before is not kept. It takes two minutes at most, see --minutes. An interrupted run
    resumes when it is started again. Rows after the last value of a series may hold covariates of
    its future. Calendars and holidays are not learnt: ttm forecast uses them, with weights that
    have learnt no covariates.
    """
    began = time.perf_counter()
    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: name a folder")
    require("lightning", "train", "fine-tuning")
    from ttm_estimators.forecasting import OutlierWarning
    from ttm_estimators.inputs.outliers import KeptCodesWarning
    from ttm_estimators.tables.fine_tune import fine_tune_panel
    from ttm_estimators.training.fine_tuning.config import FineTuneConfig
    from ttm_estimators.weights import DEFAULT, load_network, resolve
    from ttm_estimators.weights.folder import WEIGHTS_FILE
    from ttm_estimators.weights.hub import pinned

    if output.is_dir():
        remove_abandoned(output.absolute())
    replaced = (output / WEIGHTS_FILE).exists()
    if not replaced and not (output / CHECKPOINT).exists() and _holds_files(output):
        raise InputError(f"{output} holds other files than weights: name another folder")
    panel = read_data(
        data,
        **reading,
        known=known,
        past=past,
        static=static,
    )
    # Steps that were asked for are taken, whether they help or not.
    patience = {} if steps is None else {"patience": steps}
    try:
        settings = FineTuneConfig(
            minutes=minutes,
            **patience,
            strategy=strategy,  # type: ignore[arg-type]
            mix_channels=mix_channels,
            windows=windows,
            steps=steps or DEFAULT_STEPS,
            batch_size=batch_size,
            learning_rate=learning_rate,
            head_dropout=head_dropout,
            keep_outliers=keep_outliers,
            seed=seed,
        )
        network = load_network(resolve(model))
        tell(data, panel)
        left = settings
        if minutes is not None:  # imports and the table took some
            used = (time.perf_counter() - began) / 60
            left = replace(settings, minutes=max(minutes - used, minutes / 2))
        with warnings.catch_warnings(), _making(output):
            warnings.simplefilter("ignore", OutlierWarning)  # told below
            warnings.simplefilter("default", KeptCodesWarning)
            tuned = fine_tune_panel(
                network,
                panel,
                horizon,
                known=known or (),
                past=past or (),
                static=static or (),
                settings=left,
                checkpoint=output / CHECKPOINT,
                progress=True,
                **_trainer_options(device),
            )
    except TableError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from error
    warn_of(tuned.outliers, panel, panel.variables if mix_channels else 1)
    tuned.save(
        output,
        start=pinned(model or DEFAULT),
        horizon=horizon,
        fine_tuning=_settings(settings, tuned),
    )
    (output / CHECKPOINT).unlink(missing_ok=True)
    typer.echo(str(tuned))
    typer.echo(
        f"{'Replaced' if replaced else 'Wrote'} {output}. Forecast with it: "
        f"ttm forecast DATA --horizon {horizon} --model {output}"
    )


@contextmanager
def _making(folder: Path) -> Iterator[None]:
    """Make a folder, and remove it again where a block that fails has written nothing there."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if made and not _holds_files(folder):
            folder.rmdir()
        raise


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _trainer_options(device: str) -> dict[str, Any]:
    kind, _, number = device.partition(":")
    options: dict[str, Any] = {"accelerator": {"cuda": "gpu"}.get(kind, kind)}
    if number:
        options["devices"] = [int(number)]
    return options


def _settings(settings: FineTuneConfig, tuned: FineTuneResult) -> dict[str, Any]:
    return {**asdict(settings), "learning_rate": tuned.learning_rate}
