"""DataFrames as tables: their names, types, futures and categories."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ttm_estimators.forecasting.dataframes import listed
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.tables.columns import names_of
from ttm_estimators.tables.dates import first_cell
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.files import Table, index_levels_of, with_index
from ttm_estimators.tables.forecast import forecast_panel
from ttm_estimators.tables.panel import VARIABLE, Panel, read_panel
from ttm_estimators.tables.reading import Reading

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.training.fine_tuning.config import FineTuneConfig
    from ttm_estimators.training.fine_tuning.result import FineTuneResult

logger = logging.getLogger(__name__)


def forecast_frame(
    model: Forecaster,
    df: pd.DataFrame,
    horizon: int,
    reading: Reading,
    *,
    future_df: pd.DataFrame | None = None,
    static: pd.DataFrame | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Forecast the series of a DataFrame, see :meth:`ttm_estimators.Forecaster.forecast_df`."""
    roles = model.roles
    reading = replace(reading, known=roles.known, past=roles.past, static=tuple(roles.static))
    table, names = _table(df, "df")
    table = _with_static(table, static, model.roles, reading.id)
    if future_df is None:
        panel = read_panel(table, reading)
    else:
        panel = _with_future(table, future_df, reading, model.roles)
    _tell(panel, reading)
    try:
        result, _ = forecast_panel(model, panel, horizon, **options)
    except ValueError as error:
        if "no future values of the covariates" not in str(error):
            raise
        raise TableError(str(error), "they are those of future_df") from error
    if VARIABLE in panel.keys and any(old != new for new, old in names.items()):
        result[VARIABLE] = result[VARIABLE].map(lambda name: names.get(name, name))
    own = [panel.time, *panel.chosen.ids]
    return result.rename(columns={new: old for new, old in names.items() if new in own})


def fine_tune_frame(
    model: Forecaster,
    df: pd.DataFrame,
    horizon: int,
    reading: Reading,
    *,
    static: Any = None,
    settings: FineTuneConfig | None = None,
    **trainer_options: Any,
) -> FineTuneResult:
    """Fine-tune on a DataFrame, see :meth:`ttm_estimators.Forecaster.fine_tune_df`."""
    from ttm_estimators.tables.fine_tune import fine_tune_panel  # imports Lightning

    table, _ = _table(df, "df")
    columns = listed(static) if not isinstance(static, pd.DataFrame) else []
    if isinstance(static, pd.DataFrame):
        rows = _table(static, "static")[0].frame
        columns = [name for name in names_of(rows) if name not in table.frame]
        roles = Roles(static={name: [] for name in columns})
        table = _with_static(table, static, roles, reading.id)
    panel = read_panel(table, replace(reading, static=columns))
    _tell(panel, reading)
    return fine_tune_panel(
        model.network,
        panel,
        horizon,
        known=reading.known,
        past=reading.past,
        static=columns,
        settings=settings,
        **trainer_options,
    )


def _table(df: Any, called: str) -> tuple[Table, dict[str, Any]]:
    """A table whose column names are text, and the original names where they were not."""
    if isinstance(df, pd.Series):
        df = df.to_frame("value" if df.name is None else df.name)
    if not isinstance(df, pd.DataFrame):
        advice = ": give df.to_pandas()" if hasattr(df, "to_pandas") else ""
        raise TypeError(f"{called} is a {type(df).__name__}, not a pandas DataFrame{advice}")
    if not len(df):
        raise TableError(f"{called} has no rows")
    single = df.shape[1] == 1 and isinstance(df.index, pd.RangeIndex)
    if single and re.search("[;\t|]", str(df.columns[0])):
        raise TableError(
            f"{called} has the single column {str(df.columns[0])!r}, which holds a separator",
            "read it with pd.read_csv(…, sep=';')",
        )
    names = {str(name): name for name in (*df.columns, *df.index.names) if name is not None}
    table = Table(with_index(df), called, index_levels=index_levels_of(df))
    return table, {text: name for text, name in names.items() if text != name}


def _with_static(
    table: Table, static: pd.DataFrame | None, roles: Roles, ids: Sequence[str]
) -> Table:
    """Put the categories of each id into its rows."""
    if static is None:
        return table
    if not roles.static:
        warnings.warn(
            "static is not used: the model was not fine-tuned with categories of series",
            TableWarning,
            stacklevel=4,
        )
        return table
    frame, rows = table.frame, _table(static, "static")[0].frame
    shared = [name for name in names_of(rows) if name in frame and name not in roles.static]
    shared = [name for name in shared if name in ids] or shared
    columns = [name for name in roles.static if name in rows]
    absent = [name for name in roles.static if name not in rows and name not in frame]
    if not shared or absent:
        what = f"no column {quoted(absent)}" if absent else "no id column of df"
        raise TableError(f"static has {what}, only {quoted(names_of(rows))}")
    both = [name for name in columns if name in frame]
    if both:
        raise TableError(f"df and static both have {quoted(both)}", "leave it out of one")
    if rows.duplicated(shared).any():
        raise TableError(f"static has two rows for {_first(rows[rows.duplicated(shared)], shared)}")
    left = frame[shared].astype(object)
    right = rows[[*shared, *columns]].astype(dict.fromkeys(shared, object))
    found = left.merge(right, "left", shared, indicator="found")
    lacking = found["found"].eq("left_only").to_numpy()
    if lacking.any():
        raise TableError(f"static has no row for {_first(frame[lacking], shared)}")
    added = {name: found[name].to_numpy() for name in columns}
    return replace(table, frame=frame.assign(**added))


def _first(rows: pd.DataFrame, names: Sequence[str]) -> str:
    return ", ".join(repr(cell) for cell in rows[list(names)].astype(object).iloc[0])


def _with_future(table: Table, future_df: pd.DataFrame, reading: Reading, roles: Roles) -> Panel:
    """Put the rows with known covariates behind the histories."""
    if not roles.known:
        warnings.warn(
            "future_df is not used: the model was not fine-tuned with covariates known in the "
            "future",
            TableWarning,
            stacklevel=4,
        )
        return read_panel(table, reading)
    frame, future = table.frame, _table(future_df, "future_df")[0].frame
    lacking = [name for name in (*roles.known, *roles.past, *roles.static) if name not in frame]
    if lacking:
        raise TableError(
            f"df has no column {quoted(lacking)}, which the model was fine-tuned with, only "
            f"{quoted(names_of(frame))}"
        )
    named = {*reading.time, *reading.id, *reading.value}
    covariates = {*roles.known, *roles.past, *roles.static} - named
    bare = replace(table, frame=frame.drop(columns=list(covariates)))
    past = read_panel(bare, replace(reading, known=(), past=(), static=())).chosen
    needed = [*past.time, *past.ids, *roles.known]
    absent = [name for name in needed if name not in future]
    if absent:
        raise TableError(
            f"future_df has no column {quoted(absent)}, only {quoted(names_of(future))}"
        )
    future = future[needed].reset_index(drop=True)
    if past.ids:
        rows = (
            future[past.ids]
            .astype(object)
            .merge(
                frame[past.ids].astype(object).drop_duplicates(),
                "left",
                past.ids,
                indicator="found",
            )
        )
        unknown = rows["found"].eq("left_only").to_numpy()
        if unknown.any():
            raise TableError(f"future_df has rows of {_first(future[unknown], past.ids)}, df none")
    for name in (*past.time, *past.ids):
        future[name] = _cast(future[name], frame[name])
    both = pd.concat([frame, future], ignore_index=True)
    for name in roles.static:
        column = both.groupby(past.ids, observed=True)[name] if past.ids else both[name]
        both[name] = column.ffill()
    reading = replace(reading, time=past.time, id=past.ids, value=list(past.values))
    try:
        panel = read_panel(replace(table, frame=both, name="df with future_df"), reading)
    except TableError as error:
        if "has gaps" not in error.fault:
            raise
        raise TableError(
            f"df with future_df: {error.fault}", "let future_df continue where df ends"
        ) from error
    past.covariates = panel.chosen.covariates
    return replace(panel, chosen=past)


def _cast(column: pd.Series[Any], like: pd.Series[Any]) -> pd.Series[Any]:
    """Give a column of the future the type of that of the past, without loss."""
    if column.dtype == like.dtype:
        return column
    try:
        cast = column.astype(like.dtype)
        same = bool((cast.astype(column.dtype) == column).all())
    except (TypeError, ValueError):
        same = False
    if not same or isinstance(first_cell(column), str) != isinstance(first_cell(like), str):
        raise TableError(
            f"{column.name!r} is {column.dtype} in future_df and {like.dtype} in df",
            "give it the same type in both",
        )
    return cast


def _tell(panel: Panel, reading: Reading) -> None:
    """Log how columns were read, and warn of columns that were left out unasked."""
    logger.info("read %s", "; ".join(filter(None, [panel.took, panel.empty_ends])))
    if panel.left_out and not reading.value:
        warnings.warn(
            f"left out: {panel.left_out}; name what to forecast with value=",
            TableWarning,
            stacklevel=4,
        )
