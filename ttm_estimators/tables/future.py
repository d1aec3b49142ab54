"""Rows of another table, with the covariates that are known in the future, behind the histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_estimators.tables.columns import Signs, may_hold_time, names_of, read_column
from ttm_estimators.tables.dates import first_cell
from ttm_estimators.tables.errors import TableError, quoted
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.numbers import not_numeric
from ttm_estimators.tables.panel import AS_NUMBERS, Panel, key_numbers, read_panel
from ttm_estimators.tables.reading import Reading
from ttm_estimators.tables.steps import show
from ttm_estimators.tables.times import from_new_to_old


def read_with_future(table: Table, future: Table, reading: Reading) -> Panel:
    """Read a panel whose known covariates go on in another table.

    Parameters
    ----------
    table : Table
        Histories, with the columns of all covariates.
    future : Table
        Rows after them, with the same columns of times and ids, and the known covariates.
    reading : Reading
        With some that are known.

    Raises
    ------
    TableError
        When a column is lacking in one of the two, or is of another type there, when ids are
        written in another way, or when rows do not go on where a series ends.
    """
    frame, ahead = table.frame, future.frame
    covariates = [*reading.known, *reading.past, *reading.static]
    lacking = [name for name in covariates if name not in frame]
    if lacking:
        raise TableError(
            f"{table.name} has no column {quoted(lacking)}, only {quoted(names_of(frame))}"
        )
    named = {*reading.time, *reading.id, *reading.value}
    bare = replace(table, frame=frame.drop(columns=list({*covariates} - named)))
    alone = read_panel(bare, replace(reading, known=(), past=(), static=()))
    past = alone.chosen
    needed = [*past.time, *past.ids, *reading.known]
    absent = [name for name in needed if name not in ahead]
    if absent:
        raise TableError(
            f"{future.name} has no column {quoted(absent)}, only {quoted(names_of(ahead))}"
        )
    given, order = future, np.arange(len(ahead))
    if not past.time:
        table, future, order = _from_old_to_new(table, future, alone, reading)
        frame, ahead = table.frame, future.frame
    written: dict[str, pd.Series[Any]] = {}
    if table.content is not None and future.content is not None:
        texts = table.as_written(names_of(frame)), future.as_written(needed)
        written = {str(name): text for name, text in pd.concat(texts, ignore_index=True).items()}
    ahead = ahead[needed].reset_index(drop=True)
    for name in (*past.time, *past.ids):
        if written and ahead[name].dtype != frame[name].dtype:  # such as ids 007 and 10
            frame = frame.assign(**{name: table.text[name]})
            ahead[name] = future.text[name].to_numpy()
        ahead[name] = _cast(ahead[name], frame[name], table.name, future.name)
    new, unused = np.ones(len(ahead), dtype=bool), []
    if past.ids:
        rows, series = ahead[past.ids].astype(object), frame[past.ids].astype(object)
        if written:  # ids that are numbers in both may be 001 in one and 1 in the other
            rows, series = (each.as_written(past.ids) for each in (future, table))
        new, others = _is_known(rows, series, table.name, future.name)
        unused += others
    both = pd.concat([frame, ahead], ignore_index=True)
    if past.time:
        keys = [*past.time, *past.ids]
        twice = new & ahead.duplicated(keys).to_numpy()
        if twice.any():
            which = first_row(ahead[twice], keys)
            raise TableError(f"{future.name} has two rows for {which}", "drop one")
        again = _find_again(ahead, frame, keys, reading.known)
        if again.differ:
            unused.append(
                f"{future.name} and {table.name} have other values of {quoted(again.differ)} at "
                f"the same times, such as {again.example}: those of {table.name} count"
            )
        for columns in (both, written):
            for name in {*reading.known} & {*columns}:
                columns[name] = _completed(columns[name], again, len(frame))
        new[again.rows] = False
    origin = np.flatnonzero(new)
    kept = np.concatenate([np.ones(len(frame), dtype=bool), new])
    written = {name: text[kept].reset_index(drop=True) for name, text in written.items()}
    both = both[kept].reset_index(drop=True)
    for name in reading.static:
        for columns in (both, written):
            if name in columns:
                columns[name] = _repeated(columns[name], both, past.ids)
    reading = replace(reading, time=past.time, id=past.ids, value=list(past.values))
    name = f"{table.name} with {future.name}"
    joined = _joined((table, future), both, name, written)
    for each in reading.known:
        wrong = read_column(joined, each, Signs(reading.decimal, reading.thousands)).wrong
        if wrong.size and wrong[0] >= len(frame):
            row = int(order[origin[wrong[0] - len(frame)]])
            raise not_numeric(given.frame[each], row, AS_NUMBERS, of=f" of {future.name}")
    try:
        panel = read_panel(joined, reading)
    except TableError as error:
        if "has gaps" not in error.fault:
            raise
        raise TableError(
            f"{name}: {error.fault}", "let the future go on where the histories end"
        ) from error
    past.covariates = panel.chosen.covariates
    empty = [
        each for each in past.values if each in future.frame and future.frame[each].isna().all()
    ]
    more = [each for each in names_of(future.frame) if each not in (*needed, *empty)]
    notes = [*alone.notes, *future.notes, *[f"{quoted(more)} of {future.name}"][: len(more)]]
    if not past.time:
        panel = replace(panel, stamps=replace(panel.stamps, notes=alone.stamps.notes))
    return replace(panel, chosen=past, notes=notes, unused_future=unused)


def _from_old_to_new(
    table: Table, future: Table, alone: Panel, reading: Reading
) -> tuple[Table, Table, npt.NDArray[np.intp]]:
    """Turn tables whose rows are counted, and run from new to old.

    Returns
    -------
    table, future : Table
        With rows from old to new.
    order : array
        Where the rows of the future stood.
    """
    ids, frame = alone.chosen.ids, future.frame
    codes = key_numbers(frame[ids])
    others = [name for name in names_of(frame) if name not in (*ids, *reading.known)]
    dates = [name for name in others if may_hold_time(name, frame[name])]
    order = np.arange(len(frame))
    if alone.stamps.notes:
        table = _in_order(table, _from_last_to_first(key_numbers(table.frame[ids])))
        if not dates and len(np.unique(codes)) < len(codes):
            raise TableError(
                f"rows of {table.name} are counted {alone.stamps.notes[0]}, and {future.name} has "
                "no dates to tell which of its rows comes first",
                "give it a column of dates too",
            )
    if from_new_to_old(frame, codes, dates):
        order = _from_last_to_first(codes)
        future = _in_order(future, order)
    return table, future, order


def _from_last_to_first(codes: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Order of rows in which those of a series stand the other way round."""
    return np.lexsort((-np.arange(len(codes)), codes))


def _in_order(table: Table, order: npt.NDArray[np.intp]) -> Table:
    """Rows of a table in another order, and the text of its file."""
    text: Any = {} if table.content is None else table.as_written(names_of(table.frame))
    turned = {str(name): column.iloc[order].reset_index(drop=True) for name, column in text.items()}
    return replace(table, frame=table.frame.iloc[order].reset_index(drop=True), text=turned)


def _is_known(
    rows: pd.DataFrame, series: pd.DataFrame, past: str, future: str
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """Which rows of the future are of a series of the past, and a sentence on others.

    Others are an error where a series of the past has none, for then ids may be written in
    different ways.
    """
    ids = names_of(rows)
    series, futures = series.drop_duplicates(), rows.drop_duplicates()
    known = rows.merge(series, "left", ids, indicator="found")["found"].eq("both").to_numpy()
    if known.all():
        return known, []
    which = first_row(rows[~known], ids)
    if series.merge(futures, "left", ids, indicator="found")["found"].eq("left_only").any():
        raise TableError(
            f"{future} has rows of {which}, {past} none, but of {first_row(series, ids)}",
            "write ids the same way in both",
        )
    more = len(futures) - len(series) - 1
    others = f" and {more} more series" if more else ""
    return known, [f"{future} has rows of {which}{others}, {past} none: they are not used"]


class _Again(NamedTuple):
    """Rows of the future that the past has too."""

    rows: npt.NDArray[np.intp]
    of_past: npt.NDArray[np.intp]
    """The rows of the past, as many."""

    differ: list[str]
    """Columns with other values there."""

    example: str


def _find_again(
    ahead: pd.DataFrame, frame: pd.DataFrame, keys: list[str], known: Sequence[str]
) -> _Again:
    """Find the rows of the future that the past has by their times and ids."""
    once = np.flatnonzero(~frame.duplicated(keys))
    of_once = pd.MultiIndex.from_frame(frame[keys].iloc[once])
    at = of_once.get_indexer(pd.MultiIndex.from_frame(ahead[keys]))
    rows = np.flatnonzero(at >= 0)
    of_past = once[at[rows]]
    theirs = ahead[[*known]].iloc[rows]
    ours = frame[[*known]].iloc[of_past].set_axis(theirs.index)
    other = theirs.astype(object).ne(ours.astype(object)) & ours.notna()
    # A cell of words makes text of all numbers of its column.
    numbers = (each.apply(pd.to_numeric, errors="coerce") for each in (theirs, ours))
    other &= next(numbers).ne(next(numbers))
    differ = [name for name in known if other[name].any()]
    example = first_row(ahead.iloc[rows][other.any(axis=1)], keys) if differ else ""
    return _Again(rows, of_past, differ, example)


def _completed(column: pd.Series[Any], again: _Again, past_rows: int) -> pd.Series[Any]:
    """Give rows of the past without a value the one that the future has at their time."""
    lacks = (column.isna() | (column == "")).to_numpy()[again.of_past]
    completed = column.copy()
    completed.iloc[again.of_past[lacks]] = column.iloc[past_rows + again.rows[lacks]].to_numpy()
    return completed


def _repeated(column: pd.Series[Any], rows: pd.DataFrame, ids: list[str]) -> pd.Series[Any]:
    """Give rows without a category the one that their series has before them."""
    found = column.mask(column == "")
    if not ids:
        return found.ffill()
    return found.groupby([rows[name] for name in ids], observed=True).ffill()


def _joined(
    tables: tuple[Table, Table], frame: pd.DataFrame, name: str, written: dict[str, pd.Series[Any]]
) -> Table:
    table, future = tables
    separator = table.separator if table.separator == future.separator else None
    text = {name: column.fillna("") for name, column in written.items()}
    # Where the other table brings no rows, those of the future stand below the histories.
    rows = len(table.frame) if len(frame) > len(table.frame) else 0
    joined = replace(table, frame=frame, name=name, text=text, history_rows=rows)
    if text:
        return replace(joined, separator=separator)
    return replace(joined, content=None, separator=None)


def first_row(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """Some cells of the first row, for a message."""
    cells = rows[list(names)].astype(object).iloc[0]
    return ", ".join(show(cell) if isinstance(cell, pd.Timestamp) else repr(cell) for cell in cells)


def _cast(column: pd.Series[Any], like: pd.Series[Any], past: str, future: str) -> pd.Series[Any]:
    """Give a column of the future the type of that of the past, without loss."""
    if column.dtype == like.dtype:
        return column
    try:
        cast = column.astype(like.dtype)
        same = bool((cast.astype(column.dtype) == column).all())
    except (TypeError, ValueError):
        same = False
    if not same or isinstance(first_cell(column), str) != isinstance(first_cell(like), str):
        raise TableError(
            f"{column.name!r} is {column.dtype} in {future} and {like.dtype} in {past}",
            "give it the same type in both",
        )
    return cast
