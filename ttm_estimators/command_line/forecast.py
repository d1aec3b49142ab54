"""``ttm forecast``: a file of series in, a file of quantiles out."""

from __future__ import annotations

import math
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.options import (
    Data,
    Device,
    Horizon,
    KeepOutliers,
    Model,
    read_data,
    reads_a_table,
    tell,
    warn_of,
)
from ttm_estimators.command_line.output import check_output, replacing
from ttm_estimators.tables.errors import TableError, quoted

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.forecasting import Forecast, Forecaster
    from ttm_estimators.inputs.covariates import Roles
    from ttm_estimators.tables.panel import Panel

MAX_ROWS_SHOWN = 12
MAX_LEVELS_SHOWN = 3


@reads_a_table
def forecast(
    data: Data,
    horizon: Horizon,
    output: Annotated[
        Path | None, typer.Option(help="File to write: .csv or .parquet. Default: show a table.")
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
    model: Model = None,
    reading: Any = None,
    keep_outliers: KeepOutliers = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 256,
    device: Device = "cpu",
) -> None:
    """Forecast the series of a file.

    The result has the id columns (or "variable", where several value columns were forecast), the
    time, the median, and a column for each quantile level, named as the level: 0.1. An empty value
    is missing. Every series is forecast from its own last row. Single readings that are impossible
    by the rest of their series are taken as missing, and a warning says so.

    A model that was fine-tuned with covariates finds them in columns of the same names. Where some
    are known in the future, the rows after the last value of a series are its future.
    """
    check_output(output, "--output", (".csv", ".parquet"))
    check_output(plot, "--plot", (".png", ".svg", ".pdf"))
    if output is not None and output.resolve() == data.resolve():
        raise InputError(f"--output {output} would replace the data: choose another name")
    levels = _parse_levels(quantiles)
    if plot is not None:
        require("matplotlib", "plot", "--plot")
    elif plot_series is not None:
        raise InputError("--plot-series needs --plot with a file to draw to")
    # pandas and torch are imported from here on, so that help is quick.
    from ttm_estimators.tables.panel import summary

    roles = _roles(model)
    panel = read_data(
        data,
        **reading,
        known=roles.known,
        past=roles.past,
        static=tuple(roles.static),
    )
    index = _index_of(panel, plot_series) if plot is not None else 0
    frame, result = _run(
        _load(model, device),
        panel,
        horizon,
        quantile_levels=levels,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
    )
    tell(data, panel)
    told = f"{summary(panel, horizon)}, model {_name(model)}"
    with ExitStack() as writing:
        if output is not None:
            path = writing.enter_context(replacing(output))
            if output.suffix.lower() == ".csv":
                frame.to_csv(path, index=False)
            else:
                frame.to_parquet(path, index=False)
        if plot is not None:
            from ttm_estimators.command_line.plot import draw

            draw(writing.enter_context(replacing(plot)), panel, result, _name(model), index)
    if output is None:
        _show(frame, result.levels, horizon, told)
    for file in (output, plot):
        if file is not None:
            typer.echo(f"Wrote {file}: {told}")


def _parse_levels(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        levels = tuple(float(one) for one in text.split(","))
    except ValueError:
        raise InputError(f"--quantiles {text!r}: give numbers such as 0.1,0.5,0.9") from None
    if not all(0 < level < 1 for level in levels) or len(set(levels)) < len(levels):
        raise InputError(f"--quantiles {text!r}: give different levels between 0 and 1")
    return levels


def _name(model: str | None) -> str:
    from ttm_estimators.weights import DEFAULT

    return DEFAULT if model is None else Path(model).name


def _roles(model: str | None) -> Roles:
    from ttm_estimators.forecasting.forecaster import read_roles
    from ttm_estimators.weights import resolve

    try:
        return read_roles(resolve(model))
    except ValueError as error:
        raise InputError(str(error)) from error


def _index_of(panel: Panel, name: str | None) -> int:
    """Which series is to be drawn."""
    names = [series.name for series in panel.series]
    if name is None:
        return 0
    if name not in names:
        raise InputError(f"there is no series {name!r} to draw, only {quoted(names)}")
    return names.index(name)


def _load(model: str | None, device: str) -> Forecaster:
    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.weights import load_network, resolve

    try:
        network = load_network(resolve(model))
        try:
            return Forecaster(network, device=device, roles=_roles(model))
        except (AssertionError, RuntimeError) as error:  # torch's ways to refuse a device
            raise InputError(f"device {device!r} can not be used: {error}") from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _run(
    forecaster: Forecaster, panel: Panel, horizon: int, **options: Any
) -> tuple[pd.DataFrame, Forecast]:
    from ttm_estimators.forecasting import OutlierWarning
    from ttm_estimators.tables.forecast import forecast_panel

    progress = len(panel.series) > options["batch_size"] and sys.stderr.isatty()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutlierWarning)  # told below
            frame, result = forecast_panel(forecaster, panel, horizon, progress=progress, **options)
    except TableError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from error
    except MemoryError as error:
        raise InputError(
            f"{horizon} steps of {len(panel.series)} series need more memory than there is: "
            "forecast fewer at once"
        ) from error
    except RuntimeError as error:  # torch's way to run out of memory, for one
        if forecaster.device.type == "cpu":
            raise
        raise InputError(
            f"device {str(forecaster.device)!r} failed, use --device cpu or a smaller "
            f"--batch-size: {error}"
        ) from error
    warn_of(result.outliers, [f"series {series.name!r}" for series in panel.series])
    return frame, result


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
        form = _number_format(float(series[numbers].abs().to_numpy().max()))
        for label, values in zip(
            series[labels].astype(str).to_numpy(), series[numbers].to_numpy(), strict=True
        ):
            table.add_row(*map(escape, label), *(f"{value:{form}}" for value in values))
    typer.echo(title)
    Console().print(table)
    typer.echo(
        f"{len(head)} of {len(frame)} rows, {len(shown)} of {len(levels)} quantiles; "
        "save all with --output forecast.csv"
    )


def _number_format(largest: float) -> str:
    """Four digits of the largest number, for all numbers of a series."""
    if not 1e-4 <= largest < 1e9:
        return ".4g"
    return f",.{max(0, 3 - math.floor(math.log10(largest)))}f"
