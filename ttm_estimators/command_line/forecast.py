"""``ttm forecast``: a file of series in, a file of quantiles out."""

from __future__ import annotations

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
    forecast_folder,
    is_dataset,
    refuse_for_files,
)
from ttm_estimators.command_line.options import (
    Calendar,
    Device,
    EscapeFormulas,
    Future,
    Holidays,
    Horizon,
    KeepOutliers,
    Known,
    Model,
    reads_a_table,
    tell,
)
from ttm_estimators.command_line.output import check_escaping, number_format, show, writing
from ttm_estimators.command_line.running import (
    check_files,
    drawn_of,
    index_of,
    load_model,
    model_name,
    parse_levels,
    read_for,
    run,
    tell_effects,
)

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS_SHOWN = 12
MAX_LEVELS_SHOWN = 3


@reads_a_table
def forecast(
    data: Annotated[
        str,
        typer.Argument(
            help="CSV or Parquet file, which may be compressed (.gz), or - for standard input: id, "
            "time and value columns; time and value; or time and one column for each series. Or "
            "a folder, a glob or a URL of Parquet files."
        ),
    ],
    horizon: Horizon,
    output: Annotated[
        str | None,
        typer.Option(
            help="File to write: .csv or .parquet. Default: show a table. Of a folder: the folder "
            "for its forecasts."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of a series: .png, .svg or .pdf.")
    ] = None,
    plot_series: Annotated[
        str | None, typer.Option(help="Series to draw. Default: the first.")
    ] = None,
    quantiles: Annotated[
        str | None,
        typer.Option(help="Quantile levels such as 0.1,0.5,0.9. Default: the model's own."),
    ] = None,
    known: Known = None,
    future: Future = None,
    calendar: Calendar = False,
    holidays: Holidays = None,
    model: Model = None,
    reading: Any = None,
    keep_outliers: KeepOutliers = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 256,
    escape_formulas: EscapeFormulas = False,
    device: Device = "cpu",
    workers: Workers = None,
    scheduler: Scheduler = None,
    on_error: WhatOnError = OnError.STOP,
) -> None:
    """Forecast the series of a file, or of a folder of Parquet files.

    The result has the id columns (or "variable", where several value columns were forecast), the
    time, the median, and a column for each quantile level, named as the level: 0.1. An empty value
    is missing. Every series is forecast from its own last row. Single readings that are impossible
    by the rest of their series are taken as missing, and a warning says so.

    Covariates that are known in the future, and the calendar, are used zero-shot: no network is
    trained, and a series uses them where they lower the error on its own past. Their future is in
    the rows after the last value of a series, or in --future. A model that was fine-tuned with
    covariates finds them in columns of the same names.

    Of a folder, each Parquet file is forecast to one of its name in --output, in little memory.
    What is done is skipped when the command is given again. _manifest.parquet there lists files,
    series that could not be forecast, and why.
    """
    levels = parse_levels(quantiles)
    if is_dataset(data, output):
        forecast_folder(
            data,
            output,
            horizon,
            reading,
            refused={
                "--plot": plot,
                "--plot-series": plot_series,
                "--future": future,
                "--escape-formulas": escape_formulas or None,
            },
            scheduler=scheduler,
            workers=workers,
            on_error=on_error.value,
            model=model,
            quantile_levels=levels,
            known=known or (),
            calendar=calendar,
            holidays=holidays,
            keep_outliers=keep_outliers,
            batch_size=batch_size,
            device=device,
        )
        return
    refuse_for_files(workers, scheduler, on_error)
    file, written = Path(data), None if output is None else Path(output)
    check_files(file, future, written, plot, plot_series)
    check_escaping(escape_formulas, written)
    # pandas and torch are imported from here on, so that help is quick.
    from ttm_estimators.tables.forecast import forecast_panel
    from ttm_estimators.tables.panel import summary

    wanted: dict[str, Any] = {
        "known": known or (),
        "calendar": calendar,
        "holidays": holidays or None,
    }
    panel = read_for(model, file, reading, future=future, **wanted)
    index = index_of(panel, plot_series)
    forecaster = load_model(model, device)
    tell(file, panel, future)
    frame, result = run(
        forecast_panel,
        forecaster,
        panel,
        horizon,
        **wanted,
        quantile_levels=levels,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
    )
    told = f"{summary(panel, horizon)}, model {model_name(model)}"
    with writing(frame, written, plot, escape_formulas=escape_formulas) as picture:
        if picture is not None:
            from ttm_estimators.command_line.plot import draw

            draw(picture, panel, result, model_name(model), index)
    if output is None:
        _show(frame, result.levels, horizon, told)
    drawn = f"{horizon} steps of {drawn_of(panel, index)}, model {model_name(model)}"
    for each, what in ((written, told), (plot, drawn)):
        if each is not None:
            typer.echo(f"Wrote {each}: {what}")
    tell_effects(panel, result)


def _show(frame: pd.DataFrame, levels: tuple[float, ...], horizon: int, title: str) -> None:
    """Print the first rows, of many quantiles only the outer ones."""
    shown = levels if len(levels) <= MAX_LEVELS_SHOWN else (min(levels), max(levels))
    numbers = ["median", *(str(level) for level in shown)]
    labels = list(frame.columns[: -1 - len(levels)])
    table = Table()
    for name in labels:
        table.add_column(escape(name))
    for name in numbers:
        table.add_column(name, justify="right")
    head = frame.head(MAX_ROWS_SHOWN)
    for _, series in head.groupby(head.index // horizon):
        form = number_format(float(series[numbers].abs().to_numpy().max()))
        for label, values in zip(
            series[labels].astype(str).to_numpy(), series[numbers].to_numpy(), strict=True
        ):
            table.add_row(*map(escape, label), *(f"{value:{form}}" for value in values))
    typer.echo(title)
    show(table)
    typer.echo(
        f"{len(head)} of {len(frame)} rows, {len(shown)} of {len(levels)} quantiles; "
        "save all with --output forecast.csv"
    )
