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

if sys.platform != "win32":
    import fcntl


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path aside, where a block writes a file or a folder that is then renamed to ``path``.

    The path aside has the same file name, in a hidden folder beside ``path``. What is there is
    removed when the block fails, and what a killed process has left the next time that one writes
    there. A block that writes nothing replaces nothing. A link is followed.

    Parameters
    ----------
    path : Path
        File, or folder that does not exist yet or is empty. Its parent exists.

    Raises
    ------
    OSError
        When the parent can not be written to, or ``path`` is a folder with files in it, or what was
        written has been removed meanwhile.
    """
    place, process = Path(os.path.realpath(path)), os.getpid()
    _remove_abandoned_once(place.parent)
    folder = place.parent / f".{platform.node()}-{process}-{token_hex(4)}.partial"
    try:  # before the folder is there: a signal may end the block at any moment
        folder.mkdir(mode=0o700)
        with _locked(folder):
            partial = folder / path.name
            yield partial
            if os.getpid() != process:  # a fork left the block: its parent goes on writing
                return
            if partial.exists():  # of several processes, one may write
                os.replace(partial, place)
            elif not folder.exists():
                raise FileNotFoundError(f"{folder} was removed while {path} was written there")
    except OSError as error:  # a full disk names no file, and others the one aside
        named = str(error.filename or folder)
        if error.errno is not None and named.startswith(str(folder)):
            error.filename = str(path)
        raise
    finally:
        if os.getpid() == process:
            try:
                shutil.rmtree(folder, ignore_errors=True)
            finally:  # where a signal ended that too
                shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what processes of this machine have left in a folder that are no more.

    A process is not enough to tell, for containers number their own, and a fork may go on writing:
    what is written is locked too. Where locks can not be had, nothing is removed.
    """
    name = re.compile(rf"\.{re.escape(platform.node())}-(\d+)-[^.]*\.partial")
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:  # a folder may be written to and not be read
        return
    for each in names:
        match = name.fullmatch(each)
        if match and not _is_running(int(match[1])):
            with _locked(folder / each) as locked:
                if locked:
                    shutil.rmtree(folder / each, ignore_errors=True)


_remove_abandoned_once = cache(remove_abandoned)  # a folder may hold very many files


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder, for this process and its forks, where the system can."""
    if sys.platform == "win32":
        yield False
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except OSError:  # another has it, or storage knows no locks
            locked = False
        yield locked
    finally:
        os.close(descriptor)


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
