"""Fine-tuning on the series of a panel, with covariates in its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.tables.covariates import categories, members
from ttm_estimators.tables.panel import Panel
from ttm_estimators.training.fine_tuning.config import FineTuneConfig
from ttm_estimators.training.fine_tuning.fine_tune import fine_tune
from ttm_estimators.training.fine_tuning.result import FineTuneResult


def fine_tune_panel(
    network: TinyTimeMixer,
    panel: Panel,
    horizon: int,
    *,
    known: Sequence[str] = (),
    past: Sequence[str] = (),
    static: Sequence[str] = (),
    settings: FineTuneConfig | None = None,
    **options: Any,
) -> FineTuneResult:
    """Fine-tune a copy of a network.

    Parameters
    ----------
    network : TinyTimeMixer
        Trained network.
    panel : Panel
        Series with the columns of their covariates.
    horizon : int
        Steps to train on.
    known, past, static : sequence of str, default ()
        Columns with covariates.
    settings : FineTuneConfig, optional
        How to fine-tune.
    **options
        As in :func:`ttm_estimators.fine_tune`.

    Returns
    -------
    FineTuneResult
        It has the names of the covariates.

    Raises
    ------
    TableError
        When a category is not the same in all rows of a series.
    ValueError
        As :func:`ttm_estimators.fine_tune`.
    """
    settings = settings or FineTuneConfig()
    roles = Roles(known, past, categories(panel, static))
    together = settings.mix_channels and panel.variables > 1
    found = members(panel, roles, together=together)
    tuned = fine_tune(
        network,
        found.series,
        settings,
        horizon=horizon,
        covariates=found.covariates,
        names=found.quoted_names,
        time_of=panel.time_of(panel.variables if together else 1),
        **options,
    )
    return replace(tuned, roles=roles)
