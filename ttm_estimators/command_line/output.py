"""Output files: refused before any work is done, and replaced when it is."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ttm_estimators import atomic
from ttm_estimators.command_line.errors import InputError, reason_of

if TYPE_CHECKING:
    import pandas as pd


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
def writing(frame: pd.DataFrame, output: Path | None, plot: Path | None) -> Iterator[Path | None]:
    """Give a path aside for a picture, if one is wanted; both files are replaced after the block.

    Raises
    ------
    InputError
        When a file can not be written.
    """
    with ExitStack() as files:
        if output is not None:
            path = files.enter_context(replacing(output))
            if output.suffix.lower() == ".csv":
                frame.to_csv(path, index=False)
            else:
                frame.to_parquet(path, index=False)
        yield files.enter_context(replacing(plot)) if plot is not None else None


def number_format(largest: float) -> str:
    """Four digits of the largest number, for all numbers of a series."""
    if not 1e-4 <= largest < 1e9:
        return ".4g"
    return f",.{max(0, 3 - math.floor(math.log10(largest)))}f"
