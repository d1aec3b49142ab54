"""The 97 tasks of GIFT-Eval (arXiv 2410.10393): where each is on disk, and its horizon."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

_SETS = """
m4_yearly                      A             Econ/Fin      1
m4_quarterly                   Q             Econ/Fin      1
m4_monthly                     M             Econ/Fin      1
m4_weekly                      W             Econ/Fin      1
m4_daily                       D             Econ/Fin      1
m4_hourly                      H             Econ/Fin      1
electricity                    15T*,H*,D,W   Energy        1
solar                          10T*,H*,D,W   Energy        1
ett1                           15T*,H*,D,W   Energy        7
ett2                           15T*,H*,D,W   Energy        7
hospital                       M             Healthcare    1
covid_deaths                   D             Healthcare    1
us_births                      D,W,M         Healthcare    1
saugeenday                     D,W,M         Nature        1
temperature_rain_with_missing  D             Nature        1
kdd_cup_2018_with_missing      H*,D          Nature        1
jena_weather                   10T*,H*,D     Nature       21
car_parts_with_missing         M             Sales         1
restaurant                     D             Sales         1
hierarchical_sales             D,W           Sales         1
LOOP_SEATTLE                   5T*,H*,D      Transport     1
SZ_TAXI                        15T*,H        Transport     1
M_DENSE                        H*,D          Transport     1
bitbrains_fast_storage         5T*,H         Web/CloudOps  2
bitbrains_rnd                  5T*,H         Web/CloudOps  2
bizitobs_application           10S*          Web/CloudOps  2
bizitobs_service               10S*          Web/CloudOps  2
bizitobs_l2c                   5T*,H*        Web/CloudOps  7
"""
"""Set, its frequencies (those with a star have every term, the others the short one), domain and
number of variates."""

TERMS = {"short": 1, "medium": 10, "long": 15}
"""Each term's multiple of the frequency's horizon."""

_HORIZONS = {"S": 60, "T": 48, "H": 48, "D": 30, "W": 8, "M": 12}
_M4_HORIZONS = {"H": 48, "D": 14, "W": 13, "M": 18, "Q": 8, "A": 6}

UNITS = {
    "S": "second",
    "T": "minute",
    "H": "hour",
    "D": "day",
    "W": "week",
    "M": "month",
    "Q": "quarter",
    "A": "year",
}


class Task(NamedTuple):
    """One row of a submission."""

    name: str
    """``set/frequency/term``, as submissions spell it."""

    folder: str
    """Where its set is, below the folder of all data."""

    domain: str
    variates: int
    horizon: int
    one_window: bool
    """Whether only the last window counts, whatever the length."""

    @property
    def term(self) -> str:
        """Short, medium or long."""
        return self.name.rsplit("/", 1)[1]

    @property
    def unit(self) -> str:
        """Unit of time of its frequency, such as "minute" for 15T."""
        return UNITS[self.name.split("/")[1][-1]]


def _all_tasks() -> dict[str, Task]:
    tasks = []
    for line in _SETS.split("\n")[1:-1]:
        folder, frequencies, domain, variates = line.split()
        # Submissions spell sets in lower case, and three of them shorter than the folders.
        name = folder.lower().removesuffix("_with_missing").replace("saugeenday", "saugeen")
        m4 = name.startswith("m4_")
        several = "," in frequencies
        for starred in frequencies.split(","):
            frequency = starred.rstrip("*")
            horizon = (_M4_HORIZONS if m4 else _HORIZONS)[frequency[-1]]
            tasks += [
                Task(
                    name=f"{name}/{frequency}/{term}",
                    folder=f"{folder}/{frequency}" if several else folder,
                    domain=domain,
                    variates=int(variates),
                    horizon=multiple * horizon,
                    one_window=m4,
                )
                for term, multiple in TERMS.items()
                if term == "short" or starred.endswith("*")
            ]
    return {task.name: task for task in tasks}


TASKS = _all_tasks()
"""Every task by its name."""


def select(tasks: Sequence[Task], patterns: Sequence[str]) -> list[Task]:
    """Keep the tasks whose name matches one of the patterns.

    Parameters
    ----------
    tasks : sequence of Task
        What there is to choose from.
    patterns : sequence of str
        Names in which ``*`` and ``?`` stand for any text and any letter.

    Raises
    ------
    ValueError
        When a pattern matches no task.
    """
    for pattern in patterns:
        if not any(fnmatchcase(task.name, pattern) for task in tasks):
            raise ValueError(
                f"{pattern!r} matches none of the {len(tasks)} tasks there are, such as "
                f"{tasks[0].name}"
            )
    return [task for task in tasks if any(fnmatchcase(task.name, p) for p in patterns)]
