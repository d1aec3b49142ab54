"""TinyTimeMixers for darts: a global forecasting model that needs no training.

>>> from ttm_darts import TTMModel  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import public

if TYPE_CHECKING:
    from ttm_darts.model import TTMModel

__all__ = ["TTMModel"]

_HOMES = {"TTMModel": "model"}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that the package is found where darts is not."""
    return public(__name__, _HOMES, name, "darts")
