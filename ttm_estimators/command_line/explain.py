"""``ttm explain``: what each covariate adds to a forecast, as a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ttm_estimators.command_line.errors import InputError
from ttm_estimators.command_line.options import (
    Calendar,
    Data,
    Device,
    EscapeFormulas,
    Future,
    Holidays,
    Horizon,
    KeepOutliers,
    Known,
    Model,
    reads_a_table,
    tell,
)
from ttm_estimators.command_line.output import check_escaping, number_format, show, writing
from ttm_estimators.command_line.running import (
    check_files,
    drawn_of,
    index_of,
    load_model,
    model_name,
    read_for,
    roles_of_model,
    run,
    tell_effects,
)

if TYPE_CHECKING:
    import pandas as pd


@reads_a_table
def explain(
    data: Data,
    horizon: Horizon,
    known: Known = None,
    future: Future = None,
    calendar: Calendar = False,
    holidays: Holidays = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write every step to: .csv or .parquet.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of a series: .png, .svg or .pdf.")
    ] = None,
    plot_series: Annotated[
        str | None, typer.Option(help="Series to draw. Default: the first.")
    ] = None,
    model: Model = None,
    reading: Any = None,
    keep_outliers: KeepOutliers = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 256,
    escape_formulas: EscapeFormulas = False,
    device: Device = "cpu",
) -> None:
    """Tell what each covariate and the calendar add to the forecasts of a file.

    The table has the mean absolute effect of each covariate over all series and steps, in units of
    the series, measured against an average day. --output has a row for each series and step: the
    point forecast without covariates; that of the history less what they explain (base), what each
    covariate adds to it, and their sum (with); and the fraction of the error on its own past that
    the series gains.
    """
    check_files(data, future, output, plot, plot_series)
    check_escaping(escape_formulas, output)
    if not roles_of_model(model) and not known and not calendar and not holidays:
        raise InputError(
            "there are no covariates to explain: name some with --known, or give --calendar"
        )
    # pandas and torch are imported from here on, so that help is quick.
    from ttm_estimators.tables.effects import (
        check_explainable,
        covariate_names,
        explain_panel,
        summarised,
    )
    from ttm_estimators.tables.panel import summary

    wanted: dict[str, Any] = {
        "known": known or (),
        "calendar": calendar,
        "holidays": holidays or None,
    }
    check_explainable(roles_of_model(model), model_name(model))
    panel = read_for(model, data, reading, future=future, **wanted)
    index = index_of(panel, plot_series)
    forecaster = load_model(model, device)
    tell(data, panel, future)
    frame, result = run(
        explain_panel,
        forecaster,
        panel,
        horizon,
        **wanted,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
    )
    told = f"{summary(panel, horizon)}, model {model_name(model)}"
    with writing(frame, output, plot, escape_formulas=escape_formulas) as picture:
        if picture is not None:
            from ttm_estimators.command_line.plot import draw_effects

            without = frame["without"].to_numpy().reshape(result.point.shape)
            base = frame["base"].to_numpy().reshape(result.point.shape)
            draw_effects(picture, panel, without, base, result, model_name(model), index)
    typer.echo(told)
    _show(summarised(frame, covariate_names(result.effects)))
    for file, what in ((output, ""), (plot, f": {drawn_of(panel, index)}")):
        if file is not None:
            typer.echo(f"Wrote {file}{what}")
    tell_effects(panel, result)


def _show(summary: pd.DataFrame) -> None:
    table = Table()
    for name in ("covariate", "mean absolute effect", "fraction"):
        table.add_column(name, justify="left" if name == "covariate" else "right")
    form = number_format(float(summary["effect"].max()))
    for name, effect, fraction in summary.itertuples():
        table.add_row(escape(name), f"{effect:{form}}", f"{fraction:.0%}")
    show(table)
