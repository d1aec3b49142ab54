"""DataFrames as tables: their names, types, futures and categories."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.tables.ahead import doubts
from ttm_estimators.tables.columns import names_of
from ttm_estimators.tables.covariates import roles_of
from ttm_estimators.tables.detect import detect_panel
from ttm_estimators.tables.effects import describe
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.files import Table, index_levels_of, with_index
from ttm_estimators.tables.forecast import forecast_panel
from ttm_estimators.tables.future import first_row, read_with_future
from ttm_estimators.tables.panel import VARIABLE, Panel, read_panel
from ttm_estimators.tables.reading import Reading, listed

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecast, Forecaster
    from ttm_estimators.training.fine_tuning.config import FineTuneConfig
    from ttm_estimators.training.fine_tuning.result import FineTuneResult

logger = logging.getLogger(__name__)


def forecast_frame(
    model: Forecaster,
    df: pd.DataFrame,
    horizon: int,
    reading: Reading,
    *,
    known: Sequence[str] = (),
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
    future_df: pd.DataFrame | None = None,
    static: pd.DataFrame | None = None,
    run: Callable[..., tuple[pd.DataFrame, Forecast]] = forecast_panel,
    **options: Any,
) -> pd.DataFrame:
    """Forecast the series of a DataFrame, see :meth:`ttm_estimators.Forecaster.forecast_df`.

    ``run`` forecasts its panel.
    """
    roles = roles_of(model.roles, known, calendar=calendar or holidays is not None)
    reading = replace(reading, known=roles.known, past=roles.past, static=tuple(roles.static))
    table, names = as_table(df, "df")
    table = _with_static(table, static, roles, reading.id)
    if future_df is not None and not roles.known:
        warnings.warn(
            "future_df is not used: name its covariates with known=", TableWarning, stacklevel=3
        )
        future_df = None
    if future_df is None:
        panel = read_panel(table, reading)
    else:
        panel = read_with_future(table, as_table(future_df, "future_df")[0], reading)
    tell(panel, reading)
    for each in doubts(panel, horizon, roles.known, learnt=bool(model.roles.known)):
        warnings.warn(each, TableWarning, stacklevel=3)
    options |= {"known": known, "calendar": calendar, "holidays": holidays}
    try:
        result, forecast = run(model, panel, horizon, **options)
    except ValueError as error:
        if "no future values of the covariates" not in str(error):
            raise
        raise TableError(str(error), "they are those of future_df") from error
    if forecast.effects:
        told = describe(forecast.effects, [one.name for one in panel.series])
        logger.info("%s", told)
    return with_names(result, panel, names)


def detect_frame(
    model: Forecaster, df: pd.DataFrame, reading: Reading, **options: Any
) -> pd.DataFrame:
    """Score the points of a DataFrame, see :meth:`ttm_estimators.Forecaster.detect_df`."""
    table, names = as_table(df, "df")
    panel = read_panel(table, reading)
    tell(panel, reading)
    result, _ = detect_panel(model, panel, **options)
    return with_names(result, panel, names)


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

    network = model.network
    table, _ = as_table(df, "df")
    columns = listed(static) if not isinstance(static, pd.DataFrame) else []
    if isinstance(static, pd.DataFrame):
        rows = as_table(static, "static")[0].frame
        columns = [name for name in names_of(rows) if name not in table.frame]
        roles = Roles(static={name: [] for name in columns})
        table = _with_static(table, static, roles, reading.id)
    panel = read_panel(table, replace(reading, static=columns))
    tell(panel, reading)
    return fine_tune_panel(
        network,
        panel,
        horizon,
        known=reading.known,
        past=reading.past,
        static=columns,
        settings=settings,
        **trainer_options,
    )


def as_table(df: Any, called: str) -> tuple[Table, dict[str, Any]]:
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


def with_names(frame: pd.DataFrame, panel: Panel, names: Mapping[str, Any]) -> pd.DataFrame:
    """Give id and time columns, and variables, the names of the user, which may not be text."""
    if VARIABLE in panel.keys and any(old != new for new, old in names.items()):
        frame[VARIABLE] = frame[VARIABLE].map(lambda name: names.get(name, name))
    own = [panel.time, *panel.chosen.ids]
    return frame.rename(columns={new: old for new, old in names.items() if new in own})


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
    frame, rows = table.frame, as_table(static, "static")[0].frame
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
        raise TableError(
            f"static has two rows for {first_row(rows[rows.duplicated(shared)], shared)}"
        )
    left = frame[shared].astype(object)
    right = rows[[*shared, *columns]].astype(dict.fromkeys(shared, object))
    found = left.merge(right, "left", shared, indicator="found")
    lacking = found["found"].eq("left_only").to_numpy()
    if lacking.any():
        raise TableError(f"static has no row for {first_row(frame[lacking], shared)}")
    added = {name: found[name].to_numpy() for name in columns}
    return replace(table, frame=frame.assign(**added))


def warn_if_sparse(panel: Panel, stacklevel: int) -> None:
    """Warn of series most of whose times are absent."""
    if panel.sparse_note:
        told = f"{panel.sparse_note}, or give its own freq= if they never occur"
        warnings.warn(told, TableWarning, stacklevel=stacklevel)


def tell(panel: Panel, reading: Reading) -> None:
    """Log how columns were read, and warn of columns that were left out unasked."""
    told = filter(None, [panel.took, panel.empty_ends, panel.filled_note])
    logger.info("read %s", "; ".join(told))
    warn_if_sparse(panel, stacklevel=5)
    for each in panel.unused_future:
        warnings.warn(each, TableWarning, stacklevel=4)
    if panel.id_note:
        warnings.warn(f"{panel.id_note}; choose with id=", TableWarning, stacklevel=4)
    if panel.left_out_warning and not reading.value:
        warnings.warn(panel.left_out_warning, TableWarning, stacklevel=4)
