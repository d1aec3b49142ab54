"""Forecasting: from arrays to quantiles with a loaded model."""

from ttm_estimators.forecasting.forecaster import Forecast, Forecaster, load

__all__ = ["Forecast", "Forecaster", "load"]
