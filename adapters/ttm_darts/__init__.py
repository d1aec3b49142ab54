"""TinyTimeMixers for darts: a global forecasting model that needs no training.

>>> from ttm_darts import TTMModel  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttm_darts.model import TTMModel

__all__ = ["TTMModel"]

_HOMES = {"TTMModel": "model"}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that the package is found where darts is not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
