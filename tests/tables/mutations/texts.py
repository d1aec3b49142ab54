"""CSV files with faults."""

import csv
import gzip
import io
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.tables.mutations.sheets import Sheet


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
    if text.headless and lines == [","]:
        return  # it would be a header of blank names
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
