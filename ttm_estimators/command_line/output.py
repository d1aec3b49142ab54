"""Output files: refused before any work is done, and replaced when it is."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ttm_estimators import atomic
from ttm_estimators.command_line.errors import InputError, reason_of, require

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


MAX_TABLE_LETTERS = 1000
"""Width of a table that is not for a terminal."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that spreadsheets run (OWASP, "CSV injection")."""


def check_output(path: Path | None, option: str, suffixes: tuple[str, ...]) -> None:
    """Refuse a path that can not be written, before any work is done.

    Raises
    ------
    InputError
        When its extension is none of ``suffixes`` or its folder does not exist.
    """
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{option} {path}: the file name must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise InputError(f"{option} {path}: the folder {path.parent} does not exist")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"{option} {path} can not be written")
    if path.suffix.lower() == ".parquet":
        require("pyarrow", "parquet", f"{option} {path}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """As :func:`ttm_estimators.atomic.replacing`, with an error for the command line.

    Raises
    ------
    InputError
        When the file can not be written.
    """
    try:
        with atomic.replacing(path) as partial:
            yield partial
    except OSError as error:
        raise InputError(f"{path} can not be written: {reason_of(error)}") from error


@contextmanager
def writing(
    frame: pd.DataFrame, output: Path | None, plot: Path | None, *, escape_formulas: bool = False
) -> Iterator[Path | None]:
    """Give a path aside for a picture, if one is wanted; both files are replaced after the block.

    Formulas are escaped in a CSV file.

    Raises
    ------
    InputError
        When a file can not be written.
    """
    with ExitStack() as files:
        if output is not None:
            path = files.enter_context(replacing(output))
            if output.suffix.lower() == ".csv":
                (escaped(frame) if escape_formulas else frame).to_csv(path, index=False)
            else:
                frame.to_parquet(path, index=False)
        yield files.enter_context(replacing(plot)) if plot is not None else None


def check_escaping(escape_formulas: bool, output: Path | None) -> None:
    """Refuse to escape formulas where no CSV file is written.

    Raises
    ------
    InputError
        When there is none.
    """
    if escape_formulas and (output is None or output.suffix.lower() != ".csv"):
        raise InputError("--escape-formulas needs --output with a .csv file")


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text cells and names that a spreadsheet would run as a formula."""
    import pandas as pd

    def escape(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS) else cell

    columns = {
        i: column if pd.api.types.is_numeric_dtype(column) else column.astype(object).map(escape)
        for i, (_, column) in enumerate(frame.items())
    }
    return pd.DataFrame(columns).set_axis([escape(name) for name in frame.columns], axis=1)


def show(table: Table) -> None:
    """Print a table without cutting a cell: in a narrow terminal it goes on in the next line."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console()
    for column in table.columns:
        column.overflow = "fold"
    if not console.is_terminal:
        wide = console.options.update(max_width=MAX_TABLE_LETTERS)
        console.width = max(console.width, Measurement.get(console, wide, table).maximum)
    console.print(table)


def number_format(largest: float) -> str:
    """Four digits of the largest number, for all numbers of a series."""
    if not 1e-4 <= largest < 1e9:
        return ".4g"
    return f",.{max(0, 3 - math.floor(math.log10(largest)))}f"
