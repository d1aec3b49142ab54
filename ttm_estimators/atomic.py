"""Files and folders that a reader finds whole: the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path aside, where a block writes a file or a folder that is then renamed to ``path``.

    The path aside has the same file name, in a hidden folder beside ``path``. What is there is
    removed when the block fails, and what a killed process has left the next time that one writes
    there. A block that writes nothing replaces nothing.

    Parameters
    ----------
    path : Path
        File, or folder that does not exist yet or is empty. Its parent exists.

    Raises
    ------
    OSError
        When the parent can not be written to, or ``path`` is a folder with files in it.
    """
    remove_abandoned(path.parent.absolute())
    folder = path.parent / f".{platform.node()}-{os.getpid()}-{token_hex(4)}.partial"
    try:  # before the folder is there: a signal may end the block at any moment
        folder.mkdir(mode=0o700)
        partial = folder / path.name
        yield partial
        if partial.exists():  # of several processes, one may write
            os.replace(partial, path)
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:  # where a signal ended that too
            shutil.rmtree(folder, ignore_errors=True)


@cache  # a folder may hold very many files
def remove_abandoned(folder: Path) -> None:
    """Remove what processes of this machine have left that are no more."""
    name = re.compile(rf"\.{re.escape(platform.node())}-(\d+)-[^.]*\.partial")
    for entry in os.scandir(folder):
        match = name.fullmatch(entry.name)
        if match and not _is_running(int(match[1])):
            shutil.rmtree(entry.path, ignore_errors=True)


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


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
