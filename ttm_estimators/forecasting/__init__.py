"""Forecasting: from arrays to quantiles with a loaded model."""

from ttm_estimators.forecasting.forecaster import Forecast, Forecaster, load
from ttm_estimators.inputs.aggregation import ForecastConfig
from ttm_estimators.inputs.covariates import Covariates
from ttm_estimators.inputs.outliers import Outlier, OutlierWarning

__all__ = [
    "Covariates",
    "Forecast",
    "ForecastConfig",
    "Forecaster",
    "Outlier",
    "OutlierWarning",
    "load",
]
