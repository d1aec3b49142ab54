"""TinyTimeMixers for fev: forecasts of its tasks, and a model for its benchmarks.

>>> from ttm_fev import TTMModel, predict_fev
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import public

if TYPE_CHECKING:
    from ttm_fev.model import TTMModel
    from ttm_fev.predict import predict_fev

__all__ = ["TTMModel", "predict_fev"]

_HOMES = {"TTMModel": "model", "predict_fev": "predict"}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that the package is found where fev is not."""
    return public(__name__, _HOMES, name, "fev")
