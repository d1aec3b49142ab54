"""Every error of the command line is one line that begins with ``error:``, and exit code 2."""

from __future__ import annotations

import errno
import os
import re
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ttm_estimators.command_line.options import READING_HELP
from ttm_estimators.extras import EXTRAS, MissingExtraError
from ttm_estimators.tables.errors import TableError

OPTIONS = (*READING_HELP, "known", "calendar", "holidays")
"""Options that remedies name as Python has them."""

REMEDIES = {
    errno.ENOSPC: "free some space, or write elsewhere",
    errno.EDQUOT: "free some space, or write elsewhere",
    errno.EFBIG: "write elsewhere",
    errno.EACCES: "change its permissions, or name another",
    errno.EPERM: "change its permissions, or name another",
    errno.EROFS: "write elsewhere",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "name the file itself, not a link",
    errno.ENOTDIR: "a part of the path is a file: name a folder there",
    errno.EISDIR: "it is a folder: name a file",
    errno.ENOTEMPTY: "choose another folder",
    errno.EMFILE: "allow more open files with ulimit -n",
}
"""What to do about errors of the operating system."""

MAX_LINE_CHARACTERS = 2000
"""Of an error, which may show what a damaged file holds."""

PYDANTIC_PREFIX = "Value error, "
"""Before what an option refuses, where Typer reads it with pydantic."""

# Typer exports this class or vendors it, depending on its version; its subclass is always there.
UsageError: Any = typer.BadParameter.__bases__[0]


class InputError(Exception):
    """What the user gave can not be used; the message says why and what to do."""


class OneLineErrors(TyperGroup):
    """Commands whose errors take one line on stderr."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command and exit."""
        standalone = kwargs.pop("standalone_mode", True)
        kwargs["standalone_mode"] = False
        try:
            os.getcwd()  # fails where the folder is gone, and would make libraries fail later
            result = super().main(*args, **kwargs)
            sys.stdout.flush()
        except InputError as error:
            _exit(str(error))
        except BrokenPipeError:
            _discard_output()
            sys.exit(1)
        except OSError as error:
            _discard_output()
            _exit(in_words(error))
        except MissingExtraError as error:
            _exit(str(error))
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            _exit(
                f"this needs {error.name}, install it with: "
                f'pip install "ttm-estimators[{EXTRAS[error.name]}]"'
            )
        except TableError as error:
            _exit(": ".join(filter(None, [error.fault, as_options(error.remedy)])))
        except UsageError as error:
            told = error.format_message().replace(PYDANTIC_PREFIX, "").rstrip(".")
            _exit(f"{told} (see {error.ctx.command_path} --help)")
        except typer.Abort:
            sys.exit(130)
        if standalone:
            sys.exit(result or 0)
        return result


def in_words(error: OSError) -> str:
    """Say in one line what the operating system refuses, of which path, and what to do."""
    if error.errno is None:  # of a library, with words of its own
        return str(error)
    name = error.filename if isinstance(error.filename, str | os.PathLike) else None
    if name is None and error.errno == errno.ENOENT:
        return "the working folder no longer exists: go to another"
    return reason_of(error) if name is None else f"{os.fspath(name)}: {reason_of(error)}"


def reason_of(error: OSError) -> str:
    """Say what the operating system refuses, and what to do."""
    if error.errno is None:
        return str(error)
    remedy, usual = REMEDIES.get(error.errno), os.strerror(error.errno)
    own = error.filename is None and error.strerror not in (None, usual)  # as pyarrow has
    return (str(error.strerror) if own else usual.lower()) + (f": {remedy}" if remedy else "")


def _discard_output() -> None:
    """Let Python not fail once more, at its end, to write what standard output did not take."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def as_options(remedy: str) -> str:
    """Spell the options in a remedy as the command line has them: freq='D' as --freq D."""

    def spell(match: re.Match[str]) -> str:
        name, value = match[1].replace("_", "-"), (match[2] or "").removeprefix("True")
        plain = value[1:-1]
        quotes = any(sign in plain for sign in " '\"")
        return f"--{name}" + (f" {value if quotes else plain}" if plain else "")

    return re.sub(rf"\b({'|'.join(OPTIONS)})=(True|'[^']*'|\"[^\"]*\")?", spell, remedy)


def _exit(message: str) -> NoReturn:
    line = " ".join(message.split())
    if len(line) > MAX_LINE_CHARACTERS:
        line = f"{line[:MAX_LINE_CHARACTERS]}…"
    typer.echo(f"error: {line}", err=True)
    sys.exit(2)


def require(module: str, extra: str, purpose: str) -> None:
    """Check that an optional dependency is installed.

    Raises
    ------
    InputError
        When ``module`` can not be imported. The message has the command that installs it, or the
        reason.
    """
    try:
        import_module(module)
    except ImportError as error:
        raise InputError(
            f'{purpose} needs {module}, install it with: pip install "ttm-estimators[{extra}]" '
            f"({error})"
        ) from error
    except Exception as error:  # such as of a setting in the environment
        raise InputError(f"{purpose} needs {module}, which can not be loaded: {error}") from error
