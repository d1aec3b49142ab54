"""TinyTimeMixers for GluonTS: a zero-shot predictor, and an estimator that trains.

>>> from ttm_gluonts import TTMPredictor
>>> predictor = TTMPredictor(prediction_length=24)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttm_gluonts.estimator import TTMEstimator
    from ttm_gluonts.predictor import TTMPredictor

__all__ = ["TTMEstimator", "TTMPredictor"]

_HOMES = {"TTMEstimator": "estimator", "TTMPredictor": "predictor"}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that a predictor does without Lightning."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
