"""Known covariates and calendars without training a network: a regression beside the forecast.

``calendar`` imports pandas and is not imported here.
"""

from ttm_estimators.regression.effects import CovariateEffects

__all__ = ["CovariateEffects"]
