"""Forecasts of the windows of a fev task.

Shape suffixes: N series (of some windows), T time, H horizon, V target channels, Q quantile levels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import fev
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ttm_estimators import Covariates, Forecaster, TinyTimeMixer, load
from ttm_estimators.inputs.covariates import Roles

Array = npt.NDArray[np.float64]

POINT = "predictions"
"""Column of the point forecast in fev's predictions."""


class _Item(NamedTuple):
    """A series of a window, up to its cutoff."""

    name: str
    values: Array
    """Shape (time,), or (time, variates) of a task with several targets."""

    covariates: Covariates
    end: tuple[int, Any]
    """Window and last date. None learns what covariates do from the future of another."""


def forecaster_of(
    model: str | Path | TinyTimeMixer | Forecaster | None, device: str = "cpu"
) -> Forecaster:
    """Forecaster of whatever names a model."""
    if isinstance(model, Forecaster):
        return model
    if isinstance(model, TinyTimeMixer):
        return Forecaster(model, device=device)
    return load(model, device=device)


def predict_fev(
    task: fev.Task,
    model: str | Path | TinyTimeMixer | Forecaster | None = None,
    *,
    device: str = "cpu",
    batch_size: int = 256,
    keep_outliers: bool = False,
) -> list[datasets.DatasetDict]:
    """Forecast every window of a task.

    The numbers are those of :meth:`ttm_estimators.Forecaster.forecast`. A window is forecast from
    what lies before its cutoff, and its forecasts do not depend on the other windows.

    Parameters
    ----------
    task : fev.Task
        Targets, covariates, windows, horizon and quantile levels. Several targets are forecast each
        by itself, or together by a network that mixes channels, in the order of
        ``task.target_columns``, which is the alphabet's. Covariates known in the future
        (``known_dynamic_columns``) count at once, see :mod:`ttm_estimators.regression`. A model
        that was fine-tuned with covariates takes its own, of all kinds, by the names of the columns
        that it learnt from. A warning names the columns that do not count: other past and static
        ones, and those that hold no numbers. A target without any observed value is forecast as
        zeros, and a warning names the first.
    model : str, Path, TinyTimeMixer or Forecaster, optional
        Name of a shipped model, weights folder, network or forecaster. Default: the default model.
    device : str, default "cpu"
        Any torch device, for a model that is not a forecaster yet.
    batch_size : int, default 256
        Series times variates in one forward pass. Windows with fewer go together. It changes memory
        and time only.
    keep_outliers : bool, default False
        Whether single impossible readings stay, such as the -999 of a sensor that failed. They are
        otherwise taken as missing, and a warning says so.

    Returns
    -------
    list of datasets.DatasetDict
        One for each window, for ``task.evaluation_summary``: by target a dataset with the median as
        "predictions", and a column for each of ``task.quantile_levels``.

    Raises
    ------
    ttm_estimators.WeightsError
        When the model is unknown or its folder damaged.
    ValueError
        When the task lacks covariates that the model was fine-tuned with, the network has no
        quantiles to give, or the data can not be used. The message names the column or the series.

    Examples
    --------
    >>> import fev, numpy as np, pandas as pd, tempfile
    >>> days = pd.date_range("2024-01-01", periods=200)
    >>> sales = pd.DataFrame({"id": "a", "timestamp": days, "target": np.arange(200) % 7.0})
    >>> path = f"{tempfile.mkdtemp()}/sales.parquet"
    >>> sales.to_parquet(path)
    >>> task = fev.Task(path, horizon=14, num_windows=2, quantile_levels=[0.1, 0.9])
    >>> predictions = predict_fev(task)
    >>> predictions[0]["target"].column_names
    ['predictions', '0.1', '0.9']
    >>> summary = task.evaluation_summary(predictions, model_name="ttm")
    """
    forecaster = forecaster_of(model, device)
    roles = _roles(task, forecaster)
    predictions: list[datasets.DatasetDict] = []
    for group in _groups(task, roles, batch_size):
        items = _with_zeros([item for window in group for item in window])
        forecast = forecaster.forecast(
            [item.values for item in items],
            task.horizon,
            covariates=[item.covariates for item in items] if roles else None,
            quantile_levels=task.quantile_levels or None,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
            names=[item.name for item in items],
            ends=[item.end for item in items],
        )
        shape = (len(items), task.horizon, len(task.target_columns))
        point_NHV = forecast.point.reshape(shape)
        quantiles_NHVQ = forecast.quantiles.reshape(*shape, -1)
        first = 0
        for window in group:
            its = slice(first, first + len(window))
            predictions.append(_predictions(task, point_NHV[its], quantiles_NHVQ[its]))
            first = its.stop
    return predictions


def _roles(task: fev.Task, forecaster: Forecaster) -> Roles:
    """Columns of a task that count, and a warning of those that do not."""
    features = task.load_full_dataset().features
    own = forecaster.roles
    found = {*task.known_dynamic_columns, *task.past_dynamic_columns, *task.static_columns}
    lost = [name for name in (*own.known, *own.past, *own.static) if name not in found]
    ahead = [name for name in own.known if name not in task.known_dynamic_columns]
    if lost or ahead:
        raise ValueError(
            f"the model was fine-tuned with the covariates {', '.join(lost or ahead)}: declare "
            f"{'known_dynamic_columns' if ahead else 'past_dynamic_columns and static_columns'} "
            "of the task with them"
        )
    roles = own
    if not own:  # of names, which a network that was trained on arrays has not
        known, past = (
            [name for name in names if _is_number(features[name])]
            for names in (task.known_dynamic_columns, task.past_dynamic_columns)
        )
        roles = Roles(known, past if forecaster.config.tied_channels else ())
    unused = sorted(found.difference(roles.known, roles.past, roles.static))
    if unused:
        warnings.warn(
            f"columns {', '.join(unused)} of the task are not used: without fine-tuning only "
            "numbers in known_dynamic_columns count",
            stacklevel=3,
        )
    return roles


def _is_number(feature: Any) -> bool:
    kind = feature.feature.dtype
    return kind.startswith(("int", "uint", "float", "bool"))


def _groups(task: fev.Task, roles: Roles, size: int) -> Iterator[list[list[_Item]]]:
    """Neighbouring windows, of ``size`` series times variates or a little more."""
    group: list[list[_Item]] = []
    for number, window in enumerate(task.iter_windows()):
        group.append(_items(number, window, roles))
        if sum(map(len, group)) * len(task.target_columns) >= size:
            yield group
            group = []
    if group:
        yield group


def _items(number: int, window: fev.EvaluationWindow, roles: Roles) -> list[_Item]:
    past, future = window.get_input_data()
    targets = window.target_columns
    items = []
    for before, after in zip(past, future, strict=True):
        values_TV = _columns(before, targets)
        known = [*roles.known]
        whole = {name: np.concatenate([before[name], after[name]]) for name in known}
        items.append(
            _Item(
                name=f"item '{before[window.id_column]}' of window {number}",
                values=values_TV if len(targets) > 1 else values_TV[:, 0],
                covariates=Covariates(
                    known=pd.DataFrame(_columns(whole, known), columns=known) if known else None,
                    past=_columns(before, roles.past) if roles.past else None,
                    static=[
                        _category(str(before[name]), name, levels)
                        for name, levels in roles.static.items()
                    ],
                ),
                end=(number, before[window.timestamp_column][-1]),
            )
        )
    return items


def _columns(row: Any, names: Sequence[str]) -> Array:
    return np.stack([np.asarray(row[name], dtype=np.float64) for name in names], axis=1)


def _category(value: str, column: str, levels: list[str]) -> int:
    if value not in levels:
        raise ValueError(
            f"the static column {column} holds {value!r}, which the model was not fine-tuned "
            f"with: it knows {', '.join(levels)}"
        )
    return levels.index(value)


def _with_zeros(items: list[_Item]) -> list[_Item]:
    """Zeros for targets without any observed value, for fev refuses missing forecasts."""
    filled, first = [], None
    for item in items:
        unobserved_V = np.isnan(item.values).all(axis=0)
        if unobserved_V.any():
            first = first or item.name
            item = item._replace(values=np.where(unobserved_V, 0.0, item.values))
        filled.append(item)
    if first:
        warnings.warn(f"{first} is all missing: it is forecast as zeros", stacklevel=3)
    return filled


def _predictions(task: fev.Task, point_NHV: Array, quantiles_NHVQ: Array) -> datasets.DatasetDict:
    """Forecasts of a window in fev's layout."""
    found = {}
    for v, target in enumerate(task.target_columns):
        columns = {POINT: point_NHV[..., v]}
        for q, level in enumerate(task.quantile_levels):
            columns[str(level)] = quantiles_NHVQ[..., v, q]
        table = {
            name: pa.FixedSizeListArray.from_arrays(values_NH.ravel(), task.horizon)
            for name, values_NH in columns.items()
        }
        found[target] = datasets.Dataset(pa.table(table))
    return datasets.DatasetDict(found)
