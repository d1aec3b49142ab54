"""Old names of public things. They work for one release, with a warning that has the new name."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)

REPLACE_CALLS = 2 if sys.version_info >= (3, 13) else 1
"""Calls of :func:`dataclasses.replace` between the line of a user and the class."""


def renamed_fields(**new_names: str) -> Callable[[Class], Class]:
    """Let a class take arguments by their old names, and have attributes of them."""

    def decorate(cls: Class) -> Class:
        make: Callable[..., None] = cls.__init__  # type: ignore[misc]

        @functools.wraps(make)
        def init(self: Any, *values: Any, **named: Any) -> None:
            replaced = {field.name for field in fields(cls)} <= named.keys()  # passes every field
            for old, new in new_names.items():
                if old in named:
                    if new in named and not replaced:
                        raise TypeError(f"{old} is now called {new}: give one of them")
                    stacklevel = 2 + REPLACE_CALLS * replaced
                    warn_of(f"{cls.__name__}({old}=…)", new, stacklevel=stacklevel)
                    named[new] = named.pop(old)
            make(self, *values, **named)

        def set_state(self: Any, state: dict[str, Any]) -> None:
            named = {new_names.get(name, name): value for name, value in state.items()}
            self.__dict__.update(named)

        cls.__init__ = init  # type: ignore[misc]
        cls.__setstate__ = set_state  # type: ignore[attr-defined]
        for old, new in new_names.items():
            setattr(cls, old, _old_attribute(cls.__name__, old, new))
        return cls

    return decorate


def warn_of(old: str, new: str, *, stacklevel: int) -> None:
    """Tell users of an old name the new one."""
    warnings.warn(
        f"{old} is now called {new}; the old name goes with the next release",
        FutureWarning,
        stacklevel=stacklevel + 1,
    )


def _old_attribute(cls: str, old: str, new: str) -> property:
    def get(self: Any) -> Any:
        warn_of(f"{cls}.{old}", new, stacklevel=2)
        return getattr(self, new)

    return property(get, doc=f"Old name of ``{new}``.")
