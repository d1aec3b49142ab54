"""Known covariates and calendars without training a network: a regression beside the forecast.

A series less what its covariates explain is forecast zero-shot, and what they will explain is added
to all quantiles (ours).

- Each covariate counts by its value, by bends at its quartiles, and by its means over the latest 4
  steps and the latest season. A column of up to three values, such as a holiday, counts as it is.
- Coefficients are those of a ridge regression on the series, or on its logarithm where all of it is
  positive, after the level, the step before, or the season and local mean have been taken off
  covariates and series alike. The penalty is chosen by left-out folds of time. The series of a
  panel share coefficients as far as that helps.
- Which of these, how wide bands must be, and whether covariates are kept at all, is decided by
  forecasts of held-out windows in the later half of the history, with coefficients of all but that
  part of the history. Windows that choose among forecasts do not judge the chosen one, where there
  are enough, and no more are forecast than it takes until it is clear. The gain must be more than
  chance; a series is judged by the gain of the others too, as far as they are alike, and a panel by
  how well its windows agree over time.
- A series of fewer than 40 points, or of two horizons, is forecast without covariates.

So a forecast with covariates depends on the other series of the panel that end at the same time,
and on no others, for none may learn from the future of another. It does not depend on their order.

``calendar`` imports pandas and is not imported here.
"""

from ttm_estimators.regression.effects import CovariateEffects

__all__ = ["CovariateEffects"]
