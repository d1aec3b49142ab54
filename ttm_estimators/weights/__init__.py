"""Weights: shipped models by name, folders on disk or the hub, the published checkpoint layout."""

from ttm_estimators.weights.card import Card, read_card, write_card
from ttm_estimators.weights.folder import WeightsError, load_network, save_network
from ttm_estimators.weights.shipped import DEFAULT, resolve, shipped_models
from ttm_estimators.weights.upload import save_to_hub

__all__ = [
    "DEFAULT",
    "Card",
    "WeightsError",
    "load_network",
    "read_card",
    "resolve",
    "save_network",
    "save_to_hub",
    "shipped_models",
    "write_card",
]
