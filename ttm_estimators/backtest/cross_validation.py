"""Rolling-origin forecasts of a table: every model at every cutoff, as Nixtla's frame."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ttm_estimators.backtest.libraries import Library
from ttm_estimators.backtest.models import Model, Naive, Task, make_models, with_roles
from ttm_estimators.backtest.outliers import possible, possible_histories, warn_of_outliers
from ttm_estimators.backtest.progress import Progress
from ttm_estimators.backtest.seasonal_naive import Array, season_of
from ttm_estimators.backtest.store import Store, fingerprint, read_part, write_part
from ttm_estimators.backtest.windows import (
    Window,
    before,
    earliest,
    find_windows,
    warn_of_untrained,
)
from ttm_estimators.forecasting.dataframes import Names
from ttm_estimators.forecasting.quantile_levels import validated_levels
from ttm_estimators.inputs.arrays import validated_count
from ttm_estimators.network.presets import DECILES
from ttm_estimators.regression.calendar import countries_of
from ttm_estimators.tables.calendar import calendars
from ttm_estimators.tables.columns import names_of
from ttm_estimators.tables.dataframes import as_table, tell, with_names
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.panel import Panel, read_panel
from ttm_estimators.tables.reading import Reading
from ttm_estimators.tables.steps import show

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster

DEFAULT_MODELS = ("ttm", "seasonal_naive", "naive")

CUTOFF, VALUE = "cutoff", "y"
"""Names of columns, as Nixtla has them."""


class BacktestError(ValueError):
    """A model failed. The message names the model, the series and the cutoff."""


def cross_validation(
    df: pd.DataFrame,
    horizon: int,
    *,
    windows: int = 5,
    step: int | None = None,
    models: Sequence[Any] | Mapping[str, Any] | str = DEFAULT_MODELS,
    model: str | Path | Forecaster | None = None,
    quantile_levels: Sequence[float] = DECILES,
    known: Names = None,
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
    season: int | None = None,
    id: Names = None,
    time: Names = None,
    value: Names = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    batch_size: int = 256,
    keep_outliers: bool = False,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = False,
    date_format: str | None = None,
    timezone: str | None = None,
    round_time: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    fill_gaps: bool = False,
    no_time: bool = False,
) -> pd.DataFrame:
    """Forecast the last windows of every series from what came before, with several models.

    The last cutoff of a series leaves ``horizon`` of its rows, each earlier one ``step`` more. At
    each, a model sees the rows up to it, and of known covariates ``horizon`` more. Series may end
    at different times: no forecast depends on values after its cutoff, of whatever series.

    Parameters
    ----------
    df : DataFrame
        As in :meth:`ttm_estimators.Forecaster.forecast_df`: long, one series, or wide.
    horizon : int
        Steps to forecast from each cutoff.
    windows : int, default 5
        Cutoffs of each series.
    step : int, optional
        Rows between two cutoffs. Default: ``horizon``, so that windows do not overlap.
    models : sequence, mapping or str, default ("ttm", "seasonal_naive", "naive")
        What to compare. As text, which may have arguments, such as ``ttm(model=my-weights)``:

        - "ttm": ours, as :meth:`~ttm_estimators.Forecaster.forecast_df` forecasts.
        - "ttm-finetuned": ours, fine-tuned once on what lies up to the earliest cutoff of all
          series, so that it has seen no window, nor anything later of another series. Series that
          begin after that cutoff are not trained on. Arguments are those of
          :class:`~ttm_estimators.FineTuneConfig`; without ``minutes`` or ``steps`` it has two
          minutes. It needs Lightning.
        - "seasonal_naive": the last season repeated, "naive": the last value, both with normal
          quantiles as wide as the past differences, growing as those of a random walk. Where a
          history is shorter than a season, the last value.
        - The path of a forecaster of sktime or GluonTS, such as
          ``sktime.forecasting.theta.ThetaForecaster(sp=12)``. Those of sktime are fitted to each
          series at each cutoff. GluonTS's estimators are trained once, as "ttm-finetuned".

        Or objects: a :class:`~ttm_estimators.Forecaster`, or a forecaster of these libraries. A
        column is named by its model, or by the keys of a mapping.
    model : str, Path or Forecaster, optional
        Which of our models "ttm" and "ttm-finetuned" begin with, as in
        :func:`ttm_estimators.load`.
    quantile_levels : sequence of float, default deciles
        Levels in (0, 1).
    known : str or sequence of str, optional
        Columns of covariates that are known in the future. Ours and GluonTS's take them, sktime's
        as ``X``. Naive ones do not.
    calendar : bool, default False
        Whether the calendar of the dates counts as known covariates too.
    holidays : str or sequence of str, optional
        Countries of the package ``holidays``, such as "DE", whose holidays do too, with the
        calendar.
    season : int, optional
        Steps in a season. Default: that of the frequency: a day of hours, a week of days, a year of
        weeks, months and quarters. Where none is known, "seasonal_naive" repeats the last value.
    id, time, value, freq, date_format, timezone, round_time : optional
    decimal, thousands, fill_gaps, no_time : optional
        As in :meth:`ttm_estimators.Forecaster.forecast_df`.
    batch_size : int, default 256
        As there, for ours.
    keep_outliers : bool, default False
        Whether impossible readings, such as the -999 of a failed sensor, count. By default they are
        missing to every model, where they are impossible by what lies before the cutoff, and in
        "y", where they are by the whole series. See :mod:`ttm_estimators.inputs.outliers`.
    seed : int, default 0
        Of fine-tuning, and of libraries that draw at random.
    folder : str or Path, optional
        Where finished parts are kept. Started again it goes on from there. Other data, models or
        settings have other files.
    progress : bool, default False
        Whether to tell on standard error how far it is, and the time that is left.

    Returns
    -------
    DataFrame
        A row for each series, cutoff and step, in this order: the id columns of ``df`` (and
        "variable", where several columns are forecast), "cutoff", the time column, "y", what was
        observed, missing where it is impossible, and for each model its median, "ttm", and a column
        for each level, "ttm-0.1". A forecaster without quantiles has its point forecast alone.

    Warns
    -----
    OutlierWarning
        When impossible readings were taken as missing.
    TableWarning
        When a series is too short for a window, and is left out of it, a model is not trained on a
        series, for it has nothing before the earliest cutoff, "seasonal_naive" has no season,
        columns were left out, or a part in ``folder`` is damaged and is made anew.

    Raises
    ------
    TableError
        When the table can not be understood, or no series is long enough. It is a ``ValueError``.
    ValueError
        When a model is unknown or fails. The message names it, the series and the cutoff.

    Examples
    --------
    >>> import pandas as pd
    >>> import ttm_estimators
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> df = pd.DataFrame({"ds": days, "y": [5.0, 6, 7, 8, 9, 3] * 10})
    >>> frame = ttm_estimators.cross_validation(df, 7, windows=2, quantile_levels=[0.1, 0.9])
    >>> list(frame)[:6]
    ['cutoff', 'ds', 'y', 'ttm', 'ttm-0.1', 'ttm-0.9']
    """
    reading = Reading.of(locals())
    table, names = as_table(df, "df")
    frame, panel = cross_validate(
        table,
        reading,
        horizon,
        windows=windows,
        step=step,
        models=models,
        model=model,
        quantile_levels=quantile_levels,
        known=reading.known,
        calendar=calendar,
        holidays=holidays,
        season=season,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
        seed=seed,
        folder=folder,
        progress=progress,
    )
    tell(panel, reading)
    return with_names(frame, panel, names)


def cross_validate(
    table: Table,
    reading: Reading,
    horizon: int,
    *,
    windows: int,
    step: int | None,
    models: Sequence[Any] | Mapping[str, Any] | str,
    model: str | Path | Forecaster | None,
    quantile_levels: Sequence[float],
    known: Sequence[str],
    calendar: bool,
    holidays: str | Sequence[str] | None,
    season: int | None,
    batch_size: int,
    keep_outliers: bool,
    seed: int,
    folder: str | Path | None,
    progress: bool,
    tell_panel: Callable[[Panel], None] = lambda panel: None,
) -> tuple[pd.DataFrame, Panel]:
    """:func:`cross_validation` of a table, with the panel that was read.

    ``tell_panel`` gets it before any model begins.
    """
    plan = planned(horizon, windows, step, season, quantile_levels)
    store = Store(None if folder is None else Path(folder), {})
    contenders = make_models(models, model, store)
    return cross_validate_panel(
        read_panel(table, with_covariates(reading, contenders, known, calendar, holidays)),
        contenders,
        plan,
        store=store,
        known=known,
        calendar=calendar,
        holidays=holidays,
        batch_size=batch_size,
        keep_outliers=keep_outliers,
        seed=seed,
        progress=progress,
        tell_panel=tell_panel,
    )


@dataclass(frozen=True)
class Plan:
    """Which windows are forecast, and which quantile levels of them."""

    horizon: int
    windows: int
    step: int
    season: int | None
    levels: tuple[float, ...]

    def forecasts_step(self, step: int) -> bool:
        """Whether a step of a series is in a window, counted from the end: -1 is the last."""
        return any(0 < -step - i * self.step <= self.horizon for i in range(self.windows))


def planned(
    horizon: int,
    windows: int,
    step: int | None,
    season: int | None,
    quantile_levels: Sequence[float],
) -> Plan:
    """Check options of :func:`cross_validation`, and fill in their defaults."""
    horizon = validated_count("horizon", horizon)
    windows = validated_count("windows", windows)
    step = horizon if step is None else validated_count("step", step)
    season = None if season is None else validated_count("season", season)
    levels = validated_levels(quantile_levels)
    if len(set(levels)) < len(levels):
        raise ValueError(f"quantile_levels must differ, got {levels}")
    return Plan(horizon, windows, step, season, levels)


def with_covariates(
    reading: Reading,
    models: Mapping[str, Model],
    known: Sequence[str],
    calendar: bool,
    holidays: str | Sequence[str] | None,
) -> Reading:
    """How to read a table of which models take these covariates, and those of their own."""
    roles = with_roles(models, known, calendar=calendar or holidays is not None)
    return replace(reading, known=roles.known, past=roles.past, static=tuple(roles.static))


def cross_validate_panel(
    panel: Panel,
    contenders: Mapping[str, Model],
    plan: Plan,
    *,
    store: Store,
    known: Sequence[str],
    calendar: bool,
    holidays: str | Sequence[str] | None,
    batch_size: int,
    keep_outliers: bool,
    seed: int,
    progress: bool = False,
    tell_panel: Callable[[Panel], None] = lambda panel: None,
) -> tuple[pd.DataFrame, Panel]:
    """:func:`cross_validation` of a panel that was read :func:`with_covariates`."""
    horizon, levels, season = plan.horizon, plan.levels, plan.season
    calendar = calendar or holidays is not None
    added: list[str] = []
    if calendar:
        panel, added = with_calendar(panel, holidays)
    together = any(_ties_channels(each) for each in contenders.values())
    truth, impossible = (panel, []) if keep_outliers else possible(panel)
    found = find_windows(truth, horizon, plan.windows, plan.step, together=together)
    if season is None:
        warn_without_season(panel, contenders)
    first = earliest(panel, found, together=together)
    trained = [name for name, each in contenders.items() if each.trained_once]
    if trained:
        warn_of_untrained(panel, first, trained)
    shared: dict[str, Any] = {
        "known": tuple(known),
        "calendar": calendar,
        "holidays": countries_of(holidays) or None,
        "season": season,
        "levels": levels,
        "horizon": horizon,
    }
    from ttm_estimators import __version__

    store.common = {**shared, "data": fingerprint(panel), "version": __version__}
    store.common["keep_outliers"] = keep_outliers
    store.common["first"] = [first.members, first.cuts]  # of models that are trained once
    if keep_outliers:
        (learned, *histories) = (before(panel, each, horizon) for each in (first, *found))
    else:
        ((learned,), _) = possible_histories(panel, [first], horizon)
        histories, outliers = possible_histories(panel, found, horizon)
        unscored = [one for one in impossible if plan.forecasts_step(one.step)]
        warn_of_outliers(outliers, unscored, truth)
    task = Task(
        panel,
        learned,
        seed=seed,
        batch_size=batch_size,
        calendar_columns=tuple(added),
        progress=progress and not sys.stderr.isatty(),  # a terminal has one bar already
        **shared,
    )
    tell_panel(panel)
    identities = {name: each.identity for name, each in contenders.items()}
    series = sum(len(window.members) for window in found)
    parts: dict[tuple[int, str], Array] = {}
    with Progress(list(contenders), series, progress) as told:
        for window, history in zip(found, histories, strict=True):
            here = replace(task, panel=history)
            for name, each in contenders.items():
                own = {"model": identities[name], "members": window.members, "cuts": window.cuts}
                if not each.trained_once:
                    own["first"] = None  # whatever other windows there are
                if each.draws:
                    own["seed"] = seed
                path = store.path(name, ".npy", **own)
                parts[window.number, name] = _part(path, name, each, here, told)
    return _frame(truth, found, horizon, levels, list(contenders), parts), panel


def warn_without_season(panel: Panel, models: Mapping[str, Model]) -> None:
    """Tell where a seasonal naive forecast has no season.

    Warns
    -----
    TableWarning
        When a model is seasonal naive, and the frequency of a series has no season.
    """
    names = [name for name, each in models.items() if isinstance(each, Naive) and each.seasonal]
    without = [one.name for one in panel.series if season_of(one.step) == 1]
    if names and without:
        of = "" if len(without) == len(panel.series) else f" of series {quoted(without)}"
        warnings.warn(
            f"no season known{of}: give season=7, or season=1 where there is none; until then "
            f"{names[0]!r} repeats the last value",
            TableWarning,
            stacklevel=5,
        )


def _part(path: Path | None, name: str, model: Model, task: Task, told: Progress) -> Array:
    """Forecasts of one model at one window, from the folder if they are there."""
    size = (len(task.panel.series), task.horizon)
    widths = {1 + len(task.levels), *([1] if isinstance(model, Library) else [])}
    values = read_part(path, {(*size, width) for width in widths})
    if values is not None:
        told.skip(name, len(task.panel.series))
        return values
    if model.trained_once and name not in told.trained:
        told.train(name)
    try:
        values = model.forecast(task, lambda count: told.advance(name, count))
    except TableError:
        raise
    except Exception as error:  # whatever a model of another library raises
        raise _failure(name, task, error) from error
    write_part(path, values)
    return values


def _failure(name: str, task: Task, error: Exception) -> BacktestError:
    index = getattr(error, "index", None)
    series = task.panel.series
    cutoff = show(series[index or 0].times[-1])
    where = f"at the cutoff {cutoff}"
    if index is not None or len(series) == 1:
        where = f"on series {series[index or 0].name!r} {where}"
    elif len({one.times[-1] for one in series}) > 1:
        where += f" of series {series[0].name!r}, and those of the others"
    return BacktestError(f"model {name!r} failed {where}: {' '.join(str(error).split())}")


def _ties_channels(model: Model) -> bool:
    forecaster = getattr(model, "forecaster", None)
    config = None if forecaster is None else forecaster.config
    mixes = getattr(model, "settings", {}).get("mix_channels", False)
    return bool(mixes or (config and config.tied_channels and len(config.targets) > 1))


def with_calendar(panel: Panel, holidays: str | Sequence[str] | None) -> tuple[Panel, list[str]]:
    """Put the calendar of the dates beside the covariates of a panel, and name its columns.

    Raises
    ------
    TableError
        When times are whole numbers, or a column of the table has the name of one of them.
    """
    tables = []
    for one in panel.series:
        own = one.covariates
        if own is None:
            own = pd.DataFrame(index=range(len(one.times)))
        alone = replace(panel, series=[one])
        later = len(own) - len(one.times)
        future = alone.futures(later)[0] if later else one.times[:0]
        (features,) = calendars(alone, [future], holidays)
        words = {_word(name) for name in features}
        both = [name for name in names_of(own) if _word(name) in words]
        if both:
            raise TableError(
                f"column {both[0]!r} has the name of a part of the calendar", "rename it"
            )
        tables.append((own, features.reset_index(drop=True)))
    names = list(dict.fromkeys(name for _, features in tables for name in names_of(features)))
    series = [
        replace(one, covariates=own.join(features.reindex(columns=names, fill_value=0.0)))
        for one, (own, features) in zip(panel.series, tables, strict=True)
    ]
    countries = f", holidays of {', '.join(countries_of(holidays))}" if holidays else ""
    return replace(panel, series=series, calendar=f"of the dates{countries}"), names


def _word(column: Any) -> str:
    """Name of the covariate that a column is of: "weekday" of "weekday=Tue"."""
    return str(column).partition("=")[0]


def _frame(
    panel: Panel,
    windows: Sequence[Window],
    horizon: int,
    levels: Sequence[float],
    models: Sequence[str],
    parts: Mapping[tuple[int, str], Array],
) -> pd.DataFrame:
    """Rows by series, cutoff and step."""
    rows = sorted(
        (i, window.number, at, cut)
        for window in windows
        for at, (i, cut) in enumerate(zip(window.members, window.cuts, strict=True))
    )
    times = [panel.series[i].times[cut : cut + horizon] for i, _, _, cut in rows]
    cutoffs = [panel.series[i].times[[cut - 1] * horizon] for i, _, _, cut in rows]
    values = [panel.series[i].values[cut : cut + horizon] for i, _, _, cut in rows]
    which = np.repeat([i for i, *_ in rows], horizon)
    frame = panel.keys.iloc[which].reset_index(drop=True)
    columns: list[tuple[str, Any]] = [
        (CUTOFF, panel.stamps.restored(cutoffs[0].append(cutoffs[1:]))),
        (panel.time, panel.stamps.restored(times[0].append(times[1:]))),
        (VALUE, np.concatenate(values)),
    ]
    for name in models:
        forecasts = np.concatenate([parts[number, name][at] for _, number, at, _ in rows])
        labels = [name, *(f"{name}-{level}" for level in levels)]
        columns += zip(labels[: forecasts.shape[1]], forecasts.T, strict=False)
    names = [*frame, *(name for name, _ in columns)]
    for name in names:
        if names.count(name) > 1:
            raise TableError(f"column {name!r} has the name of a column of the result", "rename it")
    return pd.concat([frame, pd.DataFrame(dict(columns))], axis=1)
