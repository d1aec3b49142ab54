"""Files and folders that a reader finds whole: the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path aside, where a block writes a file or a folder that is then renamed to ``path``.

    The path aside has the same file name, in a hidden folder beside ``path``. What is there is
    removed when the block fails. A block that writes nothing replaces nothing.

    Parameters
    ----------
    path : Path
        File, or folder that does not exist yet or is empty. Its parent exists.

    Raises
    ------
    OSError
        When the parent can not be written to, or ``path`` is a folder with files in it.
    """
    with TemporaryDirectory(prefix=".", suffix=".partial", dir=path.parent) as folder:
        partial = Path(folder) / path.name
        yield partial
        if partial.exists():  # of several processes, one may write
            os.replace(partial, path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises
    ------
    ValueError
        When it holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # of text, of JSON, or nested without an end
        raise ValueError(f"{path} is not JSON ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return values


def write_text(path: Path, text: str) -> None:
    """Replace a file by one with this text, in UTF-8."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace a file by one with these values as indented JSON."""
    write_text(path, json.dumps(values, indent=2) + "\n")
