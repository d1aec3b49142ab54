"""Options that commands share: how a table is read, which model, and where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path,
    typer.Argument(
        help="CSV or Parquet file: id, time and value columns; time and value; or time and "
        "one column for each series."
    ),
]
Model = Annotated[
    str | None, typer.Option(help="Shipped model (see ttm models) or a weights folder.")
]
Time = Annotated[
    str | None, typer.Option(help="Time column: dates, or whole numbers such as years.")
]
Value = Annotated[list[str] | None, typer.Option(help="Value column; give it again for more.")]
Id = Annotated[
    list[str] | None, typer.Option(help="Column that tells series apart; may be given again.")
]
Freq = Annotated[
    str | None,
    typer.Option(help="Frequency such as h, D, W, MS, 15min. Default: what the dates tell."),
]
DateFormat = Annotated[str | None, typer.Option(help="How dates are written, such as %d/%m/%Y.")]
FillGaps = Annotated[
    bool, typer.Option("--fill-gaps", help="Treat absent dates as missing values.")
]
KeepOutliers = Annotated[
    bool,
    typer.Option(
        "--keep-outliers", help="Keep impossible readings, such as the -999 of a failed sensor."
    ),
]
Device = Annotated[str, typer.Option(help="Where to run, such as cuda.")]

LONGEST = 100_000
"""Steps beyond which a horizon is a typing error."""

Horizon = Annotated[int, typer.Option(min=1, max=LONGEST, help="Steps to forecast.")]
