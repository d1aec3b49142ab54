"""What a missing optional dependency is told by: one sentence, with the extra that brings it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

EXTRAS = {"torch": "torch", "pyarrow": "parquet"}
"""Optional dependencies that much of the core needs, and their extras."""


class MissingExtraError(ModuleNotFoundError):
    """An optional dependency is not installed; the message has the command that installs it."""

    def __init__(self, purpose: str, extra: str, module: str) -> None:
        super().__init__(
            f"{purpose} needs {module}, install it with: pip install 'ttm-estimators[{extra}]'",
            name=module,
        )

    def __reduce__(self) -> Any:
        return ModuleNotFoundError, self.args


def public(package: str, homes: Mapping[str, str], name: str, extra: str | None = None) -> Any:
    """Import a public name of a package from the module that it lives in.

    Raises
    ------
    AttributeError
        When the package has no such name.
    MissingExtraError
        When what it needs is not installed. It names ``extra``, by default the one that brings the
        module.
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{package}.{homes[name]}"), name)
    except ModuleNotFoundError as error:
        wanted = extra or EXTRAS.get(error.name or "")
        if wanted is None:
            raise
        raise MissingExtraError(f"{package}.{name}", wanted, str(error.name)) from None


def check_installed(purpose: str, extra: str, *modules: str) -> None:
    """Refuse to begin where an optional dependency is not installed.

    Raises
    ------
    MissingExtraError
        When one of the modules is not there.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(purpose, extra, module)
