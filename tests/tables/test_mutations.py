"""Files that someone may really have, with faults drawn from a seed.

``ttm forecast`` has to refuse each in one line, or to forecast all of it.
"""

import ast
import csv
import gzip
import io
import random
import re
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.command_line.conftest import Outcome, run
from tests.tables.mutations.files import SHOWN, File, draw_file
from tests.tables.mutations.sheets import as_number, read_dates
from tests.tiny import tiny_network
from ttm_estimators import save_network, weights
from ttm_estimators.tables.dates import date_formats

SEEDS = 20
FILES = 100
"""Files of each seed."""

HORIZON = 2
LEVELS = (0.1, 0.5, 0.9)

UNSEEN = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning, ImportWarning)
"""Warnings that Python does not print by itself."""

# What the command says


@dataclass
class Told:
    """Columns by the line that says what was read."""

    names: dict[str, list[str]] = field(
        default_factory=lambda: {"time": [], "id": [], "value": [], "left out": []}
    )
    more: dict[str, int] = field(default_factory=dict)
    """Names of long lists that are only counted."""


QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
WORDS = rf"{QUOTED}|\(|\)|; left out: |, values? |, ids? | and \d+ more|time "


def read_told(line: str) -> Told:
    """Read the line, of which all in brackets is a remark."""
    told, use, depth = Told(), "time", 0
    for word in re.findall(WORDS, line):
        if word in "()":
            depth += 1 if word == "(" else -1
        elif depth:
            continue
        elif word[0] in "'\"":
            told.names[use].append(ast.literal_eval(word))
        elif word.endswith(" more"):
            told.more[use] = int(word.split()[1])
        else:
            use = word.strip(",;: ").replace("values", "value").replace("ids", "id")
    return told


# What is in a file


@dataclass
class Contents:
    """Columns as they were written."""

    frame: pd.DataFrame
    faults: list[str] = field(default_factory=list)
    """What no forecast may be made of."""

    indexes: int = 0
    """Levels of an index without a name, which may become columns."""


def read_text(file: File) -> Contents:
    """Read a CSV file by the module csv, of which separator and header are known."""
    assert file.text is not None
    content = gzip.decompress(file.content) if file.text.zipped else file.content
    text = content.decode(file.text.encoding)
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)[file.text.preamble :]
    for skip in (False, True):  # blanks before quotes
        stream = io.StringIO("".join(lines), newline="")
        reader = csv.reader(stream, delimiter=file.text.separator, skipinitialspace=skip)
        rows = [row for row in reader if row and (len(row) > 1 or row[0].strip())]
        header = rows[0] if rows else []
        if not any(name.lstrip()[:1] == '"' for name in header):
            break
    numeric = bool(header) and all(as_number(name) is not None for name in header)
    data = any(as_number(name) is not None or date_formats(name) for name in header)
    faults = []
    if data and "--no-time" in file.options:
        names = [f"column {k + 1}" for k in range(len(header))]
        cells = rows
    else:
        named = io.StringIO(newline="")
        csv.writer(named).writerow(header)
        named.seek(0)
        # pandas has names for columns that are called alike, or not at all.
        names = [str(name).strip() for name in pd.read_csv(named).columns] if header else []
        cells = rows[1:]
        dated = any(read_dates([cell.strip()], file.forms) is not None for cell in header)
        # A first row such as x,861 might be names, but dates and rows of numbers are none.
        if file.text.headless and (dated or numeric) and not set(header) & set(file.options):
            faults.append(f"the first row is taken for the header: {header}"[:SHOWN])
    for row in cells:
        if any(cell.strip() for cell in row[len(names) :]):
            faults.append(f"a row has more fields than the header: {row}"[:SHOWN])
    cells = [(row + [""] * len(names))[: len(names)] for row in cells]
    return Contents(pd.DataFrame(cells, columns=names, dtype=object), faults)


def read_parquet(file: File) -> Contents:
    frame = pd.read_parquet(io.BytesIO(file.content))
    named = [str(name) for name in frame.columns]
    frame = frame.set_axis(named, axis="columns")
    index = frame.index
    levels = [
        pd.Series(index.get_level_values(k), index=index, name=str(name))
        for k, name in enumerate(index.names)
        if name is not None and str(name) not in named
    ]
    counts = isinstance(index, pd.RangeIndex) or pd.api.types.is_integer_dtype(index.dtype)
    unnamed = 0 if counts else sum(name is None for name in index.names)
    parts = [frame.reset_index(drop=True), *(level.reset_index(drop=True) for level in levels)]
    return Contents(pd.concat(parts, axis="columns"), indexes=unnamed)


def times_of(column: pd.Series, forms: list[str]) -> pd.Series | None:
    """Dates in UTC or whole numbers of a column, None where it is not known what they mean."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True)
    cells = [str(cell) for cell in column]
    dates = read_dates(cells, forms) if forms else None
    if dates is not None:
        return dates.set_axis(column.index)
    whole = [re.fullmatch(r"([-+]?\d+)(\.0*)?", cell) for cell in cells]
    if all(whole):
        return pd.Series([int(match[1]) for match in whole if match], column.index, dtype=object)
    return None


# The checks


def check(file: File, folder: Path, output: Path, model: Path) -> str:
    """Forecast a file and say what is wrong, if anything is."""
    data = folder / file.name
    data.write_bytes(file.content)
    arguments = [data, "--horizon", HORIZON, "--model", model, "--output", output]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            done = run("forecast", *arguments, *file.options)
        except Exception as error:
            steps = traceback.extract_tb(error.__traceback__)
            own = [step for step in steps if "ttm_estimators" in step.filename][-1]
            place = f"{Path(own.filename).name}:{own.lineno} {own.name}"
            return f"traceback: {type(error).__name__} at {place}: {str(error)[:SHOWN]}"
    found = {path.name for path in folder.iterdir()}
    if found - {data.name, output.name} or (done.code and output.exists()):
        return f"files are left behind: {sorted(found)}"
    if data.read_bytes() != file.content:
        return "the data have changed"
    shown = [str(each.message) for each in caught if not issubclass(each.category, UNSEEN)]
    if done.code == 2:
        if not re.fullmatch(r"error: \S[^\n\r]*\n", done.err):
            return f"not one line that begins with error: {done.err[:SHOWN]!r}"
        return f"a warning beside the error: {shown[0][:SHOWN]!r}" if shown else ""
    if done.code:
        return f"exit code {done.code}: {done.err[:SHOWN]!r}"
    return check_output(file, done, output)


def check_output(file: File, done: Outcome, output: Path) -> str:
    contents = read_text(file) if file.text is not None else read_parquet(file)
    line = done.out.splitlines()[0]
    no_ids = re.search(r"^Note: took .*? as the ids?, not (.*); choose with --id$", done.err, re.M)
    more = f"; left out: {no_ids[1]}" if no_ids else ""
    told = read_told(re.sub(r"^Read \S+: ", "", line) + more)
    for fault in (*contents.faults, lost_columns(contents, told)):
        if fault:
            return f"silent loss: {fault}; it said {line[:SHOWN]!r}"
    if file.text is not None:
        frame = pd.read_csv(output, dtype=str, keep_default_na=False)
    else:
        frame = pd.read_parquet(output)
    fault = lost_series(contents, told, frame, file)
    return f"silent loss: {fault}; it said {line[:SHOWN]!r}" if fault else ""


def lost_columns(contents: Contents, told: Told) -> str:
    """Columns that are not named."""
    named = [name for names in told.names.values() for name in names]
    known = list(contents.frame.columns)
    absent = [name for name in known if name not in named]
    if absent and absent[0] == known[0] and absent[0].startswith("Unnamed: 0"):
        absent = absent[1:] if {"time", "id"} & (set(named) - set(known)) else absent
    if len(absent) > sum(told.more.values()):
        return f"columns {absent} are not named"
    if len(named) + sum(told.more.values()) < len(known) + contents.indexes:
        return f"{len(named)} columns are named, there are {len(known)}"
    return ""


def lost_series(contents: Contents, told: Told, frame: pd.DataFrame, file: File) -> str:
    """Series or dates that are not in the output."""
    ids, source = told.names["id"], contents.frame
    values = len(told.names["value"]) + told.more.get("value", 0)
    numbers = frame.iloc[:, list(frame.columns).index("median") :].astype(float)
    if not np.isfinite(numbers.to_numpy()).all():
        return "forecasts are not finite"
    if any(name not in source for name in ids):
        return ""  # an index or column without a name
    keys = [tuple(map(str, row)) for row in source[ids].to_numpy(dtype=object)]
    found = [tuple(map(str, row)) for row in frame.iloc[:, : len(ids)].to_numpy(dtype=object)]
    if set(keys) != set(found):
        return f"ids {sorted(set(keys) ^ set(found))[:4]} are in one of input and output only"
    if len(frame) != len(set(keys)) * values * HORIZON:
        return f"{len(frame)} rows for {len(set(keys))} ids and {values} values"
    times, label = told.names["time"], str(frame.columns[len(ids) + (values > 1)])
    if len(times) != 1 or times[0] not in source:
        return ""
    past, future = times_of(source[times[0]], file.forms), as_future(frame[label])
    if (
        past is None
        or future is None
        or isinstance(past.iloc[0], int) != isinstance(future.iloc[0], int)
    ):
        return ""
    last: dict[tuple[str, ...], object] = {}
    for key, time in zip(keys, past, strict=True):
        last[key] = max(last.get(key, time), time)
    for key, time in zip(found, future, strict=True):
        if time <= last[key]:
            return f"{time} of series {key} is not after {last[key]}"
    steps = future.to_numpy().reshape(-1, HORIZON)
    return "" if (steps[:, 1:] > steps[:, :-1]).all() else f"dates do not go on: {steps[0]}"


def as_future(column: pd.Series) -> pd.Series | None:
    times = times_of(column, [])
    if times is not None:
        return times
    dates = pd.to_datetime(column.astype(str), format="ISO8601", errors="coerce", utc=True)
    return None if dates.isna().any() else dates


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = tiny_network(
        context_length=32,
        horizon=8,
        seasons_length=32,
        adaptive_patching_levels=1,
        quantile_levels=LEVELS,
    )
    return save_network(network, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _load_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = weights.load_network(model)
    monkeypatch.setattr(weights, "load_network", lambda path: network)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_mutated_file_is_refused_in_a_line_or_forecast_as_a_whole(seed, model, tmp_path):
    failures = []
    for number in range(FILES):
        file = draw_file(random.Random(f"{seed} {number}"))
        if file is None:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        output = folder / ("out.csv" if file.text is not None else "out.parquet")
        fault = check(file, folder, output, model)
        if fault:
            told = f"seed {seed}, file {number}, {file.mutations}, options {file.options}"
            failures.append(f"{fault}\n{told}\n{file.shown()}")
    assert not failures, f"{len(failures)} of {FILES} files fail\n\n" + "\n\n".join(failures)
