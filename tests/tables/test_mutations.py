"""Files that someone may really have, with faults drawn from a seed.

``ttm forecast`` has to refuse each in one line, or to forecast all of it.
"""

import ast
import csv
import datetime
import decimal
import gzip
import io
import random
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command_line.conftest import Outcome, run
from tests.tiny import tiny_network
from ttm_estimators import save_network, weights

SEEDS = 20
FILES = 100
"""Files of each seed."""

HORIZON = 2
LEVELS = (0.1, 0.5, 0.9)

SHOWN = 300
"""Characters of a file that a failure shows."""

UNSEEN = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning, ImportWarning)
"""Warnings that Python does not print by itself."""


# Well formed tables


@dataclass
class Sheet:
    """A table of text cells."""

    header: list[str]
    rows: list[list[str]]

    forms: list[str]
    """How the dates are written; none where times are whole numbers."""

    separator: str = ","

    headless: bool = False
    """Whether the header was dropped."""

    def cells(self, place: int) -> list[str]:
        return [row[place] for row in self.rows]

    def write(self, place: int, cells: list[str]) -> None:
        for row, cell in zip(self.rows, cells, strict=True):
            row[place] = cell

    def add(self, name: str, cells: list[str], place: int) -> None:
        self.header.insert(place, name)
        for row, cell in zip(self.rows, cells, strict=True):
            row.insert(place, cell)


LONG_NAMES = (
    (("unique_id",), "ds", "y"),
    (("item_id",), "timestamp", "target"),
    (("id",), "date", "value"),
    (("Store",), "Week", "Weekly_Sales"),
    (("station",), "Datum", "Wert"),
    (("store", "product"), "date", "sales"),
    (("Region", "Item Type"), "Order Date", "Units Sold"),
)
WIDE_NAMES = ("load", "temp", "HUFL", "Sales (EUR)", "PJM East", "q", "value", "station 7")
TIME_NAMES = ("date", "Date", "time", "timestamp", "ds", "Zeit", "when")
ID_NAMES = (("a", "b", "c", "d"), ("007", "008", "010", "NA"), ("1", "2", "3", "4"))

CALENDARS = (
    ("D", ["%Y-%m-%d"]),
    ("h", ["%Y-%m-%d %H:%M:%S"]),
    ("h", ["%Y-%m-%dT%H:%M"]),
    ("MS", ["%Y-%m-%d"]),
    ("MS", ["%Y-%m"]),
    ("years", []),
)


def draw_times(draw: random.Random, count: int) -> tuple[list[str], list[str]]:
    alias, forms = draw.choice(CALENDARS)
    if alias == "years":
        first = draw.randrange(1900, 2000)
        return [str(first + k) for k in range(count)], []
    start = draw.choice(["2023-01-01", "2024-03-01", "2021-10-01"])
    return list(pd.date_range(start, periods=count, freq=alias).strftime(forms[0])), list(forms)


def draw_value(draw: random.Random) -> str:
    return draw.choice(["{:.0f}", "{:.1f}", "{:.3f}"]).format(draw.uniform(0, 2000))


def draw_sheet(draw: random.Random) -> Sheet:
    series, count = draw.randint(2, 4), draw.randint(15, 60)
    layout = draw.choice(["long", "long", "long", "single", "wide"])
    if layout == "long":
        ids, time, value = draw.choice(LONG_NAMES)
        times, forms = draw_times(draw, max(5, count // series))
        labels = draw.choice(ID_NAMES)
        rows = []
        for k in range(series):
            label = [labels[k], "xyz"[k % 3]][: len(ids)]
            rows += [[*label, each, draw_value(draw)] for each in times]
        return Sheet([*ids, time, value], rows, forms, draw.choice(",,;\t"))
    width = 1 if layout == "single" else series
    times, forms = draw_times(draw, count)
    names = draw.sample(WIDE_NAMES, width)
    rows = [[each, *(draw_value(draw) for _ in names)] for each in times]
    return Sheet([draw.choice(TIME_NAMES), *names], rows, forms, draw.choice(",,;\t"))


def read_dates(cells: list[str], forms: list[str]) -> pd.Series | None:
    """Dates in UTC of text that is written in some formats, None where it is not."""
    dates = pd.Series(pd.NaT, index=range(len(cells)), dtype="datetime64[ns, UTC]")
    text = pd.Series(cells, dtype=object)
    for form in forms:
        if form.count("%z") > 1:
            return None
        read = pd.to_datetime(text, format=form, errors="coerce", utc=True)
        dates = dates.where(dates.notna(), read.dt.as_unit("ns"))
    return None if dates.isna().any() or not len(cells) else dates


def time_place(sheet: Sheet) -> int | None:
    """Place of the column of dates, or of whole numbers."""
    for place in range(len(sheet.header)):
        cells = sheet.cells(place)
        if sheet.forms and read_dates(cells, sheet.forms) is not None:
            return place
        if not sheet.forms and cells and all(re.fullmatch(r"\d{4}", cell) for cell in cells):
            return place
    return None


def some_place(sheet: Sheet, draw: random.Random) -> int:
    return draw.randrange(len(sheet.header))


def numeric_place(sheet: Sheet, draw: random.Random) -> int:
    """Mostly the last column, which often has the values."""
    return len(sheet.header) - 1 if draw.random() < 0.7 else some_place(sheet, draw)


def as_number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


# Mutations of cells, for every kind of file

CELLS = (
    *("-", "n/k", "x", "1,000", "10,5", "1.234,5", "12%", "$3", "3 $", "inf", "-inf", "nan"),
    *("1e400", "-1e308", "1e308", "1e-320", "True", "false", "2024-02-30", "2024-01-05", "", " "),
    *("NULL", "None", "NaT", "#N/A", "0x1F", "1_000", "٣", "½", "\u22125", "+5", "1e5", ".5", "5."),
    *("9" * 30, "x" * 5000, 'say "no"', '"', "'", "two\nlines", "a\rb", "\u200b", "\ufeff", "🙂"),
    *("[1, 2]", "{'a': 1}", "=1+1", "--help", "007", "1:30", "12:00", "é", "5 kW", "a;b", "a\tb"),
)

NAMES = (
    *("", " ", "median", "variable", "0.1", "0.5", "step", "index", "time", "id", "value", "date"),
    *("y", "1", "2.5", "1e3", "nan", "inf", "2024-01-01", "2024-02-01", "01.02.2024", "Jan 2024"),
    *("two words", " blanks around ", "n" * 3000, "a,b", "a;b", 'say "no"', "two\nlines", "🙂"),
    *("Unnamed: 0", "Unnamed: 3", "level_0", "year", "month", "hour", "week", "é", "None", "True"),
    *("__index_level_0__", "[bold]", "--id", "and 3 more", "(", "column 1", "row", "#", "\\n"),
)


def drop_row(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        del sheet.rows[draw.randrange(len(sheet.rows))]


def drop_many_rows(sheet: Sheet, draw: random.Random) -> None:
    sheet.rows = [row for row in sheet.rows if draw.random() < 0.5]


def keep_few_rows(sheet: Sheet, draw: random.Random) -> None:
    del sheet.rows[draw.randint(0, 4) :]


def gap(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        start = draw.randrange(len(sheet.rows))
        del sheet.rows[start : start + draw.randint(2, 6)]


def duplicate_row(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        row = draw.choice(sheet.rows)
        sheet.rows.insert(draw.randrange(len(sheet.rows) + 1), list(row))


def repeat_header(sheet: Sheet, draw: random.Random) -> None:
    sheet.rows.insert(draw.randrange(len(sheet.rows) + 1), list(sheet.header))


def shuffle_rows(sheet: Sheet, draw: random.Random) -> None:
    draw.shuffle(sheet.rows)


def reverse_rows(sheet: Sheet, draw: random.Random) -> None:
    sheet.rows.reverse()


def drop_column(sheet: Sheet, draw: random.Random) -> None:
    if len(sheet.header) > 1:
        place = some_place(sheet, draw)
        for row in (sheet.header, *sheet.rows):
            del row[place]


def duplicate_column(sheet: Sheet, draw: random.Random) -> None:
    place = some_place(sheet, draw)
    name = sheet.header[place] + draw.choice(["", " copy", ".1"])
    sheet.add(name, sheet.cells(place), some_place(sheet, draw))


def shuffle_columns(sheet: Sheet, draw: random.Random) -> None:
    order = draw.sample(range(len(sheet.header)), len(sheet.header))
    sheet.header = [sheet.header[place] for place in order]
    sheet.rows = [[row[place] for place in order] for row in sheet.rows]


def blank_cell(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        draw.choice(sheet.rows)[some_place(sheet, draw)] = ""


def blank_row(sheet: Sheet, draw: random.Random) -> None:
    sheet.rows.insert(draw.randrange(len(sheet.rows) + 1), [""] * len(sheet.header))


def blank_column(sheet: Sheet, draw: random.Random) -> None:
    sheet.write(some_place(sheet, draw), [draw.choice(["", "nan", "-"])] * len(sheet.rows))


def replace_cell(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        draw.choice(sheet.rows)[some_place(sheet, draw)] = draw.choice(CELLS)


def replace_value(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        draw.choice(sheet.rows)[numeric_place(sheet, draw)] = draw.choice(CELLS)


def replace_first_cell(sheet: Sheet, draw: random.Random) -> None:
    if sheet.rows:
        sheet.rows[0][some_place(sheet, draw)] = draw.choice(CELLS)


def replace_many_cells(sheet: Sheet, draw: random.Random) -> None:
    place, text = some_place(sheet, draw), draw.choice(CELLS)
    sheet.write(place, [text if draw.random() < 0.3 else cell for cell in sheet.cells(place)])


def replace_column(sheet: Sheet, draw: random.Random) -> None:
    sheet.write(some_place(sheet, draw), [draw.choice(CELLS)] * len(sheet.rows))


NUMBER_STYLES: tuple[Callable[[float], str], ...] = (
    lambda number: f"{number:,.2f}",
    lambda number: f"{number:,.0f}",
    lambda number: f"{number:.2f}".replace(".", ","),
    lambda number: f"{number:,.2f}".translate(str.maketrans(",.", ".,")),
    lambda number: f"{number:,.0f}".replace(",", "."),
    lambda number: f"{number:,.0f}".replace(",", " "),
    lambda number: f"{number:.1f}%",
    lambda number: f"${number:.2f}",
    lambda number: f"{number:.1f} €",
    lambda number: f"{number:.3e}",
    lambda number: f"({number:.0f})",
    lambda number: f" {number:.0f} ",
    lambda number: f"{number:.0f} kW",
    lambda number: str(number > 500),
    lambda number: f"{number * 1e300:.0f}",
)


def style_numbers(sheet: Sheet, draw: random.Random) -> None:
    place, style = numeric_place(sheet, draw), draw.choice(NUMBER_STYLES)
    numbers = [as_number(cell) for cell in sheet.cells(place)]
    cells = sheet.cells(place)
    styled = [
        cell if number is None else style(number)
        for cell, number in zip(cells, numbers, strict=True)
    ]
    sheet.write(place, styled)


def rename_column(sheet: Sheet, draw: random.Random) -> None:
    sheet.header[some_place(sheet, draw)] = draw.choice(NAMES)


def rename_all_columns(sheet: Sheet, draw: random.Random) -> None:
    sheet.header = [draw.choice(NAMES) for _ in sheet.header]


def duplicate_name(sheet: Sheet, draw: random.Random) -> None:
    sheet.header[some_place(sheet, draw)] = sheet.header[some_place(sheet, draw)]


def change_case_of_names(sheet: Sheet, draw: random.Random) -> None:
    sheet.header = [draw.choice([name.upper(), name.title(), f" {name}"]) for name in sheet.header]


EXTRA_CELLS: tuple[Callable[[random.Random, int], str], ...] = (
    lambda draw, row: draw.choice(["True", "False"]),
    lambda draw, row: draw.choice(["yes", "no", ""]),
    lambda draw, row: draw.choice(["sunny", "rain"]),
    lambda draw, row: "",
    lambda draw, row: "[1, 2]",
    lambda draw, row: str(row),
    lambda draw, row: str(row // 2),
    lambda draw, row: draw_value(draw),
    lambda draw, row: "7",
    lambda draw, row: f"2024-01-{row % 28 + 1:02}",
    lambda draw, row: f"{row % 24:02}:00",
    lambda draw, row: str(2**63 + row),
    lambda draw, row: str(2**64 + row),
    lambda draw, row: draw.choice(CELLS),
    lambda draw, row: draw.choice(["1", "2", "x", ""]),
)


def add_column(sheet: Sheet, draw: random.Random) -> None:
    cell, name = draw.choice(EXTRA_CELLS), draw.choice([*NAMES, "note", "extra", "flag"])
    cells = [cell(draw, row) for row in range(len(sheet.rows))]
    sheet.add(name, cells, draw.randrange(len(sheet.header) + 1))


def add_ten_columns(sheet: Sheet, draw: random.Random) -> None:
    cell = draw.choice(EXTRA_CELLS)
    for k in range(10):
        cells = [cell(draw, row) for row in range(len(sheet.rows))]
        sheet.add(f"extra {k}", cells, len(sheet.header))


def add_row_numbers(sheet: Sheet, draw: random.Random) -> None:
    first = draw.choice([0, 1, 5])
    cells = [str(first + row) for row in range(len(sheet.rows))]
    sheet.add(draw.choice(["", "", "id", "index", "row", "Unnamed: 0"]), cells, 0)


def add_part_of_date(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    dates = None if place is None else read_dates(sheet.cells(place), sheet.forms)
    if dates is not None:
        part = draw.choice(["year", "month", "day", "hour"])
        cells = [str(getattr(date, part)) for date in dates]
        sheet.add(part, cells, draw.randrange(len(sheet.header) + 1))


TIME_FORMS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%y"),
    *("%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%Y%m%d"),
    *("%Y%m%d%H", "%Y%m%d%H%M%S", "%Y-%m", "%Y%m", "%b-%y", "%b %Y", "%m/%Y", "%Y-%j", "%Y%j"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H", "%Y"),
    *("%y%m%d", "%d%m%Y", "%H:%M %d/%m/%Y", "%A, %d %B %Y", "Week of %Y-%m-%d", "%Y.%m.%d"),
)


def rewrite_times(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    dates = None if place is None else read_dates(sheet.cells(place), sheet.forms)
    if place is not None and dates is not None:
        form = draw.choice(TIME_FORMS)
        sheet.write(place, list(dates.dt.strftime(form)))
        sheet.forms = [form]


def mix_forms(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    dates = None if place is None else read_dates(sheet.cells(place), sheet.forms)
    if place is not None and dates is not None:
        form = draw.choice(TIME_FORMS)
        other, share = list(dates.dt.strftime(form)), draw.choice([0.1, 0.5])
        cells = [
            text if draw.random() < share else cell
            for cell, text in zip(sheet.cells(place), other, strict=True)
        ]
        sheet.write(place, cells)
        sheet.forms = [*sheet.forms, form]


def add_offset(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    if place is not None and sheet.forms:
        offset = draw.choice(["Z", "+00:00", "+02:00", "-0530", " +01:00", "+99:00", " UTC", "+1"])
        sheet.write(place, [cell + offset for cell in sheet.cells(place)])
        blank = " " if offset.startswith(" ") else ""
        sheet.forms = [f"{form}{blank}%z" for form in sheet.forms]


def change_offsets(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    if place is not None and sheet.forms:
        cells = sheet.cells(place)
        half = draw.randrange(len(cells))
        offsets = ["+01:00"] * half + [draw.choice(["+02:00", "", "Z"])] * (len(cells) - half)
        sheet.write(place, [cell + offset for cell, offset in zip(cells, offsets, strict=True)])
        sheet.forms = [f"{form}%z" for form in sheet.forms]


def jitter(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    dates = None if place is None else read_dates(sheet.cells(place), sheet.forms)
    if place is not None and dates is not None:
        size = draw.choice([1, 40, 1000])
        moved = dates + pd.to_timedelta([draw.randint(-size, size) for _ in dates], unit="s")
        sheet.forms = ["%Y-%m-%d %H:%M:%S"]
        sheet.write(place, list(moved.dt.strftime(sheet.forms[0])))


def count_times(sheet: Sheet, draw: random.Random) -> None:
    """Whole numbers in place of dates, small and huge."""
    place = time_place(sheet)
    if place is not None:
        first = draw.choice(
            [
                *(0, 1, -5, -(10**6), 1990, 20230101, 1700000000, 2**31, 2**53, -(2**63)),
                *(2**63 - 61, 2**63 - 5, 2**63, 2**64 - 61, 2**64 - 5, 2**64),
            ]
        )
        step = draw.choice([1, 1, 7, 3600])
        known = {cell: k for k, cell in enumerate(dict.fromkeys(sheet.cells(place)))}
        sheet.write(place, [str(first + step * known[cell]) for cell in sheet.cells(place)])
        sheet.forms = []


def decimals_of_times(sheet: Sheet, draw: random.Random) -> None:
    place = time_place(sheet)
    if place is not None:
        end = draw.choice([".0", ".00", ".5", "e0", ",0"])
        sheet.write(place, [cell + end for cell in sheet.cells(place)])


def split_time(sheet: Sheet, draw: random.Random) -> None:
    """A column for the day and one for the time of day."""
    place = time_place(sheet)
    dates = None if place is None else read_dates(sheet.cells(place), sheet.forms)
    if place is not None and dates is not None:
        form = draw.choice(["%H:%M", "%H:%M:%S", "%I:%M %p", "%H", "%H:%M - 24:00"])
        sheet.add(draw.choice(["hour", "Time", "clock"]), list(dates.dt.strftime(form)), place + 1)
        sheet.forms = ["%Y-%m-%d"]
        sheet.write(place, list(dates.dt.strftime(sheet.forms[0])))


SHEET_MUTATIONS: tuple[Callable[[Sheet, random.Random], None], ...] = (
    *(drop_row, drop_many_rows, keep_few_rows, gap, duplicate_row, repeat_header, shuffle_rows),
    *(reverse_rows, drop_column, duplicate_column, shuffle_columns, blank_cell, blank_row),
    *(blank_column, replace_cell, replace_value, replace_value, replace_first_cell),
    *(replace_many_cells, replace_column, style_numbers, style_numbers, rename_column),
    *(rename_column, rename_all_columns, duplicate_name, change_case_of_names, add_column),
    *(add_column, add_ten_columns, add_row_numbers, add_part_of_date, rewrite_times),
    *(rewrite_times, mix_forms, add_offset, change_offsets, jitter, count_times, count_times),
    *(decimals_of_times, split_time),
)


# Mutations of text files


@dataclass
class Text:
    """A CSV file before it is written."""

    lines: str

    separator: str
    headless: bool
    preamble: int = 0
    """Lines before the header."""

    encoding: str = "utf-8"
    content: bytes = b""
    """What is written to the disk. Empty until it is encoded."""

    zipped: bool = False
    name: str = "data.csv"

    def encode(self) -> bytes:
        if not self.content:
            self.content = self.lines.encode(self.encoding, errors="replace")
        return self.content


def to_text(sheet: Sheet, draw: random.Random) -> Text:
    file = io.StringIO()
    quoting = draw.choice([csv.QUOTE_MINIMAL] * 4 + [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    writer = csv.writer(file, delimiter=sheet.separator, lineterminator="\n", quoting=quoting)
    writer.writerows(sheet.rows if sheet.headless else [sheet.header, *sheet.rows])
    return Text(file.getvalue(), sheet.separator, sheet.headless)


def drop_header(text: Text, draw: random.Random) -> None:
    if not text.preamble and not text.headless:
        rows = csv.reader(io.StringIO(text.lines, newline=""), delimiter=text.separator)
        next(rows, None)
        text.lines = "".join(text.lines.splitlines(keepends=True)[rows.line_num :])
        text.headless = True


def use_pipes(text: Text, draw: random.Random) -> None:
    """Another separator, where it changes nothing else."""
    other = draw.choice("|;\t,")
    if other not in text.lines and '"' not in text.lines:
        text.lines = text.lines.replace(text.separator, other)
        text.separator = other


def add_preamble(text: Text, draw: random.Random) -> None:
    lines = draw.choice(
        [
            *(["Sales of 2024"], ["Report", ""], ["Source: a, b and c"], [""], ["", "", ""]),
            *(["# made by hand"], ["Station;7", "Unit;kW"], ["a,b,c,d,e,f"], ["1,2,3"], [","]),
            *(["Data from 2024-01-01", "to 2024-02-01"], ['"quoted, text"'], ["x"] * 60, [" "]),
        ]
    )
    text.lines = "".join(f"{line}\n" for line in lines) + text.lines
    text.preamble += len(lines)


def add_sep_line(text: Text, draw: random.Random) -> None:
    sign = text.separator if draw.random() < 0.7 else draw.choice(",;\t|")
    text.lines = f"{draw.choice(['sep', 'SEP', 'Sep'])}={sign}\n{text.lines}"
    text.preamble += 1


def add_footer(text: Text, draw: random.Random) -> None:
    text.lines += draw.choice(["Total\n", "\n\n", "# end\n", "   \n", ",,\n", "(c) 2024, me\n"])


def add_blank_line(text: Text, draw: random.Random) -> None:
    lines = text.lines.splitlines(keepends=True)
    place = draw.randrange(len(lines) + 1)
    lines.insert(place, draw.choice(["\n", "  \n"]))
    text.lines = "".join(lines)
    text.preamble += place < text.preamble


def add_fields(text: Text, draw: random.Random) -> None:
    lines = text.lines.splitlines()
    place = draw.randrange(len(lines)) if lines else 0
    more = draw.choice([1, 1, 2]) * (text.separator + draw.choice(["", "9", "x"]))
    lines[place : place + 1] = [line + more for line in lines[place : place + 1]]
    text.lines = "\n".join(lines) + "\n"


def add_fields_to_every_row(text: Text, draw: random.Random) -> None:
    end = text.separator + draw.choice(["", "9", "x"])
    first = draw.choice([0, 1])
    lines = text.lines.splitlines()
    text.lines = "".join(f"{line}{end if i >= first else ''}\n" for i, line in enumerate(lines))


def drop_fields(text: Text, draw: random.Random) -> None:
    lines = text.lines.splitlines()
    if lines:
        place = draw.randrange(len(lines))
        lines[place] = text.separator.join(lines[place].split(text.separator)[:-1])
    text.lines = "\n".join(lines) + "\n"


def add_character(text: Text, draw: random.Random) -> None:
    start = sum(map(len, text.lines.splitlines(keepends=True)[: text.preamble]))
    place = draw.randrange(start, len(text.lines) + 1)
    sign = draw.choice(['"', "'", "\0", "\r", "\n", " ", ",", ";", "\x1a", "\u2028", "\x0b", "\\"])
    text.lines = text.lines[:place] + sign + text.lines[place:]


def add_blanks(text: Text, draw: random.Random) -> None:
    """Behind separators, where a quote no longer quotes: a line break in it would be one."""
    if "two\nlines" not in text.lines:
        text.lines = text.lines.replace(text.separator, f"{text.separator} ")


def use_crlf(text: Text, draw: random.Random) -> None:
    text.lines = text.lines.replace("\n", draw.choice(["\r\n", "\r\n", "\r"]))


def add_bom(text: Text, draw: random.Random) -> None:
    text.encoding = "utf-8-sig"


def use_utf16(text: Text, draw: random.Random) -> None:
    text.encoding = draw.choice(["utf-16", "utf-16-le", "utf-32"])


def use_latin1(text: Text, draw: random.Random) -> None:
    text.lines = text.lines.replace("a", "ä")
    text.encoding = "latin-1"


def truncate(text: Text, draw: random.Random) -> None:
    content = text.encode()
    text.content = content[: draw.randrange(len(content))] if content else content


def compress(text: Text, draw: random.Random) -> None:
    text.content = gzip.compress(text.encode(), mtime=0)
    text.zipped = True
    text.name = draw.choice(["data.csv", "data.csv.gz"])


def truncate_compressed(text: Text, draw: random.Random) -> None:
    compress(text, draw)
    text.content = text.content[: draw.randrange(2, len(text.content))]


def name_otherwise(text: Text, draw: random.Random) -> None:
    text.name = draw.choice(["data.txt", "data.tsv", "data.CSV", "data.parquet", "data.csv.gz"])


TEXT_MUTATIONS: tuple[Callable[[Text, random.Random], None], ...] = (
    *(drop_header, use_pipes, add_preamble, add_preamble, add_sep_line, add_footer),
    *(add_blank_line, add_fields, add_fields_to_every_row, drop_fields, add_character),
    *(add_blanks, use_crlf, add_bom, use_utf16, use_latin1, name_otherwise, truncate, compress),
    truncate_compressed,
)
"""In the order in which they are applied."""


# Mutations of frames for Parquet


def to_frame(sheet: Sheet) -> pd.DataFrame:
    """Columns of dates and numbers, where all of their cells are."""
    columns = []
    for place in range(len(sheet.header)):
        cells = sheet.cells(place)
        column = pd.Series(cells, dtype=object)
        numbers = pd.to_numeric(column.mask(column == ""), errors="coerce")
        dates = read_dates(cells, sheet.forms) if sheet.forms else None
        if dates is not None:
            zoned = any("z" in form.lower() for form in sheet.forms)
            column = dates if zoned else dates.dt.tz_localize(None)
        elif cells and numbers.notna().equals(column != ""):
            column = numbers
        columns.append(column)
    frame = pd.concat(columns, axis="columns") if columns else pd.DataFrame()
    return frame.set_axis(sheet.header, axis="columns")


def some_name(frame: pd.DataFrame, draw: random.Random) -> str:
    return draw.choice(list(frame.columns))


def change_column(
    frame: pd.DataFrame, draw: random.Random, change: Callable[[pd.Series], object]
) -> pd.DataFrame:
    """Replace a column by what ``change`` makes of it, if it can."""
    place = draw.randrange(frame.shape[1])
    try:
        column = pd.Series(change(frame.iloc[:, place]), index=frame.index)
    except (TypeError, ValueError, OverflowError, AttributeError):
        return frame
    return put(frame, place, str(frame.columns[place]), column, replaced=1)


def put(
    frame: pd.DataFrame, place: int, name: str, column: pd.Series, replaced: int = 0
) -> pd.DataFrame:
    left, right = frame.iloc[:, :place], frame.iloc[:, place + replaced :]
    return pd.concat([left, column.rename(name), right], axis="columns")


def text_of_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.astype(str))


def arrow_text(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.astype(str).astype("string[pyarrow]"))


def category(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.astype("category"))


def ordered_category(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    """With categories that do not occur."""

    def change(column: pd.Series) -> pd.Series:
        known = column.astype("category")
        return known.cat.add_categories(["never"]).cat.as_ordered()

    return change_column(frame, draw, change)


def number_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    kinds = ("uint64", "int8", "float16", "float32", "Int64", "Float64", "boolean", "bool", "int32")
    kind = draw.choice(kinds)
    return change_column(frame, draw, lambda column: column.astype(float).round().astype(kind))


def decimal_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    def change(column: pd.Series) -> list[decimal.Decimal]:
        return [decimal.Decimal(str(round(float(cell), 2))) for cell in column]

    return change_column(frame, draw, change)


def date_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.dt.date)


def period_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    freq = draw.choice(["D", "M", "h", "Y", "Q", "W"])
    return change_column(frame, draw, lambda column: column.dt.to_period(freq))


def date_unit(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    unit = draw.choice(["s", "ms", "us"])
    return change_column(frame, draw, lambda column: column.dt.as_unit(unit))


def date_zone(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    zone = draw.choice(["Europe/Berlin", "UTC", "Asia/Kolkata", "America/New_York"])
    return change_column(
        frame, draw, lambda column: column.dt.tz_localize("UTC").dt.tz_convert(zone)
    )


def clock_type(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return change_column(frame, draw, lambda column: column.dt.time)


def missing_cell(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    row = draw.randrange(max(1, len(frame)))
    return change_column(frame, draw, lambda column: column.mask(np.arange(len(column)) == row))


def far_date(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    """Dates beyond those that nanoseconds hold, or close to their end."""
    days = draw.choice([10**6, -(10**6), 86_900])
    return change_column(
        frame, draw, lambda column: column.dt.as_unit("s") + np.timedelta64(days * 86400, "s")
    )


FRAME_CELLS: tuple[Callable[[random.Random, int], object], ...] = (
    lambda draw, row: draw.random() < 0.5,
    lambda draw, row: None,
    lambda draw, row: float("nan"),
    lambda draw, row: [row, row],
    lambda draw, row: np.arange(row % 3),
    lambda draw, row: b"\xff\x00",
    lambda draw, row: {"a": row},
    lambda draw, row: {f"key {row}": row},
    lambda draw, row: decimal.Decimal(row),
    lambda draw, row: datetime.date(2024, 1, 1 + row % 28),
    lambda draw, row: datetime.time(row % 24),
    lambda draw, row: pd.Timedelta(hours=row),
    lambda draw, row: pd.Timestamp("2024-01-01") + pd.Timedelta(days=row),
    lambda draw, row: pd.Period("2024-01", "M") + row,
    lambda draw, row: draw.choice(["a", None]),
    lambda draw, row: draw.choice([True, None]),
    lambda draw, row: float("inf") if row == 3 else float(row),
    lambda draw, row: 1e308 * (-1) ** row,
    lambda draw, row: np.float16(row),
    lambda draw, row: np.uint64(2**64 - 1 - row),
    lambda draw, row: 10**18 + row,
    lambda draw, row: (row, "a"),
)


def add_frame_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    cell, name = draw.choice(FRAME_CELLS), draw.choice(["note", "extra", "value", "id", "", "time"])
    cells = [cell(draw, row) for row in range(len(frame))]
    column = pd.Series(cells, index=frame.index)
    return put(frame, draw.randrange(frame.shape[1] + 1), name, column)


def fill_frame_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    """Odd cells in place of a column."""
    cell = draw.choice(FRAME_CELLS)
    return change_column(
        frame, draw, lambda column: [cell(draw, row) for row in range(len(column))]
    )


def index_of_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    name = some_name(frame, draw)
    if not frame.columns.is_unique:
        return frame
    try:
        return frame.set_index(name, drop=draw.random() < 0.6)
    except NotImplementedError:  # float16
        return frame


def index_of_columns(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    if not frame.columns.is_unique or frame.shape[1] < 3:
        return frame
    names = draw.sample(list(frame.columns), 2)
    try:
        return frame.set_index(names, drop=draw.random() < 0.6)
    except (TypeError, NotImplementedError):  # cells of lists, or float16
        return frame


def unnamed_index(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    frame = index_of_columns(frame, draw) if draw.random() < 0.5 else index_of_column(frame, draw)
    return frame.rename_axis([None] * frame.index.nlevels)


def filtered(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    return frame.iloc[draw.randint(0, 5) :: draw.choice([1, 1, 2])]


def concatenated(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    half = len(frame) // 2
    return pd.concat([frame.iloc[:half].reset_index(drop=True), frame.iloc[half:]])


def sorted_by_column(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    if not frame.columns.is_unique:
        return frame
    try:
        return frame.sort_values(some_name(frame, draw))
    except (TypeError, ValueError):
        return frame


def odd_index(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    count = len(frame)
    values = draw.choice(
        [
            np.arange(count) + 0.5,
            [f"row {k}" for k in range(count)],
            [True] * count,
            np.full(count, np.nan),
            pd.timedelta_range(0, periods=count, freq="h"),
            pd.date_range("2024-01-01", periods=count),
            pd.period_range("2024-01", periods=count, freq="M"),
            np.arange(count) * 5,
            np.arange(count)[::-1],
        ]
    )
    name = draw.choice([None, None, "index", "time", "", "median"])
    return frame.set_axis(pd.Index(values, name=name))


def odd_names(frame: pd.DataFrame, draw: random.Random) -> pd.DataFrame:
    names = list(frame.columns)
    kind = draw.choice(["numbers", "dates", "levels", "name"])
    if kind == "numbers":
        return frame.set_axis(range(len(names)), axis="columns")
    if kind == "dates":
        return frame.set_axis(pd.date_range("2024-01-01", periods=len(names)), axis="columns")
    if kind == "levels":
        levels = pd.MultiIndex.from_tuples([("top", name) for name in names])
        return frame.set_axis(levels, axis="columns")
    return frame.rename_axis(columns="columns")


FRAME_MUTATIONS: tuple[Callable[[pd.DataFrame, random.Random], pd.DataFrame], ...] = (
    *(text_of_column, arrow_text, category, ordered_category, number_type, number_type),
    *(decimal_type, date_type, period_type, period_type, date_unit, date_zone, clock_type),
    *(missing_cell, far_date, add_frame_column, add_frame_column, fill_frame_column),
    *(index_of_column, index_of_columns, unnamed_index, filtered, concatenated),
    *(sorted_by_column, odd_index, odd_names),
)
"""In the order in which they are applied."""


def to_parquet(frame: pd.DataFrame) -> bytes | None:
    """Content of a file, None where Parquet can not hold it."""
    file = io.BytesIO()
    try:
        if frame.columns.is_unique:
            frame.to_parquet(file)
        else:
            plain = frame.set_axis(map(str, range(frame.shape[1])), axis="columns")
            table = pa.Table.from_pandas(plain.reset_index(drop=True))
            names = [str(name) for name in frame.columns]
            pq.write_table(table.replace_schema_metadata(None).rename_columns(names), file)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError):
        return None
    return file.getvalue()


# Options

OPTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("--freq", ("h", "D", "W", "MS", "ME", "QS", "YS", "15min", "B", "1", "2", "7", "0", "-1")),
    ("--freq", ("x", "", "1.5h", "ns", "W-TUE", "SME", "bh", "QE-FEB", "-1D", "0D", "D ")),
    ("--freq", ("100Y", "1000000000D", "WOM-1MON", "LWOM-5FRI", "C", "9" * 30, "1e9h", "A", "H")),
    ("--timezone", ("Europe/Berlin", "UTC", "Asia/Kolkata", "Nowhere", "", "/etc", "EST5EDT")),
    ("--decimal", (",", ".", "x", "", "5", "-", "::")),
    ("--thousands", (",", ".", " ", "'", "", "5", "--")),
    ("--round-time", ("1min", "h", "D", "MS", "W", "1", "x", "0h", "1000000h")),
    ("--date-format", ("%Y-%m-%d", "%d/%m/%Y", "%Y", "%m", "", "%", "%Q", "ISO8601", "mixed")),
    ("--date-format", ("%Y%m%d", "%H:%M", "%d.%m.%y", "%z", "%Y-%m-%d %H:%M:%S", "x", "%s")),
    ("--quantiles", ("0.5", "0.1,0.9", "0.05,0.95", "2", "x")),
)


def draw_options(draw: random.Random, names: list[str]) -> list[str]:
    """None for half of the files."""
    options: list[str] = []
    for _ in range(draw.choice([0, 0, 0, 1, 1, 2])):
        kind = draw.choice(["column", "column", "value", "value", "flag"])
        if kind == "column":
            option = draw.choice(["--id", "--time", "--value"])
            options += [option, draw.choice([*names, *names, "nowhere"]).strip()]
        elif kind == "value":
            option, values = draw.choice(OPTIONS)
            options += [option, draw.choice(values)]
        else:
            options.append(draw.choice(["--fill-gaps", "--no-time", "--keep-outliers"]))
    return options


# Files


@dataclass
class File:
    """A file to forecast, and what was done to it."""

    name: str
    content: bytes
    mutations: list[str]
    options: list[str]
    forms: list[str]

    text: Text | None = None
    """Of a CSV file."""

    def shown(self) -> str:
        """The first characters."""
        if self.text is not None:
            return repr(self.text.lines[:SHOWN])
        frame = pd.read_parquet(io.BytesIO(self.content))
        kinds = [str(kind) for kind in frame.dtypes]
        return f"{frame.head(4)}"[:SHOWN] + f"\n{kinds}, index {frame.index[:3]!r}"[:SHOWN]


def draw_file(draw: random.Random) -> File | None:
    """A file, or None where Parquet can not hold what was drawn."""
    sheet = draw_sheet(draw)
    parquet = draw.random() < 0.35
    later = FRAME_MUTATIONS if parquet else TEXT_MUTATIONS
    count, names = draw.choice([1, 1, 1, 2, 2, 3, 4]), []
    late = sum(draw.random() < 0.45 for _ in range(count))
    for mutate in draw.choices(SHEET_MUTATIONS, k=count - late):
        mutate(sheet, draw)
        names.append(mutate.__name__)
    places = sorted(draw.choices(range(len(later)), k=late))
    names += [later[place].__name__ for place in places]
    options = draw_options(draw, sheet.header)
    if not parquet:
        text = to_text(sheet, draw)
        for place in places:
            TEXT_MUTATIONS[place](text, draw)
        return File(text.name, text.encode(), names, options, sheet.forms, text)
    frame = to_frame(sheet)
    for place in places:
        if frame.shape[1]:
            frame = FRAME_MUTATIONS[place](frame, draw)
    content = to_parquet(frame)
    if content is None:
        return None
    return File("data.parquet", content, names, options, sheet.forms)


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
WORDS = rf"{QUOTED}|\(|\)|; left out: |, values? |, id | and \d+ more|time "


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
            use = word.strip(",;: ").replace("values", "value")
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
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=file.text.separator)
    rows = [row for row in reader if row and (len(row) > 1 or row[0].strip())]
    header = rows[0] if rows else []
    numeric = bool(header) and all(as_number(name) is not None for name in header)
    faults = []
    if numeric and "--no-time" in file.options:
        names = [f"column {k + 1}" for k in range(len(header))]
        cells = rows
    else:
        named = io.StringIO(newline="")
        csv.writer(named).writerow(header)
        named.seek(0)
        # pandas has names for columns that are called alike, or not at all.
        names = [str(name).strip() for name in pd.read_csv(named).columns] if header else []
        cells = rows[1:]
        if file.text.headless and not set(header) & set(file.options):
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
    told = read_told(re.sub(r"^Read \S+: ", "", line))
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
    found = [tuple(map(str, row)) for row in frame[ids].to_numpy(dtype=object)]
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
        context_length=32, horizon=8, seasons_length=32, levels=1, quantile_levels=LEVELS
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
