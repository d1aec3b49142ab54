"""The TinyTimeMixer network: torch and einops only.

Its configuration is needed without torch too, so what needs torch is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.presets import PRESETS

if TYPE_CHECKING:
    from ttm_estimators.network.model import TinyTimeMixer

__all__ = ["PRESETS", "TTMConfig", "TinyTimeMixer"]


def __getattr__(name: str) -> Any:
    if name != "TinyTimeMixer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ttm_estimators.network.model import TinyTimeMixer

    return TinyTimeMixer
