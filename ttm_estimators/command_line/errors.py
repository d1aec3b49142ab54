"""Every error of the command line is one line that begins with ``error:``, and exit code 2."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ttm_estimators.command_line.options import READING_HELP
from ttm_estimators.tables.errors import TableError

OPTIONS = (*READING_HELP, "known", "calendar", "holidays")
"""Options that remedies name as Python has them."""

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
            result = super().main(*args, **kwargs)
        except InputError as error:
            _exit(str(error))
        except TableError as error:
            _exit(": ".join(filter(None, [error.fault, as_options(error.remedy)])))
        except UsageError as error:
            _exit(f"{error.format_message().rstrip('.')} (see {error.ctx.command_path} --help)")
        except typer.Abort:
            sys.exit(130)
        if standalone:
            sys.exit(result or 0)
        return result


def as_options(remedy: str) -> str:
    """Spell the options in a remedy as the command line has them: freq='D' as --freq D."""

    def spell(match: re.Match[str]) -> str:
        name, value = match[1].replace("_", "-"), (match[2] or "").removeprefix("True")
        plain = value[1:-1]
        quotes = any(sign in plain for sign in " '\"")
        return f"--{name}" + (f" {value if quotes else plain}" if plain else "")

    return re.sub(rf"\b({'|'.join(OPTIONS)})=(True|'[^']*'|\"[^\"]*\")?", spell, remedy)


def _exit(message: str) -> NoReturn:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(2)


def require(module: str, extra: str, purpose: str) -> None:
    """Check that an optional dependency is installed.

    Raises
    ------
    InputError
        When ``module`` can not be imported. The message has the command that installs it.
    """
    try:
        import_module(module)
    except ImportError as error:
        raise InputError(
            f'{purpose} needs {module}, install it with: pip install "ttm-estimators[{extra}]" '
            f"({error})"
        ) from error
