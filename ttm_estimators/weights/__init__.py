"""Weights: shipped models by name, folders on disk, the published checkpoint layout."""

from ttm_estimators.weights.folder import WeightsError, load_network, save_network
from ttm_estimators.weights.shipped import DEFAULT, read_card, resolve, shipped_models

__all__ = [
    "DEFAULT",
    "WeightsError",
    "load_network",
    "read_card",
    "resolve",
    "save_network",
    "shipped_models",
]
