"""Times of all rows, from one column or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_estimators.tables.clock import parts_of_date, read_parts, read_time_of_day
from ttm_estimators.tables.dates import Stamps, direction, read_times
from ttm_estimators.tables.errors import TableError, quoted
from ttm_estimators.tables.reading import Reading
from ttm_estimators.tables.steps import is_elapsed, localized, parse_step

STARTS = {"MS": "M", "QS": "Q", "YS": "Y"}
"""Starts of months, quarters and years that dates within them may be taken for."""

STEP = "step"
"""Name of the time column where rows are counted."""


def read_stamps(
    frame: pd.DataFrame,
    time: list[str],
    codes: npt.NDArray[Any],
    reading: Reading,
    others: Sequence[str] = (),
) -> tuple[Stamps, str]:
    """Read the times of all rows, and say what their column is called.

    Parameters
    ----------
    frame : DataFrame
        All columns.
    time : list of str
        Those of the time. Without any, the rows of each series are counted.
    codes : array
        Number of the series of each row.
    reading : Reading
        How dates are written, their zone, and what they are rounded to.
    others : sequence of str, optional
        Those that may hold dates. Where one runs from new to old, and none from old to new, rows
        are counted from the last one on.

    Raises
    ------
    TableError
        When the columns make no date, or a date can not be read.
    """
    if not time:
        falling = from_new_to_old(frame, codes, others)
        count = pd.Series(codes).groupby(codes).cumcount(ascending=not falling)
        name = next(each for each in (STEP, "row", "row number") if each not in frame)
        notes = [f"from the last one on, as {each!r} runs from new to old" for each in falling[:1]]
        return Stamps(pd.Index(count.to_numpy(dtype=np.int64)), notes=tuple(notes)), name
    name = time[0]
    column = frame[name]
    parts = parts_of_date(time) if len(time) > 1 else []
    clock = pd.TimedeltaIndex([])
    if parts and len(parts) == len(time):
        column = read_parts(frame[parts])
        name = next(each for each in ("date", "time", " ".join(time)) if each not in frame)
        column = column.rename(name)
    elif len(time) == 2:
        clock = read_time_of_day(frame[time[1]])
    elif len(time) > 2:
        raise TableError(
            f"{quoted(time)} make no date together",
            "give time= for a date and a time of day, or for year, month, day and so on",
        )
    if len(clock):
        days = read_times(column, reading.date_format)
        if not isinstance(days.index, pd.DatetimeIndex) or days.index.tz is not None:
            raise TableError(f"column {name!r} holds no dates to put {time[1]!r} behind")
        column = pd.Series(days.index + clock, name=name)
        stamps = read_times(column, None, reading.timezone, codes)
    else:
        stamps = read_times(column, reading.date_format, reading.timezone, codes)
    if reading.round_time is not None:
        stamps = _rounded(stamps, reading.round_time, name)
    return stamps, name


def from_new_to_old(
    frame: pd.DataFrame, codes: npt.NDArray[Any], dates: Sequence[str]
) -> list[str]:
    """Columns of dates that run from new to old in every series, if none runs the other way."""
    runs = {each: direction(frame[each], codes) for each in dates}
    return [each for each in runs if runs[each] < 0 and max(runs.values()) < 1]


def _rounded(stamps: Stamps, size: str, name: str) -> Stamps:
    index = stamps.index
    if not isinstance(index, pd.DatetimeIndex):
        raise TableError(
            f"column {name!r} holds whole numbers, no dates to round",
            "leave round_time= out, or make dates of them, such as by pd.to_datetime(…, unit='s')",
        )
    step = parse_step(size)
    wall = index.tz_localize(None)
    try:
        if size in STARTS:
            rounded = wall.to_period(STARTS[size]).to_timestamp().as_unit("ns")
        else:
            rounded = wall.round(step)  # type: ignore[arg-type]
        if index.tz is not None:
            # Hours are moved as time elapses, so that one that comes twice stays which it was.
            moved = localized(rounded, index.tz)
            rounded = index + (rounded - wall) if is_elapsed(step) else moved
    except (ValueError, TypeError) as error:
        raise TableError(
            f"times can not be rounded to {size!r}", "give a length such as round_time='1min'"
        ) from error
    return Stamps(rounded, stamps.dtype, stamps.zone, stamps.naive, None, stamps.notes)
