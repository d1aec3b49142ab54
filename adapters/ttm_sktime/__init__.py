"""TinyTimeMixers for sktime.

>>> from ttm_sktime import TTMForecaster
>>> forecaster = TTMForecaster()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import public

if TYPE_CHECKING:
    from ttm_sktime.forecaster import TTMForecaster

__all__ = ["TTMForecaster"]

_HOMES = {"TTMForecaster": "forecaster"}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that the package is found where sktime is not."""
    return public(__name__, _HOMES, name, "sktime")
