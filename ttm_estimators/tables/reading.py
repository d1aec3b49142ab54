"""How to read a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ttm_estimators.tables.errors import TableError

if TYPE_CHECKING:
    from pandas.tseries.offsets import BaseOffset

NAMES = ("time", "id", "value", "known", "past")
"""Options that name a column, or several."""

TEXT_OPTIONS = ("date_format", "timezone", "round_time", "decimal", "thousands")

DATE_OPTIONS = ("time", "date_format", "timezone", "round_time")
"""Options of no use where rows are counted."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a table, as far as it does not say so itself.

    Raises
    ------
    TableError
        When an option is of the wrong type, or of no use beside another.
    """

    time: Sequence[str] = ()
    """Time column, or several that make a date together: a day and a time of day, or a year, a
    month and so on."""

    id: Sequence[str] = ()
    """Columns that tell series apart."""

    value: Sequence[str] = ()
    """Columns to forecast."""

    freq: str | BaseOffset | None = None
    """Frequency: a pandas alias or offset, or a whole number where times are whole numbers."""

    date_format: str | None = None
    """How dates are written, in the terms of ``strptime``."""

    timezone: str | None = None
    """Zone by whose clock days begin."""

    round_time: str | None = None
    """What times are rounded to, such as 1min."""

    decimal: str | None = None
    thousands: str | None = None
    """Signs within numbers."""

    fill_gaps: bool = False
    """Whether absent times become missing values."""

    no_time: bool = False
    """Whether rows are counted, for want of a time column."""

    known: Sequence[str] = ()
    past: Sequence[str] = ()
    static: Sequence[str] = ()
    """Columns with covariates. Where some are known in the future, the rows after the last value of
    a series are its future."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Reading:
        """Take what says how to read from the arguments of a function, its ``locals()``.

        ``static`` is not among them: it may be a table of its own.
        """
        own = {each.name for each in fields(cls)} - {"static"}
        options: dict[str, Any] = {name: given[name] for name in own.intersection(given)}
        options |= {name: listed(options[name]) for name in NAMES if name in options}
        return cls(**options)

    def __post_init__(self) -> None:
        for name in TEXT_OPTIONS:
            given = getattr(self, name)
            if given is not None and not isinstance(given, str):
                raise TableError(f"{name} must be text, got {type(given).__name__}")
        for name in ("fill_gaps", "no_time"):
            if not isinstance(getattr(self, name), bool):
                raise TableError(f"{name} must be true or false, got {getattr(self, name)!r}")
        useless = [name for name in DATE_OPTIONS if getattr(self, name)] if self.no_time else []
        if useless:
            raise TableError(
                "rows are counted, so that no dates are read", f"leave {useless[0]}= out"
            )


def listed(names: Any) -> list[str]:
    """Names as a list of text."""
    if names is None:
        return []
    many = isinstance(names, Iterable) and not isinstance(names, str)
    return [str(name) for name in (names if many else [names])]
