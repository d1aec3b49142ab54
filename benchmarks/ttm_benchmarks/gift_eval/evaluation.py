"""One model on one task: the metrics of a submission, coverage, costs, and an example.

The metrics are GluonTS's, as its ``evaluate_model`` computes them. The loop is ours to save time:
GluonTS gathers each seasonal error by a list of indices, which takes longer than the forecasts of a
small model do.

Shape suffixes: N windows, T time.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from gluonts.ev import metrics
from gluonts.itertools import batcher
from gluonts.model import Forecast, Predictor
from gluonts.model.evaluation import BatchForecast

from ttm_benchmarks.gift_eval.costs import Costs, Stopwatch, peak_memory
from ttm_benchmarks.gift_eval.coverage import MidCoverage
from ttm_benchmarks.gift_eval.data import TaskData, read_task
from ttm_benchmarks.gift_eval.examples import example_of, typical_window
from ttm_benchmarks.gift_eval.predictors import Model, make_predictor
from ttm_benchmarks.gift_eval.tasks import Task
from ttm_estimators.network.presets import DECILES

Array = npt.NDArray[Any]

METRICS = (
    metrics.MSE(forecast_type="mean"),
    metrics.MSE(forecast_type=0.5),
    metrics.MAE(forecast_type=0.5),
    metrics.MASE(forecast_type=0.5),
    metrics.MAPE(forecast_type=0.5),
    metrics.SMAPE(forecast_type=0.5),
    metrics.MSIS(),
    metrics.RMSE(forecast_type="mean"),
    metrics.NRMSE(forecast_type="mean"),
    metrics.ND(forecast_type=0.5),
    metrics.MeanWeightedSumQuantileLoss(quantile_levels=DECILES),
    *(MidCoverage(level) for level in DECILES),
)


class Measured(NamedTuple):
    """What a model did on a task."""

    scores: dict[str, float]
    """Metrics by GluonTS's names."""

    costs: Costs
    example: pd.DataFrame
    """Forecast of a typical window, as :func:`example_of` makes it."""


def evaluate(
    folder: Path,
    task: Task,
    model: Model,
    *,
    batch_size: int,
    device: str,
    multivariate: bool,
    before_test: bool = False,
) -> Measured:
    """Measure a model on a task.

    When memory runs out the task begins anew with half the batch.

    Parameters
    ----------
    folder : Path
        Where all data are.
    task : Task
        What to forecast.
    model : Model
        What forecasts.
    batch_size : int
        Series in one forward pass, at first.
    device : str
        Any torch device.
    multivariate : bool
        Whether the model sees all variates of a series at once.
    before_test : bool, default False
        Whether to measure on the windows before the test windows instead.

    Raises
    ------
    ValueError
        When a forecast has NaN.
    """
    data = read_task(folder, task, multivariate=multivariate, before_test=before_test)
    while True:
        predictor = make_predictor(
            model,
            training=data.training,
            horizon=task.horizon,
            frequency=data.frequency,
            season=data.season,
            batch_size=batch_size,
            device=device,
            multivariate=multivariate,
        )
        watch = Stopwatch(predictor)
        try:
            with peak_memory() as memory:
                found, errors_N = scores(watch, data, batch_size)
            costs = Costs(watch.series, watch.seconds, max(memory) / 1e6)
            return Measured(found, costs, example_of(predictor, data, typical_window(errors_N)))
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error) or batch_size == 1:
                raise
        # Outside the except block, whose traceback would hold on to what filled the memory.
        batch_size //= 2
        gc.collect()
        torch.cuda.empty_cache()


def scores(predictor: Predictor, data: TaskData, batch_size: int) -> tuple[dict[str, float], Array]:
    """Score the forecasts of all windows. Missing truth does not count.

    Returns
    -------
    tuple
        Metrics by GluonTS's names, and the MASE of each window, shape (N,), NaN where it has no
        truth.
    """
    evaluators, errors_N = None, []
    forecasts = predictor.predict(data.test.input)
    for batch in batcher(zip(data.test, forecasts, strict=True), batch_size):
        label = np.ma.masked_invalid([future["target"] for (_, future), _ in batch])
        scales = np.array([_seasonal_error(past["target"], data.season) for (past, _), _ in batch])
        known = {"label": label, "seasonal_error": scales}
        values = _Batch([forecast for _, forecast in batch], known)
        if evaluators is None:
            evaluators = [metric(axis=tuple(range(label.ndim))) for metric in METRICS]
        for evaluator in evaluators:
            evaluator.update(values)
        scaled = np.ma.abs(label - values["0.5"]) / scales
        errors_N.append(np.ma.filled(scaled.mean(axis=tuple(range(1, label.ndim))), np.nan))
    found = {evaluator.name: float(evaluator.get()) for evaluator in evaluators or ()}
    return found, np.concatenate(errors_N)


class _Batch(dict[str, Array]):
    """Truth, and forecasts by GluonTS's names, each put together once for all metrics."""

    def __init__(self, forecasts: list[Forecast], known: Mapping[str, Array]) -> None:
        super().__init__(known)
        self.forecasts = BatchForecast(forecasts)

    def __missing__(self, name: str) -> Array:
        """Stack what all forecasts say, shape (N, H) or (N, V, H)."""
        value: Array = self.forecasts[name]
        self[name] = value
        return value


def _seasonal_error(past_T: Array, season: int) -> Array:
    """Mean absolute difference to the season before, over the last axis, which is kept."""
    season = season if season <= past_T.shape[-1] else 1
    past_T = np.ma.masked_invalid(past_T)
    error: Array = np.abs(past_T[..., season:] - past_T[..., :-season]).mean(-1, keepdims=True)
    return error


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out. The CPU allocator of torch says so in words only."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)
