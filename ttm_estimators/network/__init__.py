"""The TinyTimeMixer network: torch and einops only."""

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.model import TinyTimeMixer
from ttm_estimators.network.presets import PRESETS

__all__ = ["PRESETS", "TTMConfig", "TinyTimeMixer"]
