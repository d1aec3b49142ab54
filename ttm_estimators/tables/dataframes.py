"""DataFrames in, DataFrames out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ttm_estimators.forecasting.covariates import Roles
from ttm_estimators.tables.columns import names_of
from ttm_estimators.tables.dates import first_cell
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.files import Table, levels_of, with_index
from ttm_estimators.tables.forecast import forecast_panel
from ttm_estimators.tables.panel import VARIABLE, Panel, read_panel
from ttm_estimators.tables.reading import Reading

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.training.fine_tuning import FineTuned, FineTuning

Names = str | Iterable[str] | None

logger = logging.getLogger(__name__)


def forecast_df(
    model: Forecaster,
    df: pd.DataFrame,
    horizon: int,
    *,
    id: Names = None,
    time: Names = None,
    value: Names = None,
    future_df: pd.DataFrame | None = None,
    static: pd.DataFrame | None = None,
    freq: str | None = None,
    quantile_levels: Sequence[float] | None = None,
    batch_size: int = 256,
    keep_outliers: bool = False,
    progress: bool = False,
    **reading: Any,
) -> pd.DataFrame:
    """Forecast the series of a DataFrame.

    It may be long (id, time, value), hold one series (time, value), or be wide (time and a column
    for each series). Rows may come in any order. An index of dates or periods is a time column.

    Parameters
    ----------
    model : Forecaster
        What :func:`ttm_estimators.load` gives. ``model.forecast_df(df, horizon)`` is the same.
    df : DataFrame
        Histories. It stays as it is. NaN means missing. Dates may be datetimes with or without a
        zone, periods, ``datetime.date``, Arrow dates, text, or whole numbers such as years.
    horizon : int
        Steps after the last row of each series.
    id, time, value : str or sequence of str, optional
        Columns. Default: what types and usual names tell, such as ``unique_id, ds, y`` or
        ``item_id, timestamp, target``. Several times make a date together, such as a day and an
        hour. Several values are series each.
    future_df : DataFrame, optional
        Rows after the histories with the covariates that are known in the future, by the names of
        ``df``. Only for models that were fine-tuned with some.
    static : DataFrame, optional
        A row for each id with its categories, where ``df`` has them not as columns. Only for models
        that were fine-tuned with some.
    freq : str, optional
        A pandas alias, or a whole number as text. Default: what the dates tell, exactly.
    quantile_levels : sequence of float, optional
        Levels in (0, 1). Default: the model's own, deciles.
    batch_size : int, default 256
        Series in one forward pass at most.
    keep_outliers : bool, default False
        Whether impossible readings stay, see :meth:`ttm_estimators.Forecaster.forecast`.
    progress : bool, default False
        Whether to show a progress bar on standard error.
    **reading
        ``date_format`` (how text dates are written), ``timezone`` (by whose clock days begin, and
        of dates without zone), ``round_time`` (such as "1min"), ``decimal`` and ``thousands``
        (signs of numbers that are text), ``fill_gaps`` (absent dates are missing values) and
        ``no_time`` (count rows).

    Returns
    -------
    DataFrame
        A row for each series and step: the id columns of ``df`` (and "variable", where several
        columns are forecast), its time column, both with their types, "median", and a column for
        each level, named as the level: "0.1".

    Warns
    -----
    TableWarning
        When columns were left out. It names each and says why.

    Raises
    ------
    TableError
        When the table can not be understood, has gaps or uneven dates. It is a ``ValueError``.
    ValueError
        As :meth:`ttm_estimators.Forecaster.forecast`.

    Examples
    --------
    >>> import pandas as pd
    >>> import ttm_estimators
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> df = pd.DataFrame({"ds": days, "y": [5.0, 6, 7, 8, 9, 3] * 10})
    >>> ttm_estimators.load().forecast_df(df, 7)["ds"].iloc[0]
    Timestamp('2024-03-01 00:00:00')
    """
    options = _reading(id, time, value, freq, reading, model.roles)
    table, names = _table(df, "df")
    table = _with_static(table, static, model.roles, options.id)
    if future_df is None:
        panel = read_panel(table, options)
    else:
        panel = _with_future(table, future_df, options, model.roles)
    _tell(panel, value)
    result, _ = forecast_panel(
        model,
        panel,
        horizon,
        quantile_levels=quantile_levels,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
        progress=progress,
    )
    if VARIABLE in panel.keys and any(old != new for new, old in names.items()):
        result[VARIABLE] = result[VARIABLE].map(lambda name: names.get(name, name))
    own = [panel.time, *panel.chosen.ids]
    return result.rename(columns={new: old for new, old in names.items() if new in own})


def fine_tune_df(
    model: Forecaster,
    df: pd.DataFrame,
    horizon: int,
    *,
    id: Names = None,
    time: Names = None,
    value: Names = None,
    known: Names = None,
    past: Names = None,
    static: pd.DataFrame | Names = None,
    freq: str | None = None,
    settings: FineTuning | None = None,
    reading: dict[str, Any] | None = None,
    **trainer_options: Any,
) -> FineTuned:
    """Fine-tune a model on the series of a DataFrame, with covariates in its columns.

    Parameters
    ----------
    model : Forecaster
        What to start from. ``model.fine_tune_df(df, horizon)`` is the same.
    df : DataFrame
        As in :func:`forecast_df`. Rows after the last value of a series may hold covariates of its
        future.
    horizon : int
        Steps to train on.
    id, time, value, freq
        As in :func:`forecast_df`.
    known, past : str or sequence of str, optional
        Columns with covariates: known in the future, and in the past only.
    static : str, sequence of str or DataFrame, optional
        Columns with a category of each series, or a row for each id with its categories.
    settings : FineTuning, optional
        How to fine-tune.
    reading : dict, optional
        Further ways to read the table, as in :func:`forecast_df`.
    **trainer_options
        As in :func:`ttm_estimators.fine_tune`.

    Returns
    -------
    FineTuned
        Its ``forecaster`` forecasts tables with the same columns.

    Raises
    ------
    TableError
        When the table can not be understood.
    ValueError
        As :func:`ttm_estimators.fine_tune`.
    """
    from ttm_estimators.tables.fine_tune import fine_tune_panel  # imports Lightning

    table, _ = _table(df, "df")
    columns = _listed(static) if not isinstance(static, pd.DataFrame) else []
    if isinstance(static, pd.DataFrame):
        rows = _table(static, "static")[0].frame
        columns = [name for name in names_of(rows) if name not in table.frame]
        roles = Roles(static={name: [] for name in columns})
        table = _with_static(table, static, roles, _listed(id))
    roles = Roles(_listed(known), _listed(past), {name: [] for name in columns})
    panel = read_panel(table, _reading(id, time, value, freq, reading or {}, roles))
    _tell(panel, value)
    return fine_tune_panel(
        model.network,
        panel,
        horizon,
        known=roles.known,
        past=roles.past,
        static=columns,
        settings=settings,
        **trainer_options,
    )


def _reading(
    id: Names, time: Names, value: Names, freq: str | None, more: dict[str, Any], roles: Roles
) -> Reading:
    known = {
        "date_format",
        "timezone",
        "round_time",
        "decimal",
        "thousands",
        "fill_gaps",
        "no_time",
    }
    unknown = [name for name in more if name not in known]
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}: the known ones are {sorted(known)}")
    return Reading(
        id=_listed(id),
        time=_listed(time),
        value=_listed(value),
        freq=None if freq is None else getattr(freq, "freqstr", str(freq)),
        known=roles.known,
        past=roles.past,
        static=tuple(roles.static),
        **more,
    )


def _listed(names: Any) -> list[str]:
    if names is None:
        return []
    many = isinstance(names, Iterable) and not isinstance(names, str)
    return [str(name) for name in (names if many else [names])]


def _table(df: Any, called: str) -> tuple[Table, dict[str, Any]]:
    """A table with names of text, and the names that it had where these were not."""
    if isinstance(df, pd.Series):
        df = df.to_frame("value" if df.name is None else df.name)
    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"{called} is a {type(df).__name__}, not a pandas DataFrame")
    if not len(df):
        raise TableError(f"{called} has no rows")
    names = {str(name): name for name in (*df.columns, *df.index.names) if name is not None}
    table = Table(with_index(df), called, levels=levels_of(df))
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
            stacklevel=3,
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
            stacklevel=3,
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
    panel = read_panel(replace(table, frame=both, name="df with future_df"), reading)
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


def _tell(panel: Panel, value: Names) -> None:
    """Say what was taken for what, and warn of columns that nobody named and are of no use."""
    logger.info("read %s", panel.took)
    if panel.left_out and value is None:
        warnings.warn(
            f"left out: {panel.left_out}; name what to forecast with value=",
            TableWarning,
            stacklevel=3,
        )
