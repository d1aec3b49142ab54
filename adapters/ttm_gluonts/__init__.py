"""TinyTimeMixers for GluonTS: a zero-shot predictor, and an estimator that trains.

>>> from ttm_gluonts import TTMPredictor
>>> predictor = TTMPredictor(prediction_length=24)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import public

if TYPE_CHECKING:
    from ttm_gluonts.estimator import TTMEstimator
    from ttm_gluonts.predictor import TTMPredictor

__all__ = ["TTMEstimator", "TTMPredictor"]

_HOMES = {"TTMEstimator": "estimator", "TTMPredictor": "predictor"}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that a predictor does without Lightning."""
    return public(__name__, _HOMES, name, "gluonts")
