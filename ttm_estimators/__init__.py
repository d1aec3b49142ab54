"""TinyTimeMixers: a forecasting foundation model of under a million parameters.

>>> import ttm_estimators
>>> model = ttm_estimators.load()
>>> forecast = model.forecast([[1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]], horizon=4)
>>> forecast.point.shape
(1, 4)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import public
from ttm_estimators.forked import let_children_work
from ttm_estimators.renamed import warn_of

if TYPE_CHECKING:
    from ttm_estimators.backtest.cross_validation import BacktestError, cross_validation
    from ttm_estimators.backtest.evaluation import Evaluation, evaluate
    from ttm_estimators.dataset.backtest import DatasetEvaluation, cross_validation_dataset
    from ttm_estimators.dataset.forecast import forecast_file
    from ttm_estimators.dataset.forecast_dataset import forecast_dataset
    from ttm_estimators.detection import Detection
    from ttm_estimators.forecasting import (
        Covariates,
        Forecast,
        ForecastConfig,
        Forecaster,
        Outlier,
        OutlierWarning,
        load,
    )
    from ttm_estimators.network import PRESETS, TinyTimeMixer, TTMConfig
    from ttm_estimators.regression import CovariateEffects
    from ttm_estimators.tables import TableError, TableWarning
    from ttm_estimators.training.fine_tuning.config import FineTuneConfig
    from ttm_estimators.training.fine_tuning.fine_tune import fine_tune
    from ttm_estimators.training.fine_tuning.result import FineTuneResult
    from ttm_estimators.weights import (
        WeightsError,
        load_network,
        save_network,
        save_to_hub,
        shipped_models,
    )

__version__ = "0.1.0"

let_children_work()

_HOMES = {
    "BacktestError": "backtest.cross_validation",
    "Evaluation": "backtest.evaluation",
    "cross_validation": "backtest.cross_validation",
    "DatasetEvaluation": "dataset.backtest",
    "cross_validation_dataset": "dataset.backtest",
    "evaluate": "backtest.evaluation",
    "forecast_file": "dataset.forecast",
    "CovariateEffects": "regression",
    "Covariates": "forecasting",
    "Detection": "detection",
    "FineTuneResult": "training.fine_tuning.result",
    "FineTuneConfig": "training.fine_tuning.config",
    "Forecast": "forecasting",
    "ForecastConfig": "forecasting",
    "Forecaster": "forecasting",
    "Outlier": "forecasting",
    "OutlierWarning": "forecasting",
    "fine_tune": "training.fine_tuning.fine_tune",
    "forecast_dataset": "dataset.forecast_dataset",
    "load": "forecasting",
    "PRESETS": "network",
    "TTMConfig": "network",
    "TableError": "tables",
    "TableWarning": "tables",
    "TinyTimeMixer": "network",
    "WeightsError": "weights",
    "load_network": "weights",
    "save_network": "weights",
    "save_to_hub": "weights",
    "shipped_models": "weights",
}

_OLD_NAMES = {"FineTuned": "FineTuneResult", "FineTuning": "FineTuneConfig"}

__all__ = [
    "PRESETS",
    "BacktestError",
    "CovariateEffects",
    "Covariates",
    "DatasetEvaluation",
    "Detection",
    "Evaluation",
    "FineTuneConfig",
    "FineTuneResult",
    "Forecast",
    "ForecastConfig",
    "Forecaster",
    "Outlier",
    "OutlierWarning",
    "TTMConfig",
    "TableError",
    "TableWarning",
    "TinyTimeMixer",
    "WeightsError",
    "cross_validation",
    "cross_validation_dataset",
    "evaluate",
    "fine_tune",
    "forecast_dataset",
    "forecast_file",
    "load",
    "load_network",
    "save_network",
    "save_to_hub",
    "shipped_models",
]


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that the command line starts without torch."""
    if name in _OLD_NAMES:
        new = _OLD_NAMES[name]
        warn_of(f"{__name__}.{name}", new, stacklevel=2)
        return __getattr__(new)
    trains = _HOMES.get(name, "").startswith("training.")
    return public(__name__, _HOMES, name, "train" if trains else None)


def __dir__() -> list[str]:
    return sorted(__all__)
