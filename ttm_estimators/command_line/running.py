"""A file that is read for a model, and the model that forecasts it: for more than one command."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.options import read_data, warn_of
from ttm_estimators.command_line.output import check_output
from ttm_estimators.tables.errors import TableError, quoted

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.forecasting import Forecast, Forecaster
    from ttm_estimators.inputs.covariates import Roles
    from ttm_estimators.tables.panel import Panel


def check_files(
    data: Path, future: Path | None, output: Path | None, plot: Path | None, series: str | None
) -> None:
    """Refuse files to write that can not be, before any work is done.

    Raises
    ------
    InputError
        When a path can not be written, or would replace what is read.
    """
    check_output(output, "--output", (".csv", ".parquet"))
    check_output(plot, "--plot", (".png", ".svg", ".pdf"))
    for read in (data, future):
        if output is None or read is None:
            continue
        if os.path.realpath(output) == os.path.realpath(read):
            raise InputError(f"--output {output} would replace the data: choose another name")
    if plot is not None:
        require("matplotlib", "plot", "--plot")
    elif series is not None:
        raise InputError("--plot-series needs --plot with a file to draw to")


def read_for(
    model: str | None,
    data: Path,
    reading: Mapping[str, Any],
    *,
    future: Path | None,
    known: list[str] | None,
    calendar: bool,
    holidays: list[str] | None,
) -> Panel:
    """Read a file with the covariates that a model was fine-tuned with, or that are named."""
    if holidays:
        require("holidays", "holidays", "--holidays")
    from ttm_estimators.tables.covariates import roles_of

    roles = roles_of(roles_of_model(model), known or (), calendar=calendar or bool(holidays))
    if future is not None and not roles.known:
        raise InputError("--future needs --known with the covariates that it holds")
    return read_data(
        data,
        future,
        **reading,
        known=roles.known,
        past=roles.past,
        static=tuple(roles.static),
    )


def model_name(model: str | None) -> str:
    """Name of a model for messages, on the hub with its commit."""
    from ttm_estimators.weights import DEFAULT
    from ttm_estimators.weights.hub import is_address, pinned

    if model is None:
        return DEFAULT
    return pinned(model) if is_address(model) else Path(model).name


def parse_levels(text: str | None) -> tuple[float, ...] | None:
    """Quantile levels of a text such as 0.1,0.5,0.9."""
    if text is None:
        return None
    try:
        levels = tuple(float(one) for one in text.split(","))
    except ValueError:
        raise InputError(f"--quantiles {text!r}: give numbers such as 0.1,0.5,0.9") from None
    if not all(0 < level < 1 for level in levels) or len(set(levels)) < len(levels):
        raise InputError(f"--quantiles {text!r}: give different levels between 0 and 1")
    return levels


def index_of(panel: Panel, name: str | None) -> int:
    """Which series is to be drawn."""
    names = [series.name for series in panel.series]
    if name is None:
        return 0
    if name not in names:
        raise InputError(f"there is no series {name!r} to draw, only {quoted(names)}")
    return names.index(name)


def drawn_of(panel: Panel, index: int) -> str:
    """Which series a picture shows."""
    count = len(panel.series)
    more = f" (one of {count}, see --plot-series)" if count > 1 else ""
    return f"series {panel.series[index].name!r}{more}"


def load_model(model: str | None, device: str) -> Forecaster:
    """Load a model, with the names of its covariates."""
    from ttm_estimators.forecasting import load

    try:
        forecaster = load(model)
        if device == "cpu":
            return forecaster
        try:
            return load(model, device=device)
        except (AssertionError, ImportError, RuntimeError) as error:  # of torch, of a device
            raise InputError(f"device {device!r} can not be used: {error}") from error
    except (ImportError, ValueError) as error:
        raise InputError(str(error)) from error


@contextmanager
def answering(forecaster: Forecaster, what: str) -> Iterator[None]:
    """Make errors for the command line of what goes wrong while a model runs on ``what``."""
    try:
        yield
    except TableError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from error
    except MemoryError as error:
        raise InputError(
            f"{what} need more memory than there is: forecast fewer at once"
        ) from error
    except RuntimeError as error:  # torch's way to run out of memory, for one
        if str(forecaster.device) == "cpu":
            raise
        raise InputError(
            f"device {str(forecaster.device)!r} failed, use --device cpu or a smaller "
            f"--batch-size: {error}"
        ) from error


def run(
    forecast: Callable[..., tuple[pd.DataFrame, Forecast]],
    forecaster: Forecaster,
    panel: Panel,
    horizon: int,
    **options: Any,
) -> tuple[pd.DataFrame, Forecast]:
    """Forecast a panel; what goes wrong is an error for the command line."""
    from ttm_estimators.inputs.outliers import KeptCodesWarning
    from ttm_estimators.tables.ahead import doubts
    from ttm_estimators.tables.covariates import roles_of

    own = forecaster.roles
    known = roles_of(own, options["known"]).known
    for doubt in doubts(panel, horizon, known, learnt=bool(own.known)):
        typer.echo(f"warning: {doubt}", err=True)
    progress = len(panel.series) > options["batch_size"] and sys.stderr.isatty()
    with (
        answering(forecaster, f"{horizon} steps of {len(panel.series)} series"),
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always")
        frame, result = forecast(forecaster, panel, horizon, progress=progress, **options)
    for each in told:
        if each.category in (UserWarning, KeptCodesWarning):
            told_so = str(each.message).replace("set keep_outliers=True", "give --keep-outliers")
            typer.echo(f"warning: {told_so}", err=True)
    warn_of(result.outliers, panel)
    return frame, result


def tell_effects(panel: Panel, result: Forecast) -> None:
    """Print whether covariates are used, and what they gain."""
    from ttm_estimators.tables.effects import describe

    if result.effects:
        typer.echo(describe(result.effects, [series.name for series in panel.series]))


def roles_of_model(model: str | None) -> Roles:
    """Give the roles of the covariates that a model was fine-tuned with."""
    from ttm_estimators.forecasting.forecaster import read_roles
    from ttm_estimators.inputs.covariates import Roles
    from ttm_estimators.weights import resolve
    from ttm_estimators.weights.shipped import is_onnx_file

    if is_onnx_file(model):
        return Roles()

    try:
        return read_roles(resolve(model))
    except ValueError as error:
        raise InputError(str(error)) from error
