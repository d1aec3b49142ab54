"""Time of a forecast of ours beside others, against the number and the length of series.

``make forecast-speed`` runs it in the environment of ``make parity``, which has what they need.
The unit is the time of granite-tsfm's 512 → 96 network in the same rounds, as seconds depend on the
machine.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ttm_benchmarks.speed.forecasters import (
    GRANITE,
    GRANITE_BATCH,
    GRANITE_POINTS,
    HORIZON,
    OURS,
    ROWS,
    SEASON,
    Prepare,
    Row,
    Values,
)
from ttm_benchmarks.speed.turns import shortest_seconds, timer

NUMBERS = (1, 10, 100, 1_000, 10_000)
"""Series of ``NUMBERS_LENGTH`` points each."""

NUMBERS_LENGTH = 512
LENGTHS = (128, 512, 2048, 8192, 24576)
"""Points of each of at most ``LENGTHS_SERIES`` series."""

LENGTHS_SERIES = 256
FEWER = 10
"""A forecaster has so many times fewer series in the comparison of lengths than it has at most."""

MAX_TIMES = {512: 1.2, 2048: 1.2, 24576: 3.0}
"""Bars: time of ours, in times of granite-tsfm's network, by the points of a series."""


@dataclass(frozen=True)
class Measured:
    """Time of a series of one forecaster, in times of the reference.

    Parameters
    ----------
    times : float
        Time of the forecast over series, divided by that of the reference.
    scaled : bool
        Whether fewer series were run than it stands for.
    """

    times: float
    scaled: bool

    def __str__(self) -> str:
        digits = 2 if self.times < 10 else 1 if self.times < 100 else 0
        return f"{'~' if self.scaled else ''}{self.times:,.{digits}f}"


Sweep = dict[str, dict[int, Measured]]
"""By the name of a row, and by number or length of the series."""


def make_series(number: int, points: int) -> Values:
    """Random walks with a daily cycle, shape (series, time)."""
    walks = np.random.default_rng(0).normal(size=(number, points)).cumsum(axis=1)
    values: Values = walks + 5 * np.sin(2 * np.pi * np.arange(points) / SEASON)
    return values


def compare(
    made: Mapping[str, Prepare], numbers: Mapping[str, int], points: int, rounds: int
) -> dict[str, float]:
    """Time so many series of each forecaster and the reference in turns.

    Returns
    -------
    dict
        Time of a series of each, in times of the reference.
    """
    values = make_series(max(*numbers.values(), GRANITE_BATCH), max(points, GRANITE_POINTS))
    reference = made[GRANITE](values[:GRANITE_BATCH])
    timers = {
        name: timer(made[name](values[:number, -points:])) for name, number in numbers.items()
    }
    seconds = shortest_seconds({"": timer(reference)} | timers, rounds)
    one = seconds[""] / GRANITE_BATCH
    return {name: seconds[name] / number / one for name, number in numbers.items()}


def against_number(rows: Mapping[str, Row], made: Mapping[str, Prepare], rounds: int) -> Sweep:
    """Time of a series by the number of series. Beyond a row's most, it stays what it was."""
    found: Sweep = {name: {} for name in rows}
    for number in NUMBERS:
        _say(f"{number:,} series of {NUMBERS_LENGTH} points")
        run = {name: number for name, row in rows.items() if number <= row.most_series}
        times = compare(made, run, NUMBERS_LENGTH, rounds) if run else {}
        for name, row in rows.items():
            before = list(found[name].values())
            found[name][number] = (
                Measured(times[name], False)
                if number <= row.most_series
                else Measured(before[-1].times, True)
            )
    return found


def against_length(rows: Mapping[str, Row], made: Mapping[str, Prepare], rounds: int) -> Sweep:
    """Time of a series by the points of a series, up to the longest of each row."""
    found: Sweep = {name: {} for name in rows}
    for points in LENGTHS:
        run = {
            name: series_of_lengths(row)
            for name, row in rows.items()
            if row.longest is None or points <= row.longest
        }
        _say(f"series of {points:,} points")
        for name, times in (compare(made, run, points, rounds) if run else {}).items():
            found[name][points] = Measured(times, False)
    return found


def series_of_lengths(row: Row) -> int:
    """Series of a forecaster in the comparison of lengths."""
    return max(1, min(LENGTHS_SERIES, row.most_series // FEWER))


def markdown(rows: Mapping[str, Row], numbers: Sweep, lengths: Sweep) -> str:
    """Both tables, as the documentation has them."""
    label = {name: row.label for name, row in rows.items()}
    series = {name: f"{series_of_lengths(row):,}" for name, row in rows.items()}
    return "\n\n".join(
        [
            f"Series of {NUMBERS_LENGTH} points, by their number:",
            _table(["", *(f"{number:,}" for number in NUMBERS)]) + _cells(label, numbers, NUMBERS),
            "~: as with the most series that were run.",
            "By the points of a series:",
            _table(["", "series", *(f"{points:,}" for points in LENGTHS)])
            + _cells({name: f"{label[name]} | {series[name]}" for name in rows}, lengths, LENGTHS),
        ]
    )


def _table(headings: Sequence[str]) -> str:
    return f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}"


def _cells(heads: Mapping[str, str], sweep: Sweep, columns: Sequence[int]) -> str:
    return "".join(
        f"\n| {head} | {' | '.join(str(sweep[name].get(column, '')) for column in columns)} |"
        for name, head in heads.items()
    )


def judge(lengths: Sweep) -> bool:
    """Say of each bar whether ours is within it, and tell whether all are held."""
    within = True
    for points, most in MAX_TIMES.items():
        times = lengths[OURS][points].times
        word = "within" if times <= most else "beyond"
        print(f"{points:,} points: {times:.2f}, {word} the bar of {most} times granite-tsfm")
        within = within and times <= most
    return within


def run(names: Sequence[str], *, rounds: int, picture: Path | None) -> bool:
    """Time the forecasters, print both tables, draw the picture, and tell whether bars are held.

    Parameters
    ----------
    names : sequence of str
        Rows. The reference is timed too. Those that lack a package are left out, and said so.
    rounds : int
        Turns, of which the shortest counts.
    picture : Path, optional
        Image to write.

    Raises
    ------
    ModuleNotFoundError
        When granite-tsfm, the reference, is not there.
    """
    rows = {name: row for name, row in ROWS.items() if name in names and row.installed}
    for name in names:
        if name not in rows:
            _say(f"{ROWS[name].label} is left out: {ROWS[name].needs} is not installed")
    made = {name: ROWS[name].make() for name in {GRANITE: 0} | rows}
    numbers = against_number(rows, made, rounds)
    lengths = against_length(rows, made, rounds)
    print(
        f"Time of a series, horizon {HORIZON}, one thread, the shortest of {rounds} rounds in "
        f"turns; 1 is granite-tsfm's network on {GRANITE_BATCH} series of {GRANITE_POINTS} points\n"
    )
    print(markdown(rows, numbers, lengths), end="\n\n")
    if picture is not None:
        from ttm_benchmarks.speed.forecast_picture import draw

        draw(picture, {name: row.label for name, row in rows.items()}, numbers, lengths)
    return judge(lengths) if OURS in rows else True


def _say(what: str) -> None:
    """To a person who waits."""
    print(what, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison. The exit code tells whether all bars were held."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sys.exit(not run(given.rows, rounds=given.rounds, picture=given.picture))


if __name__ == "__main__":
    main()
