"""From a table to a panel of evenly spaced series."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ttm_estimators.tables.clock import MONTHS
from ttm_estimators.tables.columns import (
    MAX_REPEATED_FRACTION,
    UNREADABLE,
    Chosen,
    Signs,
    find_ids,
    find_time,
    find_values,
    may_hold_time,
    names_of,
    read_column,
    read_values,
    suggest_ids,
    year_before,
)
from ttm_estimators.tables.dates import (
    Stamps,
    date_formats,
    first_cell,
    may_hold_dates,
    refuse_missing,
    seem_since_1970,
    years_among,
)
from ttm_estimators.tables.errors import MAX_NAMES_IN_A_MESSAGE, TableError, quoted
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.frequency import find_steps
from ttm_estimators.tables.numbers import Array, check_numbers, is_number
from ttm_estimators.tables.reading import Reading
from ttm_estimators.tables.rules import find_step
from ttm_estimators.tables.steps import (
    Step,
    describe,
    follow,
    may_be_a_change_of_the_clock,
    parse_step,
    positions,
    show,
)
from ttm_estimators.tables.times import read_stamps

VARIABLE = "variable"
"""Name of the column that tells several value columns apart, as in ``pandas.melt``."""

MIN_TIMES_TO_TELL_THE_HOUR = 3
"""Times that tell the hour of the day of a series."""

MAX_NUMBERED_COLUMNS = 20
"""Columns such as d_1, d_2 and so on that may be series. More of them are days."""

WHOLE_NUMBER_WITH_DECIMALS = r"^([-+]?\d+)\.0+$"
"""A whole number with decimals."""

AS_NUMBERS = "give a category as columns of 0 and 1, such as '{column}={cell}'"
"""What to do with a covariate that is text."""


@dataclass(frozen=True)
class Series:
    """One series of a table."""

    name: str
    """Its ids and, unless they tell enough, its value column."""

    variable: str
    """Its value column."""

    times: pd.Index[Any]
    """Evenly spaced dates or whole numbers."""

    values: Array
    """NaN where missing."""

    step: Step
    """Frequency."""

    covariates: pd.DataFrame | None = None
    """Columns of covariates, a row for each time, and for future times where they are known."""


class Filled(NamedTuple):
    """A series with absent times that became missing values."""

    name: str
    present: int
    """Times that its table has."""

    whole: int
    """Times from its first to its last."""


@dataclass(frozen=True)
class Panel:
    """Series of one table, in its order."""

    series: list[Series]

    keys: pd.DataFrame
    """What identifies each series, a row for each: the id columns, and ``variable`` where there
    are several value columns. Without columns for a single series."""

    time: str
    """Name of the time column."""

    stamps: Stamps
    """Times of all rows. They convert future times to the type of the column."""

    chosen: Chosen
    """Columns by their use."""

    variables: int = 1
    """Number of value columns. Those of one series are neighbours in ``series``."""

    notes: Sequence[str] = ()
    """What was left out of a file."""

    filled: Sequence[Filled] = ()
    """Series with absent times that became missing values."""

    remark: str = ""
    """How a file was read, where that is not what its name says."""

    calendar: str = ""
    """What of its dates is among the covariates, for people."""

    unused_future: Sequence[str] = ()
    """Sentences on rows of a table of the future that are not used."""

    @property
    def took(self) -> str:
        """Columns of time, ids and values, as one line."""
        columns = self.chosen
        named = " and ".join(map(repr, columns.time))
        parts = [f"time {named or 'by counting rows'}{_as(self.stamps.notes)}"]
        if columns.ids:
            parts.append(f"{'ids' if len(columns.ids) > 1 else 'id'} {quoted(columns.ids)}")
        values = [f"{name!r}{_as([columns.notes.get(name, '')])}" for name in columns.values]
        more = len(values) - MAX_NAMES_IN_A_MESSAGE
        shown = ", ".join(values[:MAX_NAMES_IN_A_MESSAGE]) + (
            f" and {more} more" if more > 0 else ""
        )
        parts.append(f"value{'s' if len(values) > 1 else ''} {shown}")
        if columns.covariates:
            several = len(columns.covariates) > 1
            parts.append(f"covariate{'s' if several else ''} {quoted(columns.covariates)}")
        return ", ".join(parts)

    @property
    def empty_ends(self) -> str:
        """A note on series that end in rows without values, after which forecasts begin."""
        silent = [one for one in self.series if len(one.values) and np.isnan(one.values[-1])]
        silent = [one for one in silent if not np.isnan(one.values).all()]
        if not silent:
            return ""
        first = silent[0]
        rows = int(np.argmax(~np.isnan(first.values[::-1])))
        more = f" (and {len(silent) - 1} more)" if len(silent) > 1 else ""
        return (
            f"series {first.name!r}{more} ends in {rows} row{'s' if rows > 1 else ''} without a "
            "value, which are a part of its history"
        )

    @property
    def filled_note(self) -> str:
        """How many absent times became missing values."""
        if not self.filled:
            return ""
        absent = self.variables * sum(one.whole - one.present for one in self.filled)
        times, are = ("time", "is") if absent == 1 else ("times", "are")
        count = self.variables * len(self.filled)
        return f"{absent} absent {times} in {count} series {are} taken as missing, not as 0"

    @property
    def sparse_note(self) -> str:
        """A note on series most of which became missing, as at a frequency that is not theirs."""
        sparse = [one for one in self.filled if one.whole >= 2 * one.present - 1]
        if not sparse:
            return ""
        first = sparse[0]
        more = f" (and {len(sparse) - 1} more)" if len(sparse) > 1 else ""
        return (
            f"series {first.name!r}{more} has only {first.present} of {first.whole} times, and all "
            "others are taken as missing, not as 0: add rows of 0 if nothing happened then"
        )

    @property
    def id_note(self) -> str:
        """What was taken as the id and what was not, where a table leaves a choice."""
        if not self.chosen.not_ids:
            return ""
        left_out = ", ".join(f"{name!r} ({why})" for name, why in self.chosen.not_ids.items())
        ids = self.chosen.ids
        return f"took {quoted(ids)} as the id{'s' if len(ids) > 1 else ''}, not {left_out}"

    @property
    def left_out(self) -> str:
        """Columns and lines that were left out, with reasons, as one line.

        Without those that :attr:`id_note` tells of.
        """
        chosen = self.chosen
        others = {name: why for name, why in chosen.left_out.items() if name not in chosen.not_ids}
        return ", ".join([*self.notes, *(f"{name!r} ({why})" for name, why in others.items())])

    @property
    def left_out_warning(self) -> str:
        """What was left out, and what to do where it could be forecast."""
        if not self.left_out:
            return ""
        remedy = "; name what to forecast with value=" if self.chosen.may_be_values else ""
        return f"left out: {self.left_out}{remedy}"

    def time_of(self, columns: int = 1) -> Callable[[int, int], object]:
        """Tell the time of a reading by its series and step, where so many columns are one series.

        It is what :meth:`ttm_estimators.Forecaster.forecast` takes.
        """

        def tell(number: int, step: int) -> object:
            time = self.series[number * columns].times[step]
            if isinstance(time, pd.Timestamp):
                return time
            named = self.chosen.time or self.stamps.notes
            return f"{self.time} {time}" if named else f"row {time}, counted from 0,"

        return tell

    def futures(self, horizon: int) -> list[pd.Index[Any]]:
        """Times of the ``horizon`` steps after the end of each series.

        Raises
        ------
        TableError
            When they leave the calendar.
        """
        known: dict[Any, pd.Index[Any]] = {}
        futures = []
        zoned = getattr(self.series[0].times, "tz", None) is not None
        longest = max((one.times for one in self.series), key=len)
        for one in self.series:
            # In a zone, the hour of the day is that of the whole series, or of the longest one.
            key = (one.times[-1], id(one.step), id(one.times) if zoned else 0)
            if key not in known:
                alone = zoned and len(one.times) < MIN_TIMES_TO_TELL_THE_HOUR
                times = longest.append(one.times) if alone else one.times
                known[key] = follow(times, one.step, horizon)
            futures.append(known[key])
        return futures


class Columns(NamedTuple):
    """Rows of a table, read but not yet split into series."""

    stamps: Stamps
    keys: pd.DataFrame
    """Id columns."""

    codes: npt.NDArray[Any]
    """Number of the series of each row."""

    covariates: pd.DataFrame
    chosen: Chosen
    label: str
    """Name of the time column."""


def read_panel(
    table: Table, reading: Reading | None = None, usual: tuple[str, Step] | None = None
) -> Panel:
    """Read a long table (id, time, value), one series (time, value) or a wide table (time and
    several numeric columns). Rows may come in any order.

    Parameters
    ----------
    table : Table
        Rows and columns.
    reading : Reading, optional
        What the table does not say itself.
    usual : (str, Step), optional
        A series elsewhere, and its frequency, of which a part of a table has to be.

    Raises
    ------
    TableError
        When a column, a date or a frequency can not be used.
    """
    reading = reading or Reading()
    step = None if reading.freq is None else parse_step(reading.freq)
    found = read_columns(table, reading)
    series, keys, filled = _split(found, step, reading, table, usual)
    return Panel(
        series,
        keys,
        found.label,
        found.stamps,
        found.chosen,
        len(found.chosen.values),
        table.notes,
        filled,
        table.remark,
    )


def read_columns(table: Table, reading: Reading) -> Columns:
    """Choose columns and read them.

    Raises
    ------
    TableError
        When a column or a date can not be used.
    """
    frame, signs = table.frame, Signs(reading.decimal, reading.thousands)
    named = [*reading.time, *reading.id, *reading.value]
    covariates = [*reading.known, *reading.past, *reading.static]
    for name in (*named, *covariates):
        if name not in frame:
            raise TableError(f"{table.name} has no column {name!r}, only {quoted(names_of(frame))}")
    for name in named:
        if named.count(name) > 1:
            raise TableError(f"column {name!r} was chosen twice")
    others = _covariates(table, reading, signs)
    free = frame.drop(columns=[name for name in covariates if name not in named])
    if not reading.time:
        _refuse_years(free)
    time = [] if reading.no_time else list(reading.time) or _time(table, free, named)
    repeated = bool(time) and _duplicated(frame, time)
    levels = [name for name in table.index_levels if name not in (*named, *time, *covariates)]
    ids, not_ids = list(reading.id) or levels, dict[str, str]()
    if not ids:
        ids, not_ids = find_ids(free, time, reading.value, repeated)
    keys = _read_ids(table, ids)
    codes = key_numbers(keys)
    joined = "" if reading.id or not repeated else year_before(frame, time, ids)
    if joined:
        raise TableError(f"{quoted(time)} starts anew in each {quoted(ids)}", joined)
    if repeated:
        _refuse_few_ids(free, time, ids, codes, reading)
    rest = [name for name in names_of(free) if not time and name not in (*named, *ids)]
    dates = [name for name in rest if may_hold_time(name, frame[name])]
    stamps, label = read_stamps(frame, time, codes, reading, dates)
    if reading.value:
        values, notes = read_values(table, reading.value, signs)
        rest = [name for name in names_of(free) if name not in (*time, *ids, *values)]
        chosen = Chosen(time, ids, values, dict.fromkeys(rest, "not named"), notes)
    else:
        no_value = [name for name in not_ids if is_numeric_dtype(free[name])]
        names = [name for name in names_of(free) if name not in no_value]
        chosen = find_values(table, names, time, ids, signs, stamps.index)
        chosen.left_out |= dict.fromkeys(no_value, "")
    chosen.covariates = list(dict.fromkeys(covariates))
    chosen.not_ids = {name: why for name, why in not_ids.items() if name in chosen.left_out}
    chosen.left_out |= chosen.not_ids
    used = [*time, *ids, *chosen.values, *covariates]
    if len(set(used)) < len(used):
        raise TableError(f"a column was chosen twice among {', '.join([*named, *covariates])}")
    return Columns(stamps, keys, codes, others, chosen, label)


def _time(table: Table, free: pd.DataFrame, named: list[str]) -> list[str]:
    names = names_of(table.frame)
    dates = [name for name in names if date_formats(name) and not name.isdecimal()]
    numbers = all(map(is_number, names))
    if table.content is not None and (numbers or len(dates) == 1 or dates[:1] == names[:1]):
        raise TableError(
            f"{table.name} has values such as {(dates or names)[0]} in its first line",
            "add a header, or count rows of numbers with no_time=True",
        )
    months = [name for name in names if name.strip().lower()[:3] in MONTHS and len(name) < 10]
    counted = [name for name in names if re.fullmatch(r"[A-Za-z]+_?\d+", name)]
    counted = (
        counted if 2 * len(counted) > len(names) and len(counted) > MAX_NUMBERED_COLUMNS else []
    )
    sideways = dates if len(dates) > 1 else months if len(months) == 12 else []
    if (
        not sideways
        and counted
        and not any(may_hold_time(name, free[name]) for name in names_of(free))
    ):
        sideways = counted
    if sideways:
        raise _turned(sideways[0])
    return find_time(free, named)


def _refuse_years(free: pd.DataFrame) -> None:
    """Refuse columns for years, unless their rows have dates: then the years are names."""
    names = names_of(free)
    years = years_among(names)
    if years and not any(may_hold_dates(free[name]) for name in names if name not in years):
        raise _turned(years[0])


def _turned(name: str) -> TableError:
    return TableError(
        f"columns such as {name!r} are times: each row holds a series or a year",
        "turn the table around, such as by pandas.melt",
    )


def _refuse_few_ids(
    frame: pd.DataFrame,
    time: list[str],
    ids: list[str],
    codes: npt.NDArray[Any],
    reading: Reading,
) -> None:
    """Refuse ids that leave most times with several rows, and say which would not."""
    stamps = key_numbers(frame[time])
    both = pd.Series(codes * (stamps.max() + 1) + stamps)
    repeated = both.duplicated(keep=False).mean() > MAX_REPEATED_FRACTION
    hint = suggest_ids(frame, time, ids, reading.value) if repeated else ""
    if hint:
        more = f" and {quoted(ids)}" if ids else ""
        raise TableError(f"several rows have the same {quoted(time)}{more}", hint)


def _duplicated(frame: pd.DataFrame, time: list[str]) -> bool:
    """Whether several rows have the same time."""
    for name in time:
        first = first_cell(frame[name])
        if isinstance(first, UNREADABLE):
            raise TableError(f"column {name!r} holds cells of {type(first).__name__}, no dates")
    return bool(frame.duplicated(time).any())


def _covariates(table: Table, reading: Reading, signs: Signs) -> pd.DataFrame:
    names = [*reading.known, *reading.past, *reading.static]
    others = table.frame[names].copy()
    for name in (*reading.known, *reading.past):
        column = table.frame[name]
        others[name] = check_numbers(column, read_column(table, name, signs), AS_NUMBERS)
    written = table.as_written(list(dict.fromkeys(reading.static))).astype(str)
    for name in reading.static:
        # Tables with an empty cell hold, and are written with, 1.0 for 1.
        category = written[name].str.replace(WHOLE_NUMBER_WITH_DECIMALS, r"\1", regex=True)
        others[name] = category.where(table.frame[name].notna())
    return others


def _read_ids(table: Table, ids: list[str]) -> pd.DataFrame:
    """Take the id columns. Those of a CSV file stay as they are written, such as 007 or NA."""
    keys = table.frame[ids]
    if table.content is not None and ids:
        text = table.as_written(ids)
        text = text.mask(text == "")
        keys = keys if keys.astype(str).equals(text) else text
    for name in ids:
        refuse_missing(keys[name])
        first = keys[name].iloc[0]
        if isinstance(first, UNREADABLE):
            raise TableError(f"column {name!r} holds cells of {type(first).__name__}, no ids")
    return keys


def key_numbers(keys: pd.DataFrame) -> npt.NDArray[Any]:
    """Number of the key of each row, such as of its series, in the order in which they appear."""
    if not keys.columns.size:
        return np.zeros(len(keys), dtype=np.int64)
    if keys.columns.size == 1:
        return pd.factorize(keys.iloc[:, 0])[0]
    return keys.groupby(list(keys), sort=False, observed=True).ngroup().to_numpy()


def _split(
    found: Columns,
    step: Step | None,
    reading: Reading,
    table: Table,
    usual: tuple[str, Step] | None,
) -> tuple[list[Series], pd.DataFrame, list[Filled]]:
    """Sort rows by series and time, and find the frequency of every series."""
    stamps, ids, codes, covariates, chosen, _ = found
    columns, index = chosen.values, stamps.index
    counts = index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy()
    order: Any = np.lexsort((counts, codes))
    if (order == np.arange(len(order))).all():
        order = slice(None)  # keeps views, where rows are many
    codes, counts, index = codes[order], counts[order], index[order]
    is_history = (np.arange(len(codes)) < table.history_rows)[order]
    columns = {name: column[order] for name, column in columns.items()}
    same = codes[1:] == codes[:-1]
    starts = np.concatenate([[0], np.flatnonzero(~same) + 1])
    ends = np.append(starts[1:], len(codes))
    keys = ids.iloc[order].iloc[starts].reset_index(drop=True)
    rest = f" and {len(columns) - 1} more" if len(columns) > 1 else ""
    labels = list(map(list, keys.astype(str).to_numpy().tolist()))
    names = [", ".join(label) or f"{next(iter(columns))}{rest}" for label in labels]
    twice = np.flatnonzero(same & (counts[1:] == counts[:-1]))
    if twice.size:
        which = int(np.searchsorted(starts, twice[0], side="right")) - 1
        hint = suggest_ids(table.frame, chosen.time, chosen.ids, list(columns))
        if may_be_a_change_of_the_clock(index[twice[0]]):
            hint = hint or "if the clock was changed there, give timezone=, else drop one"
        raise TableError(
            f"series {names[which]!r} has two rows for {show(index[twice[0]])}",
            hint or "add them up or drop one, or name the columns that tell series apart with id=",
        )
    every = [index[start:end] for start, end in zip(starts, ends, strict=True)]
    given = step if step is not None else _own_step(stamps, every)
    members = list(zip(names, every, strict=True))
    try:
        steps = find_steps(members, given, gaps=reading.fill_gaps, usual=usual)
    except TableError as error:
        if not seem_since_1970(index):
            raise
        epochs = "if they are seconds since 1970, or parts of them, give date_format='%s'"
        raise TableError(error.fault, f"{error.remedy}; {epochs}") from error
    series, filled = list[Series](), list[Filled]()
    others: Any = covariates.iloc[order] if covariates.columns.size else None
    parts = list(columns.values())
    for label, name, times, own, start, end in zip(
        labels, names, every, steps, starts, ends, strict=True
    ):
        own_parts = [part[start:end] for part in parts]
        part = None if others is None else others.iloc[start:end].reset_index(drop=True)
        if reading.fill_gaps:
            present = len(times)
            times, own_parts, part = _filled(times, own_parts, part, own)
            if len(times) > present:
                filled.append(Filled(name, present, len(times)))
        if reading.known:
            observed = np.flatnonzero(~np.isnan(own_parts).all(axis=0))
            if not observed.size:
                raise TableError(f"series {name!r} has no values")
            last = int(observed[-1]) + 1
            history = index[start:end][is_history[start:end]]
            if len(history):  # the rows of the future are in another table
                last = int(times.get_indexer(history[-1:])[0]) + 1
            times, own_parts = times[:last], [values[:last] for values in own_parts]
        for variable, values in zip(columns, own_parts, strict=True):
            full = ", ".join([*label, variable] if len(columns) > 1 else label or [variable])
            series.append(Series(full, variable, times, values, own, part))
    if len(columns) > 1:
        if VARIABLE in keys:
            raise TableError(
                f"column {VARIABLE!r} has the name of a column of the result", "rename it"
            )
        keys = keys.loc[keys.index.repeat(len(columns))].reset_index(drop=True)
        keys[VARIABLE] = list(columns) * len(labels)
    return series, keys, filled


def _own_step(stamps: Stamps, every: list[pd.Index[Any]]) -> Step | None:
    """Frequency that the type of the time column has, where times alone are too few."""
    if stamps.frequency is None or max(map(len, every)) > 2:
        return None
    return find_step(stamps.frequency)


def _filled(
    times: pd.Index[Any], columns: list[Array], covariates: pd.DataFrame | None, step: Step
) -> tuple[pd.Index[Any], list[Array], pd.DataFrame | None]:
    """Put missing values where times are absent."""
    at = positions(times, step)
    assert at is not None  # find_steps has made sure
    if at[-1] == len(at) - 1:
        return times, columns, covariates
    whole = np.full((len(columns), at[-1] + 1), np.nan)
    whole[:, at] = columns
    if covariates is not None:
        covariates = covariates.set_axis(at).reindex(range(at[-1] + 1))
    filled = times[:1].append(follow(times, step, int(at[-1]), after=0))
    return filled, list(whole), covariates


def _as(notes: Sequence[str]) -> str:
    told = ", ".join(note for note in notes if note)
    return f" ({told})" if told else ""


def summary(panel: Panel, horizon: int) -> str:
    """Horizon, series and frequency of a forecast, as one line."""
    count = len(panel.series)
    which = f"series {panel.series[0].name!r}" if count == 1 else f"{count} series"
    frequencies = dict.fromkeys(describe(series.step) for series in panel.series)
    told = f"frequency {', '.join(frequencies)}"
    if isinstance(panel.series[0].step, int):  # between whole numbers
        told += f" in {panel.time!r}" if panel.chosen.time else " row"
    return f"{horizon} steps of {which}, {told}"
