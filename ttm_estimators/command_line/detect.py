"""``ttm detect``: a file of series in, an anomaly score and a flag for each point out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ttm_estimators.command_line.options import (
    Data,
    Device,
    EscapeFormulas,
    KeepOutliers,
    Model,
    read_data,
    reads_a_table,
    tell,
)
from ttm_estimators.command_line.output import check_escaping, number_format, show, writing
from ttm_estimators.command_line.running import (
    answering,
    check_files,
    drawn_of,
    index_of,
    load_model,
    model_name,
)

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.detection import Detection
    from ttm_estimators.tables.panel import Panel

MAX_FLAGS_SHOWN = 12


@reads_a_table
def detect(
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(help="File to write every point to: .csv or .parquet. Default: show flags."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of a series: .png, .svg or .pdf.")
    ] = None,
    plot_series: Annotated[
        str | None, typer.Option(help="Series to draw. Default: the first.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Fraction of normal points to flag.")] = 0.001,
    warm_up: Annotated[
        int, typer.Option(min=1, help="Points of each series before the first that is scored.")
    ] = 64,
    step: Annotated[
        int, typer.Option(min=1, help="Points to forecast from one history: more is faster.")
    ] = 1,
    model: Model = None,
    reading: Any = None,
    keep_outliers: KeepOutliers = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Histories in one forward pass.")] = 256,
    escape_formulas: EscapeFormulas = False,
    device: Device = "cpu",
) -> None:
    """Score every point of the history of a file, and flag anomalies.

    Each point is forecast from the points before it. Its score says how far out it lies: 4 is as
    far above the median as four standard deviations of a normal distribution, -4 as far below. A
    point is flagged where it is further out than all but a fraction --rate of the latest scores of
    its series. The result has the id columns (or "variable", where there are several value
    columns), the time, the value, the median, what it is flagged outside of (low, high), score and
    flag. Missing values and the first points of a series have no score.
    """
    check_files(data, None, output, plot, plot_series)
    check_escaping(escape_formulas, output)
    # pandas and torch are imported from here on, so that help is quick.
    from ttm_estimators.tables.detect import detect_panel

    panel = read_data(data, **reading, known=(), past=(), static=())
    index = index_of(panel, plot_series)
    forecaster = load_model(model, device)
    with answering(forecaster, f"{len(panel.series)} series"):
        frame, found = detect_panel(
            forecaster,
            panel,
            rate=rate,
            warm_up=warm_up,
            step=step,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
        )
    tell(data, panel)
    with writing(frame, output, plot, escape_formulas=escape_formulas) as picture:
        if picture is not None:
            from ttm_estimators.command_line.plot import draw_flags

            name = model_name(model)
            draw_flags(picture, panel, found[index], name, index, keep_outliers=keep_outliers)
    if output is None:
        _show(frame)
    count = f"{len(panel.series)} series"
    for each, told in ((output, count), (plot, drawn_of(panel, index))):
        if each is not None:
            typer.echo(f"Wrote {each}: {told}, model {model_name(model)}")
    typer.echo(_summary(panel, found), err=True)


def _summary(panel: Panel, found: list[Detection]) -> str:
    """Points, flags and rates, as one line."""
    import numpy as np

    scored = [int(np.isfinite(one.score).sum()) for one in found]
    flags = sum(int(one.flag.sum()) for one in found)
    points, missing = (
        sum(len(one.values) for one in panel.series),
        sum(int(np.isnan(one.values).sum()) for one in panel.series),
    )
    short = [one.name for one, count in zip(panel.series, scored, strict=True) if not count]
    more = f" (and {len(short) - 1} more)" if len(short) > 1 else ""
    told = f"; series {short[0]!r}{more} is too short for a score" if short else ""
    fraction = flags / max(sum(scored), 1)
    return (
        f"{flags:,} of {sum(scored):,} scored points flagged, a fraction of {fraction:.2g}; "
        f"nominal rate {found[0].rate:g}; without a score: {missing:,} missing and "
        f"{points - missing - sum(scored):,} in the warm-up{told}"
    )


def _show(frame: pd.DataFrame) -> None:
    """Print the flags that lie furthest out."""
    flags = frame[frame["flag"]]
    if flags.empty:
        return
    order = flags["score"].abs().sort_values(ascending=False, kind="stable").index
    head = flags.loc[order[:MAX_FLAGS_SHOWN]]
    numbers = ["value", "median", "low", "high"]
    labels = list(frame.columns[:-6])
    table = Table()
    for name in labels:
        table.add_column(escape(name))
    for name in (*numbers, "score"):
        table.add_column(name, justify="right")
    for label, values, score in zip(
        head[labels].astype(str).to_numpy(), head[numbers].to_numpy(), head["score"], strict=True
    ):
        form = number_format(float(abs(values).max()))
        told = (f"{value:{form}}" for value in values)
        table.add_row(*map(escape, label), *told, f"{score:.1f}")
    show(table)
    typer.echo(f"{len(head)} of {len(flags)} flags; save all points with --output flags.csv")
