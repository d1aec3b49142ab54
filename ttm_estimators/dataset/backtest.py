"""Backtests of millions of series: the rolling windows of each batch, and the scores of all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import pyarrow.parquet as pq

from ttm_estimators.backtest.cross_validation import (
    DEFAULT_MODELS,
    Plan,
    cross_validate_panel,
    planned,
    with_covariates,
)
from ttm_estimators.backtest.evaluation import Scores, found_baseline
from ttm_estimators.backtest.models import make_models
from ttm_estimators.backtest.store import Store
from ttm_estimators.dataset.columns import find_ids
from ttm_estimators.dataset.metadata import freq_identity
from ttm_estimators.dataset.run import run_dataset
from ttm_estimators.dataset.scores import Totals, series_scores
from ttm_estimators.dataset.sources import (
    MAX_UNIT_ROWS,
    find_units,
    open_system,
    warn_of_spread_series,
)
from ttm_estimators.forecasting import load
from ttm_estimators.forecasting.dataframes import Names
from ttm_estimators.network.presets import DECILES
from ttm_estimators.regression.calendar import countries_of
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.panel import Panel
from ttm_estimators.tables.reading import Reading, listed

if TYPE_CHECKING:
    from distributed import Client

    from ttm_estimators.forecasting import Forecaster

SCORES = "_scores"
"""Folder of the scores in that of the forecasts. Readers pass over names that begin so."""

SCORES_AT_ONCE = 30_000
"""Rows of scores in memory."""

TOLD_IN_TOTAL = "of .* windows, series were left out"
"""Warning of a batch that is one of all series instead."""

NOTHING_KEPT = Store(None, {})


@dataclass(frozen=True, kw_only=True)
class DatasetEvaluation(Scores):
    """Scores of some models on the series of a folder. As text, tables and a sentence for people.

    Forecasts are in the files of the output folder, and the scores of each series in those of its
    folder ``_scores``.
    """

    manifest: pd.DataFrame = field(repr=False)
    """What a run made of each file, as of :func:`ttm_estimators.forecast_dataset`."""


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

    identity: dict[str, Any]
    """All that decides a number, for JSON."""

    def __call__(self, forecaster: Forecaster, panel: Panel) -> Mapping[str, pd.DataFrame]:
        """Forecasts, and scores for the folder :data:`SCORES`."""
        contenders = make_models(self.models, forecaster, NOTHING_KEPT)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", TOLD_IN_TOTAL, TableWarning)
            frame, panel = cross_validate_panel(
                panel, contenders, self.plan, store=NOTHING_KEPT, **self.options
            )
        keep = self.options["keep_outliers"]
        scores = series_scores(frame, panel, self.plan.season, keep_outliers=keep)
        return {"": frame, SCORES: scores}


def cross_validation_dataset(
    source: str | Path,
    output: str | Path,
    horizon: int,
    *,
    windows: int = 5,
    step: int | None = None,
    models: Sequence[Any] | Mapping[str, Any] | str = DEFAULT_MODELS,
    model: str | Path | None = None,
    baseline: str | None = None,
    client: Client | None = None,
    workers: int | None = None,
    device: str = "cpu",
    on_error: Literal["stop", "record"] = "stop",
    progress: bool = False,
    quantile_levels: Sequence[float] = DECILES,
    known: Names = None,
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
    season: int | None = None,
    id: Names = None,
    time: Names = None,
    value: Names = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    batch_size: int = 256,
    keep_outliers: bool = False,
    seed: int = 0,
    date_format: str | None = None,
    timezone: str | None = None,
    round_time: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    fill_gaps: bool = False,
    no_time: bool = False,
) -> DatasetEvaluation:
    """Backtest models on a folder of Parquet files that does not fit into memory.

    It is :func:`~ttm_estimators.cross_validation` and :func:`~ttm_estimators.evaluate` of batches
    of series, on the cores of this machine or on a Dask cluster. Started again, it goes on where it
    was interrupted.

    Parameters
    ----------
    source, output : str or Path
        As in :func:`ttm_estimators.forecast_dataset`. A file of the output has the rows that
        :func:`~ttm_estimators.cross_validation` returns, and one of the same name in its folder
        ``_scores`` a row for each series and model: "series", "model", "windows", "MASE", "WQL",
        "coverage", "bias", and what totals are made of: "rows", how many are scored, sums of their
        absolute values, "size", quantile losses, "loss", errors, "error", and errors in units of
        MASE, "scaled". Series that are too short for any window have 0 windows.
    horizon : int
        Steps to forecast from each cutoff.
    windows, step, models : optional
        As in :func:`~ttm_estimators.cross_validation`. Models that are trained on all series, such
        as "ttm-finetuned", are refused: fine-tune first, on a sample, and give the weights.
    model : str or Path, optional
        Which of our models "ttm" is: a shipped one, or a weights folder that every worker can read.
    baseline : str, optional
        As in :func:`~ttm_estimators.evaluate`.
    client, workers, device, on_error, progress : optional
        As in :func:`ttm_estimators.forecast_dataset`.
    quantile_levels, known, calendar, holidays, season : optional
    id, time, value, freq, batch_size, keep_outliers, seed : optional
    date_format, timezone, round_time, decimal, thousands, fill_gaps, no_time : optional
        As in :func:`~ttm_estimators.cross_validation`. Covariates' coefficients are pooled over the
        series of a batch that have the same cutoff.

    Returns
    -------
    DatasetEvaluation
        Scores over all series, and the manifest. Models are compared over series.

    Warns
    -----
    TableWarning
        When series lack windows or have no MASE. It says how many.

    Raises
    ------
    TableError
        When a file can not be used, and ``on_error`` is "stop", or nothing was scored. It is a
        ``ValueError``.
    ValueError
        When a model is unknown, or is trained on all series.
    """
    reading = Reading.of(locals())
    plan = planned(horizon, windows, step, season, quantile_levels)
    contenders = make_models(models, load(model, device=device), NOTHING_KEPT)
    trained = [name for name, each in contenders.items() if each.trained_once]
    if trained:
        raise ValueError(
            f"model {quoted(trained)} is trained on all series at once, for which a dataset is too "
            "large: leave it out, or fine-tune ours on a sample and give the weights as model="
        )
    baseline = found_baseline(baseline, [*contenders])
    reading = with_covariates(reading, contenders, listed(known), calendar, holidays)
    options = {
        "known": listed(known),
        "calendar": calendar,
        "holidays": countries_of(holidays) or None,
        "batch_size": batch_size,
        "keep_outliers": keep_outliers,
        "seed": seed,
    }
    identity = {
        "task": "backtest",
        **{name: str(value) for name, value in {**vars(reading), **vars(plan), **options}.items()},
        "freq": freq_identity(reading.freq),
        "models": {name: each.identity for name, each in contenders.items()},
    }
    # Series of a batch share coefficients: which do is not left to the row groups of a file.
    shared = bool(listed(known)) or calendar or holidays is not None
    rows = None if shared else MAX_UNIT_ROWS
    units = find_units(source, output, id=listed(id), max_rows=rows)
    warn_of_spread_series(units, find_ids(units, reading))
    manifest = run_dataset(
        units,
        str(output),
        Backtest(reading, plan, models, options, identity),
        client=client,
        workers=workers,
        model=None if model is None else str(model),
        device=device,
        on_error=on_error,
        progress=progress,
        title="backtest",
    )
    totals = Totals([*contenders], baseline)
    for table in _scores(str(output), manifest, len(contenders)):
        totals.add(table, plan.windows)
    if totals.series == totals.left_out:
        raise TableError(f"of {source} no series was scored", "the manifest says why")
    _tell(totals, plan.windows)
    return DatasetEvaluation(**totals.scores(plan.levels), manifest=manifest)


def _scores(output: str, manifest: pd.DataFrame, models: int) -> Iterator[pd.DataFrame]:
    """Rows of whole series from the files of scores."""
    system, folder = open_system(output)
    for name in manifest.loc[manifest["series"] > 0, "file"]:
        try:
            opened = system.open(f"{folder}/{SCORES}/{name}", "rb")
        except FileNotFoundError:
            raise TableError(
                f"{output}/{SCORES}/{name} is missing", f"remove {output}/{name}, and start again"
            ) from None
        with opened as file:
            left = pd.DataFrame()
            for batch in pq.ParquetFile(file, pre_buffer=False).iter_batches(
                SCORES_AT_ONCE, use_threads=False
            ):
                table = pd.concat([left, batch.to_pandas(use_threads=False)], ignore_index=True)
                whole = len(table) - len(table) % models
                yield table[:whole]
                left = table[whole:]


def _tell(totals: Totals, windows: int) -> None:
    """Warn of series that do not count everywhere."""
    parts = [
        (totals.left_out, "too short for any window"),
        (totals.short, f"too short for some of {windows} windows"),
        (totals.still, "without MASE, as values did not change before a cutoff"),
    ]
    told = [f"{count:,} {what}" for count, what in parts if count]
    if told:
        warnings.warn(f"of {totals.series:,} series: {', '.join(told)}", TableWarning, stacklevel=3)
