"""TinyTimeMixers for sktime.

>>> from ttm_sktime import TTMForecaster
>>> forecaster = TTMForecaster()
"""

from ttm_sktime.forecaster import TTMForecaster

__all__ = ["TTMForecaster"]
