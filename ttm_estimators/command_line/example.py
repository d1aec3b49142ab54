"""``ttm example``: files to try every command on."""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from ttm_estimators.command_line.errors import InputError
from ttm_estimators.command_line.output import replacing
from ttm_estimators.example import FILES


def example() -> None:
    """Write example data into this folder: sales.csv and sales_future.csv.

    Two years of daily sales of three shops, made for this package, with price and promotion, and
    the prices and promotions of the four weeks after them. Files that exist are not replaced.
    """
    there = [file.name for file in FILES if Path(file.name).exists()]
    if there:
        verb = "exists" if len(there) == 1 else "exist"
        raise InputError(f"{' and '.join(there)} {verb} here: go to another folder")
    for file in FILES:
        with replacing(Path(file.name)) as partial:
            shutil.copyfile(file, partial)
    typer.echo(
        "Wrote sales.csv and sales_future.csv. Forecast them: "
        "ttm forecast sales.csv --horizon 28 --known price --known promotion "
        "--future sales_future.csv"
    )
