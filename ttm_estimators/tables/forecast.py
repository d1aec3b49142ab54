"""Forecasts of a panel as a table: a row for each series and step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from einops import rearrange

from ttm_estimators.forecasting import Forecast, Forecaster
from ttm_estimators.inputs.arrays import Array, validated_count
from ttm_estimators.tables.calendar import calendars
from ttm_estimators.tables.covariates import members, roles_of
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.panel import Panel


def forecast_panel(
    forecaster: Forecaster,
    panel: Panel,
    horizon: int,
    *,
    known: Sequence[str] = (),
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
    quantile_levels: Sequence[float] | None = None,
    **options: Any,
) -> tuple[pd.DataFrame, Forecast]:
    """Forecast every series of a panel.

    Parameters
    ----------
    forecaster : Forecaster
        Model.
    panel : Panel
        With the columns of the covariates that the model was fine-tuned with, or of ``known``.
    horizon : int
        Steps.
    known : sequence of str, default ()
        Columns with covariates that are known in the future.
    calendar : bool, default False
        Whether the calendar of the dates counts beside them.
    holidays : str or sequence of str, optional
        Countries whose public holidays count, with the calendar.
    quantile_levels : sequence of float, optional
        Default: the model's own.
    **options
        As in :meth:`ttm_estimators.Forecaster.forecast`.

    Returns
    -------
    DataFrame
        Id columns, time, ``median`` and a column for each level.
    Forecast
        The same numbers, where each value column is a series of its own.

    Raises
    ------
    ValueError
        As :meth:`ttm_estimators.Forecaster.forecast`.
    TableError
        When dates leave the calendar, a column of the table has the name of one of the result, or
        the model was fine-tuned with other covariates.
    """
    horizon = validated_count("horizon", horizon)
    if quantile_levels is not None and len(set(quantile_levels)) < len(list(quantile_levels)):
        raise ValueError(f"quantile_levels must differ, got {tuple(quantile_levels)}")
    futures = panel.futures(horizon)  # may leave the calendar
    config = forecaster.config
    together = config.tied_channels and len(config.targets) > 1
    calendar = calendar or holidays is not None
    roles = roles_of(forecaster.roles, known, calendar=calendar)
    added = calendars(panel, futures, holidays) if calendar else None
    found = members(panel, roles, together=together, calendars=added)
    result = forecaster.forecast(
        found.series,
        horizon,
        covariates=found.covariates,
        quantile_levels=quantile_levels,
        names=found.quoted_names,
        time_of=panel.time_of(len(config.targets) if together else 1),
        ends=None if together else [one.times[-1] for one in panel.series],
        **options,
    )
    if together:
        result = _apart(result)
    columns = {str(level): result.quantiles[..., i] for i, level in enumerate(result.levels)}
    return to_frame(panel, futures, {"median": result.point, **columns}), result


def _apart(result: Forecast) -> Forecast:
    """Channels as series of their own, as a panel has them."""
    channels = result.point.shape[2]
    low, high = (
        rearrange(np.asarray(end), "n h v -> (n v) h") for end in (result.low, result.high)
    )
    return Forecast(
        rearrange(result.quantiles, "n h v q -> (n v) h q"),
        result.levels,
        rearrange(result.point, "n h v -> (n v) h"),
        low,
        high,
        tuple(
            each._replace(series=each.series * channels + (each.channel or 0), channel=None)
            for each in result.outliers
        ),
        result.effects,
    )


def to_frame(
    panel: Panel, futures: list[pd.Index[Any]], columns: Mapping[str, Array]
) -> pd.DataFrame:
    """Columns of shape (series, horizon) as a table, behind ids and the times of the future.

    Raises
    ------
    TableError
        When a column of the table has the name of one of these.
    """
    horizon = len(futures[0])
    frame = panel.keys.loc[panel.keys.index.repeat(horizon)].reset_index(drop=True)
    times = panel.stamps.restored(futures[0].append(futures[1:]))
    for name, column in [
        (panel.time, times),
        *((name, each.ravel()) for name, each in columns.items()),
    ]:
        if name in frame:
            raise TableError(f"column {name!r} has the name of a column of the result", "rename it")
        frame[name] = column
    return frame
