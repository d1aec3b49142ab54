"""Seconds of several functions that are timed in turns: medians, or the shortest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

Timer = Callable[[], float]


def timer(function: Callable[[], object], clock: Callable[[], float] = perf_counter) -> Timer:
    """Make a function that calls another one and returns the seconds that it took."""

    def seconds() -> float:
        start = clock()
        function()
        return clock() - start

    return seconds


def median_seconds(timers: Mapping[str, Timer], rounds: int) -> dict[str, float]:
    """Call all timers in every round, so that a machine that slows down slows them all.

    A first round, in which files are read and networks are compiled, does not count.

    Parameters
    ----------
    timers : mapping
        Functions that return seconds, by name.
    rounds : int
        Rounds that count.

    Returns
    -------
    dict
        Median seconds of each.
    """
    seconds = _turns(timers, rounds + 1)[1:]
    return {name: median(each[name] for each in seconds) for name in timers}


def shortest_seconds(timers: Mapping[str, Timer], rounds: int) -> dict[str, float]:
    """Call all timers in every round, and take of each the seconds that other work added least to.

    Parameters
    ----------
    timers : mapping
        Functions that return seconds, by name.
    rounds : int
        Rounds, all of which count: the first is not the shortest.

    Returns
    -------
    dict
        Shortest seconds of each.
    """
    seconds = _turns(timers, rounds)
    return {name: min(each[name] for each in seconds) for name in timers}


def _turns(timers: Mapping[str, Timer], rounds: int) -> list[dict[str, float]]:
    return [{name: one() for name, one in timers.items()} for _ in range(rounds)]
