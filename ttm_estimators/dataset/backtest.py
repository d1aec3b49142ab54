"""Backtests of millions of series: the rolling windows of each batch, and the scores of all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from ttm_estimators.backtest.cross_validation import (
    Plan,
    cross_validate_panel,
    with_covariates,
)
from ttm_estimators.backtest.models import Model, make_models
from ttm_estimators.backtest.store import Store
from ttm_estimators.dataset.scores import series_scores
from ttm_estimators.tables.errors import quoted
from ttm_estimators.tables.panel import Panel
from ttm_estimators.tables.reading import Reading

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster

SCORES = "_scores"
"""Folder of the scores in that of the forecasts. Readers of a folder pass over names that begin so."""


@dataclass(frozen=True)
class Backtest:
    """Forecasts of the last windows of a batch of series, and their scores.

    What a worker does, see :class:`~ttm_estimators.dataset.task.Task`.
    """

    reading: Reading
    plan: Plan
    models: Sequence[Any] | Mapping[str, Any] | str
    options: Mapping[str, Any]
    """Others of :func:`~ttm_estimators.backtest.cross_validation.cross_validate_panel`."""

    identity: Mapping[str, Any]
    """All that decides a number, for JSON."""

    def __call__(self, forecaster: Forecaster, panel: Panel) -> Mapping[str, pd.DataFrame]:
        """Forecasts, and scores for the folder :data:`SCORES`."""
        nothing_kept = Store(None, {})
        contenders = make_models(self.models, forecaster, nothing_kept)
        frame, panel = cross_validate_panel(
            panel, contenders, self.plan, store=nothing_kept, **self.options
        )
        return {"": frame, SCORES: series_scores(frame, panel, self.plan.season)}
