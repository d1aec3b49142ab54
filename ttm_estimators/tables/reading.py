"""How to read a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ttm_estimators.tables.errors import TableError

if TYPE_CHECKING:
    from pandas.tseries.offsets import BaseOffset

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
