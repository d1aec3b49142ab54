"""What a trial is told of, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Reference(NamedTuple):
    """A run that was not disturbed."""

    seconds: float
    contents: dict[str, bytes | None]
    listing: set[str]


@dataclass
class Trial:
    """What came of a trial."""

    what: str
    """Command, or what was damaged."""

    faults: list[str] = field(default_factory=list)
    """Tracebacks, other exit codes, hangs, memory."""

    losses: list[str] = field(default_factory=list)
    """Files that were there, or should be, and are not what they should be."""

    leftovers: list[str] = field(default_factory=list)
    """Files that nobody asked for."""

    kills: int = 0
    code: int = 0
    said: str = ""
    """Standard error of the last command."""

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.faults or self.losses or self.leftovers)
