"""Tables in files: CSV with any usual separator, Parquet, compressed, or on standard input."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from ttm_estimators.tables.dates import date_formats, years_among
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.numbers import MISSING, is_number

STDIN = Path("-")

SEPARATORS = ",;\t|"

HEADER_SEARCH_ROWS, HEADER_SEARCH_LETTERS = 50, 2**20
"""Start of a CSV file in which its header is searched for."""

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet")

QUOTED_GROUPS = re.compile(rb'"\s*[-+]?[1-9]\d{0,2}\.\d{3}\s*"')
"""A number in quotes with a dot that may part thousands."""


@dataclass
class Table:
    """Rows and columns, and facts about the file that a DataFrame does not keep."""

    frame: pd.DataFrame

    name: str
    """Name in messages."""

    separator: str | None = None
    """Of a CSV file."""

    notes: list[str] = field(default_factory=list)
    """What was left out of a file."""

    content: bytes | None = None
    header: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    """Text of a CSV file, lines before its header, and options of its parser."""

    text: dict[str, pd.Series[Any]] = field(default_factory=dict)
    """Columns that were read as text, so that none is parsed twice."""

    remark: str = ""
    """How a file was read, where that is not what its name says."""

    index_levels: list[str] = field(default_factory=list)
    """Columns that were levels of a MultiIndex."""

    history_rows: int = 0
    """Rows before those of another table, with the future of known covariates. 0: there is none."""

    @cached_property
    def may_part_thousands(self) -> bool:
        """Whether dots in plain numbers may part thousands: not where commas part fields, unless
        numbers are quoted. Programs that write dots for decimals write such files.
        """
        if self.separator != ",":
            return True
        return self.content is not None and QUOTED_GROUPS.search(self.content) is not None

    def as_written(self, names: list[str]) -> pd.DataFrame:
        """Columns of a CSV file as text, "" where empty; others as they are."""
        if self.content is None or not names:
            return self.frame[names]
        columns = list(self.frame.columns)
        indices = sorted(columns.index(name) for name in names if name not in self.text)
        if indices:
            options = {"dtype": str, "keep_default_na": False, "usecols": indices, **self.options}
            text = _parse_csv(self.content, self.separator, self.header, **options)
            self.text |= {columns[index]: text.iloc[:, i] for i, index in enumerate(indices)}
        return pd.DataFrame({name: self.text[name] for name in names})


def read_file(path: Path, *, headless: bool = False) -> Table:
    """Read a CSV or Parquet file, which may be compressed by gzip, or "-" for standard input.

    Parameters
    ----------
    path : Path
        File.
    headless : bool, default False
        Whether a first line of numbers is a row. It is otherwise refused.

    Raises
    ------
    TableError
        When it does not exist, is of another kind, damaged, or has no rows.
    OSError
        When the system does not let it be read.
    """
    if path != STDIN and not path.exists():
        raise TableError(f"{path} does not exist")
    if path != STDIN and (path.is_dir() or not path.name.lower().endswith(SUFFIXES)):
        raise TableError(f"{path} is neither a .csv nor a .parquet file")
    name = "standard input" if path == STDIN else str(path)
    try:
        content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        if content[:4] == b"PAR1" or path.name.lower().endswith(".parquet"):
            # Not by pyarrow's datasets, whose threads may abort a process that ends soon after.
            table = Table(_read_parquet(content, name), name)
        else:
            table = _read_csv(content, name, headless)
    except pd.errors.EmptyDataError:
        raise TableError(f"{name} is empty") from None
    except UnicodeDecodeError:
        raise TableError(f"{name} is not UTF-8 text", "save it as CSV in UTF-8") from None
    except pd.errors.ParserWarning:
        raise TableError(
            f"{name} has rows with more fields than its header", "are there commas inside numbers?"
        ) from None
    except (OSError, EOFError, zlib.error, ValueError, NotImplementedError) as error:
        if isinstance(error, TableError) or getattr(error, "errno", None) is not None:
            raise
        raise TableError(f"{name} can not be read: {error}") from error
    table.index_levels = index_levels_of(table.frame)
    table.frame = with_index(table.frame)
    if table.frame.empty:
        raise TableError(f"{name} has no rows")
    return table


def _read_parquet(content: bytes, name: str) -> pd.DataFrame:
    parquet = _parquet(name)
    try:
        # By this thread alone: Arrow's may abort a process that ends soon after, as of a refusal.
        file = parquet.ParquetFile(io.BytesIO(content), pre_buffer=False)
        return file.read(use_threads=False).to_pandas(use_threads=False)
    except import_module("pyarrow").ArrowException as error:  # not all are a ValueError
        raise TableError(f"{name} can not be read: {error}") from error


def _parquet(name: str) -> Any:
    try:
        return import_module("pyarrow.parquet")
    except ImportError:
        raise TableError(
            f"{name} is Parquet, which needs pyarrow, install it with: "
            'pip install "ttm-estimators[parquet]"'
        ) from None


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of an index that holds more than row numbers, and names of text.

    Raises
    ------
    TableError
        When two columns have the same name.
    """
    frame = frame.set_axis([str(name) for name in frame.columns], axis="columns")
    levels: list[Any] = list(frame.index.names)
    twice = [name for name, count in Counter(frame.columns).items() if count > 1]
    if twice:
        raise TableError(f"two columns are called {twice[0]!r}", "rename one")
    copies = [level for level in levels if level is not None and level in frame.columns]
    index = frame.index.droplevel(copies) if 0 < len(copies) < len(levels) else frame.index
    if len(copies) == len(levels) or _is_row_numbers(index, frame):
        frame = frame.reset_index(drop=True)
    else:
        frame = frame.set_axis(index)
        taken = {str(name) for name in frame.columns}
        names = [_level_name(index, i, taken) for i in range(index.nlevels)]
        frame = frame.rename_axis(index=names).reset_index()
    return frame


def index_levels_of(frame: pd.DataFrame) -> list[str]:
    """Names that :func:`with_index` gives to the levels of a MultiIndex."""
    if frame.index.nlevels == 1:
        return []
    columns = {str(name) for name in frame.columns}
    names = [_level_name(frame.index, i, columns) for i in range(frame.index.nlevels)]
    return [name for name in names if name not in columns]


def _level_name(index: pd.Index[Any], i: int, taken: set[str]) -> str:
    if index.names[i] is not None:
        return str(index.names[i])
    values = index.get_level_values(i)
    timed = isinstance(values, (pd.DatetimeIndex, pd.PeriodIndex)) or (
        index.nlevels == 1 and pd.api.types.is_integer_dtype(values.dtype)
    )
    usual = ("time", "index") if timed else ("index" if index.nlevels == 1 else f"level_{i}",)
    return next(name for name in (*usual, f"index_{i}", f"index level {i}") if name not in taken)


def _is_row_numbers(index: pd.Index[Any], frame: pd.DataFrame) -> bool:
    """Whether an index only counts rows, as after a filter or a concatenation."""
    if index.nlevels > 1 or index.name is not None:
        return False
    if isinstance(index, pd.RangeIndex) and index.start == 0:
        return True
    if not pd.api.types.is_integer_dtype(index.dtype):
        return False
    from ttm_estimators.tables.columns import may_hold_time

    timed = any(may_hold_time(str(name), frame[name]) for name in frame)
    return timed or not index.is_unique


def _read_csv(content: bytes, name: str, headless: bool) -> Table:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # how spreadsheets save "Unicode text"
        try:
            content = content.decode("utf-16").encode()
        except UnicodeDecodeError:
            content.decode("utf-8")
            raise
    remark = ""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in content:
            raise
        text = content.decode("cp1252")  # how spreadsheets save in Western Europe
        content = text.encode()
        remark = "the text was read as Windows-1252, for it is not UTF-8"
    if "\0" in text:  # pandas would read such a field as missing
        raise ValueError("it is not text")
    separator, header, names, notes = find_header(text[:HEADER_SEARCH_LETTERS])
    table = Table(pd.DataFrame(), name, separator, notes, content, header, remark=remark)
    numbers = any(is_number(name) or date_formats(name) for name in names)
    if headless and numbers and not years_among(names):
        told = "the first line was read as a row, for it has numbers or dates"
        table.remark = "; ".join(filter(None, [remark, told]))
        table.options = {"header": None}
        frame = _parse_csv(content, separator, header, **table.options)
        table.frame = frame.set_axis([f"column {i + 1}" for i in range(frame.shape[1])], axis=1)
        return table
    twice = [each for each, count in Counter(map(str.strip, names)).items() if count > 1 and each]
    if twice and not all(map(is_number, names)):
        raise TableError(f"{name} has two columns called {twice[0]!r}", "rename one")
    table.options = {"skipinitialspace": any(name.lstrip()[:1] == '"' for name in names)}
    frame = _parse_csv(content, separator, header, **table.options)
    frame.columns = frame.columns.map(str.strip)
    _refuse_second_header(frame, name)
    unnamed = frame.columns[0]
    if unnamed.startswith("Unnamed: 0"):  # pandas writes an index without a name
        frame = frame.rename(columns={unnamed: _unnamed(frame) or unnamed})
    table.frame = frame
    return table


def _refuse_second_header(frame: pd.DataFrame, name: str) -> None:
    """Refuse a row of names below a header that lacks some."""
    lacking = any(each.startswith("Unnamed: ") for each in frame.columns[1:])
    cells = list(frame.iloc[0]) if lacking and len(frame) else []
    if cells and all(isinstance(cell, str) and _may_be_name(cell) for cell in cells):
        raise TableError(
            f"{name} has columns without a name, and a row of names below them, such as "
            f"{cells[0]!r}",
            "make one header of both lines",
        )


def _may_be_name(cell: str) -> bool:
    return not (cell.strip().lower() in MISSING or is_number(cell) or date_formats(cell))


def _unnamed(frame: pd.DataFrame) -> str | None:
    """Name for a first column without one, if it may be the time or an id."""
    from ttm_estimators.tables.columns import may_hold_time

    column, others = frame.iloc[:, 0], frame.iloc[:, 1:]
    if column.isna().all():
        return None
    if pd.api.types.is_integer_dtype(column):
        timed = any(may_hold_time(str(name), others[name]) for name in others)
        name = None if timed else "time"
    else:
        name = "time" if may_hold_time("", column) else "id"
    return None if name in frame else name


def find_header(text: str) -> tuple[str, int, list[str], list[str]]:
    """Separator of a CSV file, by its first lines, number of lines before its header, its fields,
    and notes on the lines before it.

    The header is the first row with as many fields as most rows have.
    """
    first = text.split("\n", 1)[0].strip().lower()
    if first.startswith("sep=") and len(first) == 5:  # a line for spreadsheets
        rows = list(_rows(text.split("\n", 1)[-1], first[4]))
        return first[4], 1, rows[0][1] if rows else [], []
    best, maximum = (",", list(_rows(text, ",")), 1), 0
    for separator in SEPARATORS:
        rows = list(_rows(text, separator))
        sizes = Counter(len(fields) for _, fields in rows if len(fields) > 1)
        usual, count = sizes.most_common(1)[0] if sizes else (1, 0)
        if count * (usual - 1) > maximum:
            best, maximum = (separator, rows, usual), count * (usual - 1)
    separator, rows, usual = best
    header = next((i for i, (_, fields) in enumerate(rows) if len(fields) == usual), 0)
    # A row above with fewer fields is the header if the next one holds numbers.
    above = [i for i in range(header) if len(rows[i][1]) > 1]
    if above and any(map(is_number, rows[header][1])):
        header = above[-1]
    line, names = rows[header] if rows else (0, [])
    before = [fields for _, fields in rows[:header] if any(field.strip() for field in fields)]
    told = "the first line" if line == 1 else f"the first {line} lines"
    return separator, line, names, [f"{told} before the header"] if before else []


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """First rows of a text, each behind the number of lines before it."""
    reader, line = csv.reader(io.StringIO(text), delimiter=separator), 0
    with suppress(csv.Error):  # such as a field without end, which pandas will refuse
        for fields in islice(reader, HEADER_SEARCH_ROWS):
            yield line, fields
            line = reader.line_num


def _parse_csv(content: bytes, separator: str | None, skipped: int, **options: Any) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # else fields would be lost
        return pd.read_csv(
            io.BytesIO(content),
            sep=separator,
            index_col=False,
            low_memory=False,
            skiprows=skipped,
            encoding="utf-8-sig",
            **options,
        )
