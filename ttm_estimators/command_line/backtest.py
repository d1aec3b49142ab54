"""``ttm backtest``: models compared on the last windows of a file of series."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ttm_estimators.command_line.dataset import (
    OnError,
    Scheduler,
    WhatOnError,
    Workers,
    is_dataset,
    refuse_for_files,
    tell_files,
    working,
)
from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.options import (
    Calendar,
    Device,
    EscapeFormulas,
    Holidays,
    Horizon,
    KeepOutliers,
    Known,
    Model,
    reads_a_table,
    tell,
)
from ttm_estimators.command_line.output import check_escaping, check_output, show, writing
from ttm_estimators.tables.errors import TableError

if TYPE_CHECKING:
    from ttm_estimators.backtest.evaluation import Evaluation, Scores

DEFAULT_MODELS = "ttm,seasonal_naive,naive"


@reads_a_table
def backtest(
    data: Annotated[
        str,
        typer.Argument(
            help="CSV or Parquet file, which may be compressed (.gz), or - for standard input: id, "
            "time and value columns; time and value; or time and one column for each series. Or "
            "a folder, a glob or a URL of Parquet files."
        ),
    ],
    horizon: Horizon,
    windows: Annotated[int, typer.Option(min=1, help="Cutoffs of each series.")] = 5,
    step: Annotated[
        int | None, typer.Option(min=1, help="Rows between cutoffs. Default: the horizon.")
    ] = None,
    models: Annotated[
        str,
        typer.Option(
            help="What to compare, separated by commas: ttm, ttm-finetuned, seasonal_naive, naive, "
            "or paths of sktime's and GluonTS's forecasters, such as "
            "sktime.forecasting.theta.ThetaForecaster(sp=12). Arguments may follow in brackets."
        ),
    ] = DEFAULT_MODELS,
    known: Known = None,
    calendar: Calendar = False,
    holidays: Holidays = None,
    season: Annotated[
        int | None, typer.Option(min=1, help="Steps in a season. Default: by the frequency.")
    ] = None,
    quantiles: Annotated[
        str | None, typer.Option(help="Quantile levels such as 0.1,0.5,0.9. Default: deciles.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="File for all forecasts: .csv or .parquet. Of a folder: the folder for them."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Page for a browser: .html.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder for finished parts, from which an interrupted run goes on."),
    ] = None,
    model: Model = None,
    reading: Any = None,
    keep_outliers: KeepOutliers = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of fine-tuning and of other libraries.")] = 0,
    escape_formulas: EscapeFormulas = False,
    device: Device = "cpu",
    workers: Workers = None,
    scheduler: Scheduler = None,
    on_error: WhatOnError = OnError.STOP,
) -> None:
    """Compare models on the last windows of the series of a file, or of a folder of Parquet files.

    Each window is forecast from the rows before it, and scored: MASE, weighted quantile loss,
    coverage of the band of the outermost quantiles, and bias. One sentence says which model to use
    and how sure that is.

    The result of --output has the id columns, cutoff, time, y, and for each model its median and a
    column for each quantile level: ttm, ttm-0.1. Of a folder it is one with a file for each, and
    _scores has those of each series.
    """
    if is_dataset(data, output):
        _backtest_folder(
            data,
            output,
            horizon,
            refused={
                "--report": report,
                "--folder": folder,
                "--escape-formulas": escape_formulas or None,
            },
            scheduler=scheduler,
            workers=workers,
            windows=windows,
            step=step,
            models=models,
            model=model,
            device=device,
            on_error=on_error.value,
            quantiles=quantiles,
            known=known or (),
            calendar=calendar,
            holidays=holidays,
            season=season,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
            seed=seed,
            **reading,
        )
        return
    refuse_for_files(workers, scheduler, on_error)
    _backtest_file(
        Path(data),
        None if output is None else Path(output),
        horizon,
        reading,
        report=report,
        folder=folder,
        escape_formulas=escape_formulas,
        model=model,
        device=device,
        windows=windows,
        step=step,
        models=models,
        quantiles=quantiles,
        known=known or (),
        calendar=calendar,
        holidays=holidays or None,
        season=season,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
        seed=seed,
    )


def _backtest_folder(
    data: str,
    output: str | None,
    horizon: int,
    *,
    refused: Mapping[str, Any],
    scheduler: str | None,
    workers: int | None,
    holidays: list[str] | None,
    quantiles: str | None,
    **options: Any,
) -> None:
    """Backtest Parquet files to a folder."""
    with working(
        data, output, refused=refused, scheduler=scheduler, workers=workers, holidays=holidays
    ) as client:
        from ttm_estimators.command_line.running import parse_levels
        from ttm_estimators.dataset.backtest import cross_validation_dataset
        from ttm_estimators.network.presets import DECILES

        result = cross_validation_dataset(
            data,
            str(output),
            horizon,
            client=client,
            workers=workers,
            holidays=holidays or None,
            progress=True,
            quantile_levels=parse_levels(quantiles) or DECILES,
            **options,
        )
    _show(result)
    tell_files(result.manifest, str(output), f"horizon {horizon}, {options['windows']} windows")


def _backtest_file(
    data: Path,
    output: Path | None,
    horizon: int,
    reading: Mapping[str, Any],
    *,
    report: Path | None,
    folder: Path | None,
    escape_formulas: bool,
    model: str | None,
    device: str,
    quantiles: str | None,
    **options: Any,
) -> None:
    """Backtest a file in memory."""
    models, holidays = options["models"], options["holidays"]
    check_output(output, "--output", (".csv", ".parquet"))
    check_escaping(escape_formulas, output)
    check_output(report, "--report", (".html",))
    if output is not None and os.path.realpath(output) == os.path.realpath(data):
        raise InputError(f"--output {output} would replace the data: choose another name")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"--folder {folder} is a file: name a folder")
    if report is not None:
        require("vl_convert", "report", "--report")
        require("jinja2", "report", "--report")
    if "ttm-finetuned" in models:
        require("lightning", "train", "fine-tuning")
    if holidays:
        require("holidays", "holidays", "--holidays")
    from ttm_estimators.command_line.running import load_model, parse_levels
    from ttm_estimators.network.presets import DECILES

    levels = parse_levels(quantiles) or DECILES
    lists = ("time", "id", "value")
    table_options = {
        name: given or () if name in lists else given for name, given in reading.items()
    }
    forecaster = load_model(model, device)
    if model not in (None, forecaster.source):
        typer.echo(f"Model {forecaster.source}")
    result = _run(
        data,
        horizon,
        table_options,
        model=forecaster,
        quantile_levels=levels,
        folder=folder,
        **options,
    )
    with writing(result.frame, output, report, escape_formulas=escape_formulas) as page:
        if page is not None:
            result.report(page, title=f"Backtest of {data.name}")
    _show(result)
    for file in filter(None, (output, report)):
        typer.echo(f"Wrote {file}")


def _run(data: Path, horizon: int, reading: Any, **options: Any) -> Evaluation:
    """Forecast and score, where warnings are lines and what a user can mend is an error."""
    from ttm_estimators.backtest.cross_validation import cross_validate
    from ttm_estimators.backtest.evaluation import evaluate_panel
    from ttm_estimators.forecasting import OutlierWarning
    from ttm_estimators.tables.errors import TableWarning
    from ttm_estimators.tables.files import read_file
    from ttm_estimators.tables.reading import Reading

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = read_file(data, headless=reading["no_time"])
            frame, panel = cross_validate(
                table,
                Reading(**reading),
                horizon,
                progress=True,
                tell_panel=lambda panel: tell(data, panel),
                **options,
            )
            result = evaluate_panel(
                frame, panel, season=options["season"], keep_outliers=options["keep_outliers"]
            )
    except TableError:
        raise
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from error
    finally:  # a model may fail for what a warning tells, such as readings taken as missing
        for one in {str(each.message): each for each in caught}.values():
            if issubclass(one.category, (TableWarning, OutlierWarning)):
                told = str(one.message).replace("set keep_outliers=True", "give --keep-outliers")
                told = re.sub(r"\bseason=(\d)", r"--season \1", told)
                typer.echo(f"warning: {told}", err=True)
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return result


def _show(result: Scores) -> None:
    """Print the models, the sentence and the worst series."""
    from ttm_estimators.backtest.evaluation import band_name

    heads = {str(name): str(name) for name in result.models}
    if result.band is not None:
        heads["coverage"] = f"in {band_name(result.band)} band"
    table = Table(
        caption=f"Relative to {result.baseline}: geometric means over series. Less is better."
    )
    table.add_column("model")
    for head in heads.values():
        table.add_column(head, justify="right")
    for name, row in result.models.iterrows():
        table.add_row(escape(str(name)), *(_cell(key, row[key]) for key in heads))
    show(table)
    typer.echo(result.advice)
    if result.worst_told:
        typer.echo(result.worst_told)


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.1%}" if name in ("coverage", "bias") else f"{value:.3f}"
