"""Files to forecast, and options to do it with."""

import io
import random
from dataclasses import dataclass

import pandas as pd

from tests.tables.mutations.frames import FRAME_MUTATIONS, to_frame, to_parquet
from tests.tables.mutations.sheets import SHEET_MUTATIONS, draw_sheet
from tests.tables.mutations.texts import TEXT_MUTATIONS, Text, to_text

SHOWN = 300
"""Characters of a file that a failure shows."""


OPTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("--freq", ("h", "D", "W", "MS", "ME", "QS", "YS", "15min", "B", "1", "2", "7", "0", "-1")),
    ("--freq", ("x", "", "1.5h", "ns", "W-TUE", "SME", "bh", "QE-FEB", "-1D", "0D", "D ")),
    ("--freq", ("100Y", "1000000000D", "WOM-1MON", "LWOM-5FRI", "C", "9" * 30, "1e9h", "A", "H")),
    ("--timezone", ("Europe/Berlin", "UTC", "Asia/Kolkata", "Nowhere", "", "/etc", "EST5EDT")),
    ("--decimal", (",", ".", "x", "", "5", "-", "::")),
    ("--thousands", (",", ".", " ", "'", "", "5", "--")),
    ("--round-time", ("1min", "h", "D", "MS", "W", "1", "x", "0h", "1000000h")),
    ("--date-format", ("%Y-%m-%d", "%d/%m/%Y", "%Y", "%m", "", "%", "%Q", "ISO8601", "mixed")),
    ("--date-format", ("%Y%m%d", "%H:%M", "%d.%m.%y", "%z", "%Y-%m-%d %H:%M:%S", "%Y-%Y-%d")),
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
