"""Errors and warnings about tables."""

from __future__ import annotations

from collections.abc import Sequence

MAX_NAMES_IN_A_MESSAGE = 8


class TableError(ValueError):
    """A table can not be used.

    Parameters
    ----------
    fault : str
        What is wrong, and where.
    remedy : str, optional
        What to do, with options as Python has them, such as ``freq='D'`` and ``id='shop'``, which a
        command line may spell its own way. Nothing else in it is from a user.
    """

    def __init__(self, fault: str, remedy: str = "") -> None:
        super().__init__(f"{fault}: {remedy}" if remedy else fault)
        self.fault = fault
        self.remedy = remedy


class TableWarning(UserWarning):
    """Something in a table was left out, or taken for what it may not be."""


def quoted(names: Sequence[str]) -> str:
    """Names for a message: each in quotes, of many the first ones."""
    shown = ", ".join(map(repr, names[:MAX_NAMES_IN_A_MESSAGE]))
    rest = len(names) - MAX_NAMES_IN_A_MESSAGE
    return f"{shown} and {rest} more" if rest > 0 else shown
