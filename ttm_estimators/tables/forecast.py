"""Forecasts of a panel as a table: a row for each series and step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from einops import rearrange

from ttm_estimators.forecasting import Forecast, Forecaster
from ttm_estimators.inputs.arrays import validated_count
from ttm_estimators.tables.covariates import members
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.panel import Panel


def forecast_panel(
    forecaster: Forecaster,
    panel: Panel,
    horizon: int,
    *,
    quantile_levels: Sequence[float] | None = None,
    **options: Any,
) -> tuple[pd.DataFrame, Forecast]:
    """Forecast every series of a panel.

    Parameters
    ----------
    forecaster : Forecaster
        Model.
    panel : Panel
        With the columns of the covariates that the model was fine-tuned with.
    horizon : int
        Steps.
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
        When dates leave the calendar, or a column of the table has the name of one of the result.
    """
    horizon = validated_count("horizon", horizon)
    if quantile_levels is not None and len(set(quantile_levels)) < len(list(quantile_levels)):
        raise ValueError(f"quantile_levels must differ, got {tuple(quantile_levels)}")
    futures = panel.futures(horizon)  # may leave the calendar
    config = forecaster.config
    together = config.tied_channels and len(config.targets) > 1
    found = members(panel, forecaster.roles, together=together)
    result = forecaster.forecast(
        found.series,
        horizon,
        covariates=found.covariates,
        quantile_levels=quantile_levels,
        names=found.quoted_names,
        **options,
    )
    if together:
        result = _apart(result)
    return _to_frame(panel, futures, result), result


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
    )


def _to_frame(panel: Panel, futures: list[pd.Index[Any]], result: Forecast) -> pd.DataFrame:
    horizon = result.point.shape[1]
    frame = panel.keys.loc[panel.keys.index.repeat(horizon)].reset_index(drop=True)
    times = panel.stamps.restored(futures[0].append(futures[1:]))
    columns: list[tuple[str, Any]] = [
        (panel.time, times),
        ("median", result.point.ravel()),
        *((str(level), result.quantiles[..., i].ravel()) for i, level in enumerate(result.levels)),
    ]
    for name, column in columns:
        if name in frame:
            raise TableError(f"column {name!r} has the name of a column of the result", "rename it")
        frame[name] = column
    return frame
