"""Tables of text, well formed at first, with faults in their cells and columns."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


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
        known = read.where(read.dt.year.between(1678, 2261)).dt.as_unit("ns")  # else too far away
        dates = dates.where(dates.notna(), known)
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
