"""TinyTimeMixers for fev: forecasts of its tasks, and a model for its benchmarks.

>>> from ttm_fev import TTMModel, predict_fev
"""

from ttm_fev.model import TTMModel
from ttm_fev.predict import predict_fev

__all__ = ["TTMModel", "predict_fev"]
