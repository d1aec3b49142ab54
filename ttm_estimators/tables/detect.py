"""Anomaly scores of a panel as a table: a row for each point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ttm_estimators.detection import Detection
from ttm_estimators.forecasting import Forecaster
from ttm_estimators.tables.errors import TableError
from ttm_estimators.tables.panel import Panel

COLUMNS = ("median", "low", "high", "score", "flag")
"""What is told of each value, by the names of :class:`ttm_estimators.Detection`."""


def detect_panel(
    forecaster: Forecaster, panel: Panel, **options: Any
) -> tuple[pd.DataFrame, list[Detection]]:
    """Score every point of a panel.

    Parameters
    ----------
    forecaster : Forecaster
        Model.
    panel : Panel
        Its series.
    **options
        As in :meth:`ttm_estimators.Forecaster.detect`.

    Returns
    -------
    DataFrame
        Id columns, time, ``value``, ``median``, ``low``, ``high``, ``score`` and ``flag``.
    list of Detection
        The same numbers, where each value column is a series of its own.

    Raises
    ------
    ValueError
        As :meth:`ttm_estimators.Forecaster.detect`.
    TableError
        When a column of the table has the name of one of the result.
    """
    taken = [name for name in ("value", *COLUMNS) if name in (panel.time, *panel.keys)]
    if taken:
        raise TableError(f"column {taken[0]!r} has the name of a column of the result", "rename it")
    series = panel.series
    found = forecaster.detect(
        [one.values for one in series], names=[f"series {one.name!r}" for one in series], **options
    )
    lengths = [len(one.values) for one in series]
    frame = panel.keys.loc[panel.keys.index.repeat(lengths)].reset_index(drop=True)
    times = [one.times for one in series]
    frame[panel.time] = panel.stamps.restored(times[0].append(times[1:]))
    frame["value"] = np.concatenate([one.values for one in series])
    for name in COLUMNS:
        frame[name] = np.concatenate([getattr(one, name) for one in found])
    return frame, found
