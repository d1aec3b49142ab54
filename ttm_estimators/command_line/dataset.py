"""Folders of Parquet files for the command line, which do not fit into memory."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ttm_estimators.command_line.errors import InputError, as_options, require
from ttm_estimators.command_line.running import model_name
from ttm_estimators.tables.errors import TableError

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

SECONDS_TO_CONNECT = 10
"""Seconds after which a scheduler is taken to be absent."""

MAX_FAULTS_SHOWN = 3
"""Files or series with errors that are told of; the manifest has them all."""


class OnError(str, Enum):
    """What becomes of a run where a file or series can not be used."""

    STOP = "stop"
    RECORD = "record"


Workers = Annotated[
    int | None, typer.Option(min=1, help="Of a folder: processes of this machine to work in.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Of a folder: Dask cluster to work on, such as tcp://10.0.0.1:8786."),
]
WhatOnError = Annotated[
    OnError,
    typer.Option(
        help="Of a folder: whether what can not be forecast ends the run, or is noted in the "
        "manifest."
    ),
]


def is_dataset(data: str, output: str | None) -> bool:
    """Whether files are read one by one: of a folder, glob or URL, or one to a folder.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    path = Path(data)
    is_there = data == "-" or path.exists()
    if "://" in data or path.is_dir() or (any(sign in data for sign in "*?[") and not is_there):
        return True
    if not (is_there or path.suffix):
        raise InputError(f"{data} does not exist")
    to_folder = output is not None and (
        "://" in output or output.endswith("/") or Path(output).is_dir()
    )
    return to_folder and data.lower().endswith((".parquet", ".parq", ".pq"))


def refuse_for_files(workers: int | None, scheduler: str | None, on_error: OnError) -> None:
    """Refuse options that are of no use where a single file is read into memory.

    Raises
    ------
    InputError
        When one is given.
    """
    given = {
        "--workers": workers is not None,
        "--scheduler": scheduler is not None,
        "--on-error": on_error is not OnError.STOP,
    }
    for option, wanted in given.items():
        if wanted:
            raise InputError(f"{option} needs a folder of Parquet files, and a folder as --output")


@contextmanager
def working(
    data: str,
    output: str | None,
    *,
    refused: Mapping[str, Any],
    scheduler: str | None,
    workers: int | None,
    holidays: list[str] | None,
) -> Iterator[Client | None]:
    """Check options of a folder, and give a client of its cluster, if there is one.

    Raises
    ------
    InputError
        When an option is of no use or wrong.
    """
    for option, given in refused.items():
        if given is not None:
            raise InputError(f"{option} is for a single file, and {data} is read file by file")
    require("pyarrow", "parquet", data)
    if output is None:
        raise InputError(f"{data} is read file by file: name a folder for the results, --output")
    if output.lower().endswith((".csv", ".parquet")) or Path(output).is_file():
        raise InputError(f"--output {output} must be a folder, for {data} is read file by file")
    if workers is not None and scheduler is not None:
        raise InputError("--scheduler already has workers: leave --workers out")
    if workers is not None or scheduler is not None:
        require("distributed", "distributed", "--scheduler or --workers")
    if holidays:
        require("holidays", "holidays", "--holidays")
    with _telling(), _client(scheduler) as client:
        yield client


def forecast_folder(
    data: str,
    output: str | None,
    horizon: int,
    reading: Mapping[str, Any],
    *,
    refused: Mapping[str, Any],
    scheduler: str | None,
    workers: int | None,
    model: str | None,
    holidays: list[str] | None,
    **options: Any,
) -> None:
    """Forecast Parquet files to a folder, and tell what came of it.

    Raises
    ------
    InputError
        When an option is of no use or wrong.
    """
    with working(
        data,
        output,
        refused=refused,
        scheduler=scheduler,
        workers=workers,
        holidays=holidays,
    ) as client:
        from ttm_estimators.dataset.forecast_dataset import forecast_dataset

        manifest = forecast_dataset(
            data,
            str(output),
            horizon,
            client=client,
            workers=workers,
            model=model,
            progress=True,
            holidays=holidays or None,
            **reading,
            **options,
        )
    tell_files(manifest, str(output), f"horizon {horizon}, model {model_name(model)}")


def tell_files(manifest: pd.DataFrame, output: str, how: str) -> None:
    """Print what the output has now, and what could not be used.

    Raises
    ------
    InputError
        When nothing could.
    """
    series = int(manifest["series"].sum())
    files = int((manifest["rows"] > 0).sum())
    typer.echo(f"{output} has {_count(files, 'file')}, {series:,} series, {how}")
    _tell_faults(manifest, output)
    if not files:
        raise InputError("nothing could be forecast")


@contextmanager
def _telling() -> Iterator[None]:
    """Warnings as lines, and what a user can mend as an error of the command line."""
    from ttm_estimators.tables.errors import TableWarning

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except TableError:
        raise
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from error
    finally:
        for one in caught:
            if issubclass(one.category, TableWarning):
                told = as_options(str(one.message))
                told = told.replace("set keep_outliers=True", "give --keep-outliers")
                told = re.sub(r"\bseason=(\d)", r"--season \1", told)
                typer.echo(f"warning: {told}", err=True)


@contextmanager
def _client(scheduler: str | None) -> Iterator[Client | None]:
    if scheduler is None:
        yield None
        return
    from distributed import Client

    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {scheduler} can not be reached: {error}") from error
    with client:
        yield client


def _tell_faults(manifest: pd.DataFrame, output: str) -> None:
    """Print the first files and series that could not be used."""
    wrong = manifest[manifest["error"].notna() | manifest["failed"].map(len).gt(0)]
    files = int(manifest["error"].notna().sum())
    series = int(manifest["failed"].map(len).sum())
    faults: list[str] = []
    for row in wrong.head(MAX_FAULTS_SHOWN).to_dict("records"):
        faults += [f"{row['source']}: {row['error']}"] if row["error"] else []
        faults += [f"{row['source']}, {one['series']}: {one['reason']}" for one in row["failed"]]
    for fault in faults[:MAX_FAULTS_SHOWN]:
        typer.echo(f"warning: {as_options(fault)}", err=True)
    if faults:
        typer.echo(
            f"Not forecast: {_count(files, 'file')} and {series:,} series, see "
            f"{output.rstrip('/')}/_manifest.parquet",
            err=True,
        )


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
