"""Writing files so that a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ttm_estimators.command_line.errors import InputError


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
    """Give a path to write to, which replaces ``path`` if all goes well and is removed if not.

    Raises
    ------
    InputError
        When the file can not be written.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path} can not be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
