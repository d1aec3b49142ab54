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
from ttm_estimators.command_line.output import check_output, replacing

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.command_line.covariates import Roles
    from ttm_estimators.command_line.table import Panel
    from ttm_estimators.forecasting import Forecast, Forecaster

ROWS_SHOWN = 12
LEVELS_SHOWN = 3


def forecast(
    data: Data,
    horizon: Horizon,
    output: Annotated[
        Path | None, typer.Option(help="File to write: .csv or .parquet. Default: show a table.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of the first series: .png, .svg or .pdf.")
    ] = None,
    quantiles: Annotated[
        str | None, typer.Option(help="Levels such as 0.1,0.5,0.9. Default: the model's own.")
    ] = None,
    model: Model = None,
    time: Time = None,
    value: Value = None,
    id: Id = None,
    freq: Freq = None,
    date_format: DateFormat = None,
    fill_gaps: FillGaps = False,
    keep_outliers: KeepOutliers = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 256,
    device: Device = "cpu",
) -> None:
    """Forecast the series of a file.

    The result has the id columns (or "variable", where several value columns were forecast), the
    time, the median, and a column for each quantile level, named as the level: 0.1. An empty value
    is missing. Every series goes on from its own last row. Single readings that are impossible by
    the rest of their series are taken as missing, and a warning says so.

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
    # pandas and torch are imported from here on, so that help is quick.
    from ttm_estimators.command_line.covariates import read_roles
    from ttm_estimators.command_line.frequency import parse_step
    from ttm_estimators.command_line.table import read_panel

    roles = read_roles(model)
    panel = read_panel(
        data,
        time=time,
        ids=id or (),
        values=value or (),
        step=None if freq is None else parse_step(freq),
        date_format=date_format,
        fill_gaps=fill_gaps,
        known=roles.known,
        past=roles.past,
        static=tuple(roles.static),
    )
    forecaster = _load(model, device)
    try:
        futures = [series.future(horizon) for series in panel.series]  # may leave the calendar
        result = _run(forecaster, panel, roles, horizon, levels, batch_size, keep_outliers)
        frame = _to_frame(panel, futures, result)
    except MemoryError as error:
        raise InputError(
            f"{horizon} steps of {len(panel.series)} series need more memory than there is: "
            "forecast fewer at once"
        ) from error
    summary = f"{_describe(panel, horizon)}, model {_name(model)}"
    with ExitStack() as writing:
        if output is not None:
            path = writing.enter_context(replacing(output))
            if output.suffix.lower() == ".csv":
                frame.to_csv(path, index=False)
            else:
                frame.to_parquet(path, index=False)
        if plot is not None:
            from ttm_estimators.command_line.plot import draw

            draw(writing.enter_context(replacing(plot)), panel, result, _name(model))
    if output is None:
        _show(frame, result.levels, horizon, summary)
    for file in (output, plot):
        if file is not None:
            typer.echo(f"Wrote {file}: {summary}")


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


def _load(model: str | None, device: str) -> Forecaster:
    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.weights import load_network, resolve

    try:
        network = load_network(resolve(model))
        try:
            return Forecaster(network, device=device)
        except (AssertionError, RuntimeError) as error:  # torch's ways to refuse a device
            raise InputError(f"device {device!r} can not be used: {error}") from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _run(
    forecaster: Forecaster,
    panel: Panel,
    roles: Roles,
    horizon: int,
    levels: tuple[float, ...] | None,
    batch_size: int,
    keep_outliers: bool,
) -> Forecast:
    import numpy as np
    from einops import rearrange

    from ttm_estimators.command_line.covariates import members
    from ttm_estimators.forecasting import Forecast, OutlierWarning

    together = forecaster.config.tied_channels and len(forecaster.config.targets) > 1
    found = members(panel, roles, together=together)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutlierWarning)  # told below
            result = forecaster.forecast(
                found.series,
                horizon,
                covariates=found.covariates,
                quantile_levels=levels,
                batch_size=batch_size,
                keep_outliers=keep_outliers,
                names=found.quoted_names,
                progress=len(panel.series) > batch_size and sys.stderr.isatty(),
            )
    except ValueError as error:
        raise InputError(str(error)) from error
    except RuntimeError as error:  # torch's way to run out of memory, for one
        if forecaster.device.type == "cpu":
            raise
        raise InputError(
            f"device {str(forecaster.device)!r} failed, use --device cpu or a smaller "
            f"--batch-size: {error}"
        ) from error
    found.warn_of(result.outliers)
    if not together:
        return result
    # Channels become series of their own, as the panel has them.
    channels = result.point.shape[2]
    low, high = (
        rearrange(np.asarray(end), "n h v -> (n v) h") for end in (result.low, result.high)
    )
    return Forecast(
        rearrange(result.quantiles, "n h v l -> (n v) h l"),
        result.levels,
        rearrange(result.point, "n h v -> (n v) h"),
        low,
        high,
        tuple(
            each._replace(series=each.series * channels + (each.channel or 0), channel=None)
            for each in result.outliers
        ),
    )


def _to_frame(panel: Panel, futures: list[pd.Index[Any]], result: Forecast) -> pd.DataFrame:
    """Make the table that is written: a row for each series and step."""
    horizon = result.point.shape[1]
    frame = panel.keys.loc[panel.keys.index.repeat(horizon)].reset_index(drop=True)
    columns: list[tuple[str, Any]] = [
        (panel.time, futures[0].append(futures[1:])),
        ("median", result.point.ravel()),
        *((str(level), result.quantiles[..., i].ravel()) for i, level in enumerate(result.levels)),
    ]
    for name, column in columns:
        if name in frame:
            raise InputError(f"column {name!r} has the name of a column of the result: rename it")
        frame[name] = column
    return frame


def _describe(panel: Panel, horizon: int) -> str:
    from ttm_estimators.command_line.frequency import describe

    count = len(panel.series)
    which = f"series {panel.series[0].name!r}" if count == 1 else f"{count} series"
    frequencies = dict.fromkeys(describe(series.step) for series in panel.series)
    return f"{horizon} steps of {which}, frequency {', '.join(frequencies)}"


def _show(frame: pd.DataFrame, levels: tuple[float, ...], horizon: int, title: str) -> None:
    """Print the first rows, of many quantiles only the outer ones."""
    shown = levels if len(levels) <= LEVELS_SHOWN else (min(levels), max(levels))
    numbers = ["median", *(str(level) for level in shown)]
    labels = list(frame.columns[: -1 - len(levels)])
    table = Table()
    for name in labels:
        table.add_column(escape(name))
    for name in numbers:
        table.add_column(name, justify="right")
    head = frame.head(ROWS_SHOWN)
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
