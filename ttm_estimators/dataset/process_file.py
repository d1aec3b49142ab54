"""One unit of work, from its input file to its output file: what workers run."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from ttm_estimators.dataset.batches import (
    Batch,
    open_parquet,
    read_rows,
    whole_series,
    without_views,
)
from ttm_estimators.dataset.columns import Choice, choose_columns, read_batch, tell
from ttm_estimators.dataset.metadata import differences, identity_of, metadata_of
from ttm_estimators.dataset.task import Task
from ttm_estimators.dataset.unit import Done, Unit
from ttm_estimators.dataset.writer import Writer, kept_types, writing
from ttm_estimators.forecasting import Forecaster, load
from ttm_estimators.inputs.arrays import as_array
from ttm_estimators.inputs.outliers import OutlierWarning
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.panel import Panel

MAX_CELLS_AT_ONCE = 2**25
"""Cells of a table without ids, which is read at once."""

Run = Callable[[Batch], Any]
Tables = Mapping[str, pd.DataFrame]


def process_file(
    unit: Unit,
    output: str,
    task: Task,
    *,
    model: str | None = None,
    device: str = "cpu",
    on_error: Literal["stop", "record"] = "stop",
    identity: Mapping[str, Any] | None = None,
) -> Done:
    """Do a task with the series of a file, and write the results to another.

    The bytes that are written depend on the input, the weights and the options only.

    Parameters
    ----------
    unit : Unit
        Input and output file.
    output : str
        Output folder: a local path or a URL.
    task : Task
        What to do.
    model : str, optional
        Shipped model or a weights folder. It stays in memory for the next file.
    device : str, default "cpu"
        Any torch device.
    on_error : {"stop", "record"}, default "stop"
        Whether a series that can not be used is an error, or is left out and told in the result.
    identity : mapping, optional
        Of the run, as of :func:`~ttm_estimators.dataset.metadata.identity_of`. By another model or
        version nothing is added to it.

    Raises
    ------
    TableError
        When the file can not be read, or a series not be used. The message names both.
    """
    if on_error not in ("stop", "record"):
        raise ValueError(f"on_error must be 'stop' or 'record', got {on_error!r}")
    began = time.perf_counter()
    own = identity_of(task.identity, model)
    if identity is not None and own != identity:
        raise TableError(
            f"the run began with {differences(identity, own)} as there is now",
            "give all workers one version and one model, and start again",
        )
    identity = own
    forecaster = _forecaster(model, device, identity["weights"])
    series, spent = 0, 0.0
    failed: list[tuple[str, str]] = []
    with ExitStack() as stack:
        file = stack.enter_context(open_parquet(unit.path))
        stack.enter_context(_each_warning_once())
        try:
            choice = choose_columns(file, unit, task.reading)
        except ValueError as error:
            raise _named(error, unit.path) from error
        types = (
            {}
            if choice is None
            else kept_types(without_views(file.schema_arrow.empty_table()).schema, choice.ids)
        )
        # The main file is the last to be there, for it says that all is done.
        writers = {"": stack.enter_context(writing(output, unit.target, types))}
        outcomes = [] if choice is None else _outcomes(file, unit, choice, task, forecaster)
        for batch, tables, errors, seconds in outcomes:
            if errors and on_error == "stop":
                raise _named(min(errors.items())[1], unit.path)
            failed += [(batch.names[i], _line(errors[i])) for i in sorted(errors)]
            series += len(batch.names) - len(errors)
            spent += seconds
            for folder, frame in tables.items():
                if folder not in writers:
                    place = writing(output, f"{folder}/{unit.target}", types)
                    writers[folder] = stack.enter_context(place)
                ids = () if folder or choice is None else choice.ids
                _write(writers[folder], frame, unit, ids)
        metadata = metadata_of(unit, identity, series, tuple(failed))
        for writer in writers.values():
            writer.finish(metadata)
    seconds = time.perf_counter() - began
    return Done(unit.target, writers[""].rows, series, seconds, spent, tuple(failed))


def _outcomes(
    file: Any, unit: Unit, choice: Choice, task: Task, forecaster: Forecaster
) -> Iterator[tuple[Batch, Tables, dict[int, ValueError], float]]:
    """Batches, their results, errors of their series by index, and seconds in the task."""
    tell(choice)
    seconds = 0.0

    def read(part: Batch) -> Panel:
        return read_batch(part.table, unit.path, choice)

    def run(part: Batch) -> Tables:
        nonlocal seconds
        panel = read(part)
        start = time.perf_counter()
        try:
            found = task(forecaster, panel)
        finally:
            seconds += time.perf_counter() - start
        return found if isinstance(found, Mapping) else {"": found}

    for batch in _batches(file, unit, choice):
        seconds = 0.0
        yield batch, *_results(batch, read, run), seconds


def _write(writer: Writer, frame: pd.DataFrame, unit: Unit, ids: Sequence[str]) -> None:
    """Write results without the ids that the names of the output's folders hold.

    Readers take what a folder says for a column of the same name, so that no other one may have it.
    """
    try:
        for name, value in unit.partition:
            if name not in frame:
                continue
            if name not in ids or (frame[name].astype(str) != value).any():
                raise TableError(
                    f"column {name!r} of the results is in the name of the folder "
                    f"{name}={value} too, which readers would take for it",
                    "rename the folder or the column",
                )
            frame = frame.drop(columns=name)
        writer.write(frame)
    except TableError as error:
        raise _named(error, unit.path) from error


@lru_cache(maxsize=1)
def _forecaster(model: str | None, device: str, weights: str) -> Forecaster:
    """Load a model, anew where its ``weights`` have changed."""
    return load(model, device=device)


def _batches(file: Any, unit: Unit, choice: Choice) -> Iterator[Batch]:
    if choice.ids:
        yield from whole_series(file, unit, choice.ids, choice.columns)
        return
    rows = file.metadata.num_rows
    if unit.row_groups not in (None, (0, file.num_row_groups)):
        raise TableError(
            f"{unit.path} has no id column, and can not be read in parts",
            "name the columns that tell series apart with id=",
        )
    if rows * len(choice.columns) > MAX_CELLS_AT_ONCE:
        raise TableError(
            f"{unit.path} has {rows} rows and no id column in its first ones, and is too large to "
            "be read at once",
            "name the columns that tell series apart with id=",
        )
    import pyarrow as pa

    table = pa.concat_tables(read_rows(file, unit, choice.columns))
    name = ", ".join(choice.reading.value)
    yield Batch(table, np.zeros(1, dtype=np.int64), (name,))


def _results(
    batch: Batch, read: Callable[[Batch], Panel], run: Run
) -> tuple[Tables, dict[int, ValueError]]:
    """Results of the series that can be used, and errors of the others by their index."""
    try:
        return run(batch), {}
    except ValueError as error:
        first = error

    def check(part: Batch) -> None:
        for one in read(part).series:
            as_array(one.values, f"series {one.name!r}")

    everything = range(len(batch.names))
    errors = _failing(batch, everything, check)  # is quick
    for _ in range(2):
        left = [i for i in everything if i not in errors]
        if not left:
            return {}, errors
        try:
            return run(batch.only(left)), errors
        except ValueError as error:
            first = error
            errors |= _failing(batch, left, run)
    raise first  # the series fail together only


def _failing(batch: Batch, indices: Sequence[int], run: Run) -> dict[int, ValueError]:
    """Errors of single series. Halves of them are tried, and halves of these."""
    if not indices:
        return {}
    try:
        run(batch.only(indices))
    except ValueError as error:
        if len(indices) == 1:
            i = indices[0]
            error = _of_file(error, batch.row + int(batch.starts[i]))
            return {i: _of_series(error, batch.names[i])}
        middle = len(indices) // 2
        return _failing(batch, indices[:middle], run) | _failing(batch, indices[middle:], run)
    return {}


def _of_file(error: ValueError, rows_before: int) -> ValueError:
    """Error that counts rows from the start of the file."""
    if not isinstance(error, TableError):
        return error
    fault = re.sub(r"\bin row (\d+)", lambda at: f"in row {rows_before + int(at[1])}", error.fault)
    return TableError(fault, error.remedy)


def _of_series(error: ValueError, name: str) -> ValueError:
    """Error that names the series."""
    if repr(name) in str(error):
        return error
    return _before(error, f"series {name!r}")


def _named(error: ValueError, path: str) -> ValueError:
    """Error that names the file."""
    return error if path in str(error) else _before(error, path)


def _before(error: ValueError, text: str) -> ValueError:
    if isinstance(error, TableError):
        return TableError(f"{text}: {error.fault}", error.remedy)
    return TableError(f"{text}: {error}")


def _line(error: ValueError) -> str:
    return " ".join(str(error).split())


@contextmanager
def _each_warning_once() -> Iterator[None]:
    """Give the first warning of each kind, and count those of other batches."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    kinds: dict[tuple[type, str], list[str]] = {}
    for each in caught:
        text = str(each.message)
        start = "" if each.category is OutlierWarning else text.split("'")[0]
        kinds.setdefault((each.category, start), []).append(text)
    for (category, _), told in kinds.items():
        more = len(dict.fromkeys(told)) - 1
        rest = f" (and such warnings of {more} more batches)" if more else ""
        warnings.warn(f"{told[0]}{rest}", category, stacklevel=4)
