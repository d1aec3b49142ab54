"""Options that commands share: how a table is read, which model, and where it runs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
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
    str | None,
    typer.Option(
        help="Shipped model (see ttm models), a weights folder, or hf://owner/name@revision."
    ),
]

READING_HELP = {
    "time": "Time column: dates, or whole numbers such as years. Give it again for a time of day, "
    "or for year, month and so on.",
    "value": "Value column; give it again for more.",
    "id": "Column that tells series apart; may be given again.",
    "freq": "Frequency such as h, D, W, MS, 15min. Default: what the dates tell.",
    "date_format": "How dates are written, such as %d/%m/%Y.",
    "timezone": "Zone by whose clock days begin, such as Europe/Berlin. Default: the dates'.",
    "round_time": "Round times to such as 1min, where a clock jitters.",
    "decimal": "Decimal sign of numbers, such as a comma.",
    "thousands": "Sign between thousands, such as a comma.",
    "no_time": "Count rows: there is no time column.",
    "fill_gaps": "Treat absent dates as missing values.",
}
"""Options by which a table is read, with their help."""

KeepOutliers = Annotated[
    bool,
    typer.Option(
        "--keep-outliers", help="Keep impossible readings, such as the -999 of a failed sensor."
    ),
]
EscapeFormulas = Annotated[
    bool,
    typer.Option(
        "--escape-formulas",
        help="Put an apostrophe before text in the .csv that a spreadsheet would run as a formula.",
    ),
]
Device = Annotated[str, typer.Option(help="Where to run, such as cuda.")]

MAX_HORIZON_STEPS = 100_000
"""Steps beyond which a horizon is a typing error."""

Horizon = Annotated[int, typer.Option(min=1, max=MAX_HORIZON_STEPS, help="Steps to forecast.")]


Columns = list[str] | None

Known = Annotated[
    Columns,
    typer.Option(
        help="Covariate known in the future, which is no value column then; may be given again."
    ),
]
Future = Annotated[
    Path | None,
    typer.Option(help="File with the future of the known covariates: id, time and theirs."),
]
Calendar = Annotated[
    bool,
    typer.Option("--calendar", help="Use hour, weekday, month end and so on as covariates."),
]
Holidays = Annotated[
    Columns,
    typer.Option(
        help="Use the calendar and the public holidays of a country, such as DE or US-CA, as "
        "covariates; may be given again."
    ),
]


def reads_a_table(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options by which a table is read, as the dictionary ``reading``."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        reading = {name: given.pop(name) for name in READING_HELP}
        command(**given, reading=reading)

    parameters = []
    for name, one in inspect.signature(command, eval_str=True).parameters.items():
        added = _reading() if name == "reading" else {name: (one.annotation, one.default)}
        parameters += [
            inspect.Parameter(each, one.KEYWORD_ONLY, default=default, annotation=kind)
            for each, (kind, default) in added.items()
        ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _reading() -> dict[str, tuple[Any, Any]]:
    """Type and default of each option by which a table is read."""
    kinds: dict[str, tuple[Any, Any]] = dict.fromkeys(READING_HELP, (str | None, None))
    kinds |= dict.fromkeys(("time", "value", "id"), (list[str] | None, None))
    kinds |= dict.fromkeys(("no_time", "fill_gaps"), (bool, False))
    options = {}
    for name, (kind, default) in kinds.items():
        flag = [f"--{name.replace('_', '-')}"] if kind is bool else []
        options[name] = Annotated[kind, typer.Option(*flag, help=READING_HELP[name])], default
    return options


def read_data(data: Path, future: Path | None = None, **options: Any) -> Panel:
    """Read the series of a file, and the future of their covariates from another."""
    from ttm_estimators.tables.files import read_file
    from ttm_estimators.tables.future import read_with_future
    from ttm_estimators.tables.panel import read_panel
    from ttm_estimators.tables.reading import Reading

    lists = ("time", "id", "value", "known", "past", "static")
    reading: dict[str, Any] = {
        name: given or () if name in lists else given for name, given in options.items()
    }
    headless = options["no_time"]
    table = read_file(data, headless=headless)
    if future is None:
        return read_panel(table, Reading(**reading))
    return read_with_future(table, read_file(future, headless=headless), Reading(**reading))


def tell(data: Path, panel: Panel, future: Path | None = None) -> None:
    """Print how columns were read, and which were left out."""
    files = f"{data}" if future is None else f"{data} and {future}"
    left_out = f"; left out: {panel.left_out}" if panel.left_out else ""
    typer.echo(f"Read {files}: {panel.took}{left_out}")
    for note in filter(None, (panel.remark, panel.empty_ends, panel.filled_note)):
        typer.echo(f"Note: {note}")
    for each in panel.unused_future:
        typer.echo(f"warning: {each}", err=True)
    if panel.sparse_note:
        told = f"{panel.sparse_note}, or give its own --freq if they never occur"
        typer.echo(f"warning: {told}", err=True)
    if panel.id_note:
        typer.echo(f"Note: {panel.id_note}; choose with --id", err=True)


def warn_of(outliers: tuple[Outlier, ...], panel: Panel, columns: int = 1) -> None:
    """Tell which readings were taken as missing, if any, where so many columns are one series."""
    from ttm_estimators.inputs.outliers import describe

    if outliers:
        names = [f"series {one.name!r}" for one in panel.series[::columns]]
        told = describe(outliers, names, "give --keep-outliers", panel.time_of(columns))
        typer.echo(f"warning: {told}", err=True)
