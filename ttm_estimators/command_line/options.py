"""Options that commands share: how a table is read, which model, and where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Outlier
    from ttm_estimators.tables.panel import Panel

Data = Annotated[
    Path,
    typer.Argument(
        help="CSV or Parquet file, which may be compressed (.gz), or - for standard input: id, "
        "time and value columns; time and value; or time and one column for each series."
    ),
]
Model = Annotated[
    str | None, typer.Option(help="Shipped model (see ttm models) or a weights folder.")
]
Time = Annotated[
    list[str] | None,
    typer.Option(
        help="Time column: dates, or whole numbers such as years. Give it again for a time of day, "
        "or for year, month and so on."
    ),
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
Timezone = Annotated[
    str | None,
    typer.Option(
        help="Zone by whose clock days begin, such as Europe/Berlin. Default: the dates'."
    ),
]
RoundTime = Annotated[
    str | None, typer.Option(help="Round times to such as 1min, where a clock jitters.")
]
Decimal = Annotated[str | None, typer.Option(help="Decimal sign of numbers, such as a comma.")]
Thousands = Annotated[str | None, typer.Option(help="Sign between thousands, such as a comma.")]
NoTime = Annotated[bool, typer.Option("--no-time", help="Count rows: there is no time column.")]
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


def read_data(data: Path, **options: Any) -> Panel:
    """Read the series of a file."""
    from ttm_estimators.tables.files import read_file
    from ttm_estimators.tables.panel import read_panel
    from ttm_estimators.tables.reading import Reading

    lists = ("time", "id", "value", "known", "past", "static")
    reading: dict[str, Any] = {
        name: given or () if name in lists else given for name, given in options.items()
    }
    return read_panel(read_file(data, headless=options["no_time"]), Reading(**reading))


def tell(data: Path, panel: Panel) -> None:
    """Say what was taken for what, and what was left out."""
    left_out = f"; left out: {panel.left_out}" if panel.left_out else ""
    typer.echo(f"Read {data}: {panel.took}{left_out}")
    for note in filter(None, (panel.remark, panel.empty_ends)):
        typer.echo(f"Note: {note}")


def warn_of(outliers: tuple[Outlier, ...], names: list[str]) -> None:
    """Tell which readings were taken as missing, if any, by the user's names."""
    from ttm_estimators.inputs.outliers import describe

    if outliers:
        told = describe(outliers, names, "give --keep-outliers")
        typer.echo(f"warning: {told}", err=True)
