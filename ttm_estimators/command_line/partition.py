"""``ttm partition``: rows of any order to files in which each series is whole."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ttm_estimators.command_line.errors import InputError


def partition(
    source: Annotated[
        str,
        typer.Argument(
            help="Parquet files: a folder, a glob, a file or a URL; or CSV files: a glob or a file."
        ),
    ],
    output: Annotated[
        str, typer.Argument(metavar="OUT", help="Folder to write, which is not there yet.")
    ],
    files: Annotated[int, typer.Option(min=1, help="Files to write. Each is sorted in memory.")],
    id: Annotated[
        list[str] | None, typer.Option(help="Column that tells series apart; may be given again.")
    ] = None,
) -> None:
    """Put the rows of each series side by side, as forecasts of a folder need them.

    A hash of the id tells the file of a series, the same at every run and on every machine. Files
    are sorted by id; rows of a series keep their order. The source may be larger than memory.
    """
    from ttm_estimators.dataset.partition import partition as part  # imports pyarrow

    if "://" not in output and Path(output).is_file():
        raise InputError(f"{output} is a file: name a folder")
    try:
        done = part(source, output, files, id=tuple(id or ()))
    except OSError as error:
        raise InputError(str(error)) from error
    ids = " ".join(f"--id {shlex.quote(name)}" for name in done.id)
    asked = f" (of {files}: no series falls into the others)" if done.files < files else ""
    typer.echo(
        f"Wrote {done.files} file{'s' if done.files > 1 else ''}{asked} to {output}: {done.rows} "
        f"rows of {done.series} series, by {' and '.join(map(repr, done.id))}"
    )
    typer.echo(
        f"Forecast them with: ttm forecast {shlex.quote(output)} {ids} --horizon 24 "
        "--output forecasts (and --value COLUMN, where several columns are numbers)"
    )
