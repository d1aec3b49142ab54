"""An example of each task: the forecast of the window with the median error.

Shape suffixes: N windows, T time, H horizon.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from gluonts.model.predictor import Predictor

from ttm_benchmarks.gift_eval.data import TaskData
from ttm_estimators.atomic import replacing
from ttm_estimators.network.presets import DECILES

Array = npt.NDArray[Any]

EXAMPLES_FILE = "examples.parquet"

SHOWN_HORIZONS = 3
"""History that is kept, in horizons."""


def typical_window(errors_N: Array) -> int:
    """Find the window whose error is in the middle. Windows without truth do not count.

    Parameters
    ----------
    errors_N : array of shape (N,)
        Error of each window, NaN where there is none.
    """
    known = int(np.isfinite(errors_N).sum())
    order = np.argsort(np.nan_to_num(errors_N, nan=np.inf), kind="stable")
    return int(order[max(0, known - 1) // 2])


def example_of(predictor: Predictor, data: TaskData, window: int) -> pd.DataFrame:
    """Forecast one window.

    Returns
    -------
    DataFrame
        A row for each step of the end of the history and of the horizon, with the columns
        ``item_id``, ``time``, ``value`` (the truth) and, for steps of the horizon, each decile as
        ``"0.1"`` to ``"0.9"``. Of several variates the first is shown.
    """
    past, future = next(iter(islice(data.test, window, None)))
    (forecast,) = predictor.predict([past])
    horizon = predictor.prediction_length
    history_T = np.atleast_2d(past["target"])[0][-SHOWN_HORIZONS * horizon :]
    truth_H = np.atleast_2d(future["target"])[0]
    start = forecast.start_date - len(history_T)
    times = pd.period_range(start, periods=len(history_T) + horizon)
    table = pd.DataFrame(
        {
            "item_id": past["item_id"],
            "time": times.to_timestamp(),
            "value": np.concatenate([history_T, truth_H]),
        }
    )
    before = np.full(len(history_T), np.nan)
    for level in DECILES:
        quantile_H = forecast.quantile(level).reshape(horizon, -1)[:, 0]
        table[str(level)] = np.concatenate([before, quantile_H])
    numbers = table.columns[2:]
    return table.astype(dict.fromkeys(numbers, np.float32))


def read_examples(folder: Path) -> pd.DataFrame | None:
    """Read all examples, told apart by the column ``dataset``. None where there is no file."""
    path = folder / EXAMPLES_FILE
    return pd.read_parquet(path) if path.is_file() else None


def add_example(folder: Path, task: str, example: pd.DataFrame) -> None:
    """Write down the example of a task, beside those of the other tasks."""
    there = read_examples(folder)
    example = example.assign(dataset=task)
    if there is not None:
        example = pd.concat([there[there["dataset"] != task], example], ignore_index=True)
    with replacing(folder / EXAMPLES_FILE) as partial:
        example.to_parquet(partial, index=False)
