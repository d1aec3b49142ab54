"""Scores of cross-validated forecasts, and what they say."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttm_estimators.backtest.comparison import (
    Comparison,
    Room,
    advice,
    compare,
    ordered,
    summed_errors,
)
from ttm_estimators.backtest.outliers import possible
from ttm_estimators.backtest.scores import (
    Forecasts,
    by_series,
    match_forecasts,
    outer_band,
    over_all,
    ratio,
    row_errors,
)
from ttm_estimators.backtest.windows import MIN_OBSERVED_POINTS
from ttm_estimators.forecasting.dataframes import Names
from ttm_estimators.inputs.arrays import validated_count
from ttm_estimators.inputs.outliers import Outlier
from ttm_estimators.tables.dataframes import as_table
from ttm_estimators.tables.errors import TableError, TableWarning, quoted
from ttm_estimators.tables.panel import Panel, read_panel
from ttm_estimators.tables.reading import Reading

BASELINE = "seasonal_naive"

WORST_SERIES = 5
"""Series that are named as the worst."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of some models. As text, tables and a sentence for people."""

    models: pd.DataFrame = field(repr=False)
    """A row for each model, the best first: ``relative MASE`` and ``relative WQL``, geometric means
    over series of the ratios to the baseline; ``MASE``, its mean over series; ``WQL``, the weighted
    quantile loss of all series together; ``coverage`` of the band of the outermost
    quantile levels, symmetric ones where there are such; ``bias``, mean error over mean absolute
    value, above 0 where forecasts are too high."""

    comparisons: tuple[Comparison, ...] = field(repr=False)
    """The best model beside each other one, with an interval."""

    advice: str
    """One sentence: which model to use, and how sure that is."""

    worst: pd.DataFrame = field(repr=False)
    """Series that the best model forecasts worst, by their MASE."""

    baseline: str
    """Model by whose errors others are divided."""

    band: tuple[float, float] | None
    """Levels of the band whose coverage is told."""

    @property
    def best(self) -> str:
        """Name of the model with the lowest errors."""
        return str(self.models.index[0])

    @property
    def worst_told(self) -> str:
        """A line that names the worst series, nothing where only one was scored."""
        if len(self.worst) < 2:
            return ""
        named = ", ".join(
            f"{str(name)!r} ({mase:.2f})" for name, mase in self.worst["MASE"].items()
        )
        return f"Worst series of {self.best} by MASE: {named}"

    def __str__(self) -> str:
        names = {"coverage": f"coverage of {band_name(self.band)}"} if self.band else {}
        table = self.models.rename(columns=names).to_string(float_format="{:.3f}".format)
        told = f"Relative to {self.baseline}: geometric means over series. Less is better."
        return f"{table}\n{told}\n\n{self.advice}\n{self.worst_told}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Evaluation(Scores):
    """Scores of some models on one table. As text, tables and a sentence for people."""

    series: pd.DataFrame = field(repr=False)
    """The same scores of each series: ``series``, ``model``, ``windows`` and the others."""

    panel: Panel = field(repr=False)
    """Series, where impossible readings are missing unless they were kept."""

    impossible: Sequence[Outlier] = field(repr=False)
    """These readings."""

    frame: pd.DataFrame = field(repr=False)
    forecasts: Forecasts = field(repr=False)

    def report(self, path: str | Path, *, title: str = "Backtest") -> Path:
        """Write a page for a browser: one HTML file that needs no other and no network.

        Parameters
        ----------
        path : str or Path
            File to write.
        title : str, default "Backtest"
            Its heading.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ModuleNotFoundError
            When jinja2 or vl_convert is not installed: ``pip install 'ttm-estimators[report]'``.
        """
        from ttm_estimators.atomic import write_text
        from ttm_estimators.backtest.report import render_report

        write_text(Path(path), render_report(self, title))
        return Path(path)


def band_name(band: tuple[float, float]) -> str:
    """Name of a band, such as 80 %."""
    return f"{100 * (band[1] - band[0]):.3g} %"


def evaluate(
    frame: pd.DataFrame,
    df: pd.DataFrame,
    *,
    baseline: str | None = None,
    season: int | None = None,
    known: Names = None,
    id: Names = None,
    time: Names = None,
    value: Names = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    keep_outliers: bool = False,
    date_format: str | None = None,
    timezone: str | None = None,
    round_time: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    fill_gaps: bool = False,
    no_time: bool = False,
) -> Evaluation:
    """Score what :func:`~ttm_estimators.cross_validation` returned.

    MASE is the absolute error of the median, divided by the mean seasonal difference of the history
    before the cutoff (Hyndman & Koehler, 2006), one step apart where a season is longer than the
    history or repeats exactly. Weighted quantile loss (WQL) is twice the pinball
    loss over all windows, divided by the sum of absolute values and averaged over levels; of a
    model without quantiles, its point forecast stands for all. Missing values are not scored.

    Parameters
    ----------
    frame : DataFrame
        Forecasts. Columns of further models may have been added.
    df : DataFrame
        The table that they are of.
    baseline : str, optional
        Model by whose errors those of others are divided. Default: "seasonal_naive" where there is
        one, else the first.
    season : int, optional
        Steps in a season, as in :func:`~ttm_estimators.cross_validation`.
    known : str or sequence of str, optional
        Columns of ``df`` that are covariates.
    keep_outliers : bool, default False
        As there. It decides of the scale of MASE; ``frame`` has the values that are scored.
    id, time, value, freq, date_format, timezone, round_time : optional
    decimal, thousands, fill_gaps, no_time : optional
        As there.

    Returns
    -------
    Evaluation

    Warns
    -----
    TableWarning
        When a series has no MASE, as it did not move before a cutoff.

    Raises
    ------
    TableError
        When frame and table do not fit, or a window lacks rows or has some twice. It is a
        ``ValueError``.

    Examples
    --------
    >>> import pandas as pd
    >>> import ttm_estimators
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> df = pd.DataFrame({"ds": days, "y": [5.0, 6, 7, 8, 9, 3] * 10})
    >>> frame = ttm_estimators.cross_validation(df, 7, models=["seasonal_naive", "naive"], season=6)
    >>> ttm_estimators.evaluate(frame, df, season=6).best
    'seasonal_naive'
    """
    reading = Reading.of(locals())
    panel = read_panel(as_table(df, "df")[0], reading)
    return evaluate_panel(
        frame, panel, baseline=baseline, season=season, keep_outliers=keep_outliers
    )


def evaluate_panel(
    frame: pd.DataFrame,
    panel: Panel,
    *,
    baseline: str | None = None,
    season: int | None = None,
    keep_outliers: bool = False,
) -> Evaluation:
    """:func:`evaluate` of a panel that has been read."""
    season = None if season is None else validated_count("season", season)
    forecasts = match_forecasts(frame, panel, season, keep_outliers=keep_outliers)
    models = list(forecasts.models)
    baseline = found_baseline(baseline, models)
    errors = {name: row_errors(forecasts, name) for name in models}
    _warn_of_still(forecasts, panel)
    scores = {name: by_series(each) for name, each in errors.items()}
    rows = {}
    for name, each in scores.items():
        for metric in ("MASE", "WQL"):
            each[f"relative {metric}"] = ratio(each[metric], scores[baseline][metric])
        rows[name] = {
            **{f"relative {m}": _geometric_mean(each[f"relative {m}"]) for m in ("MASE", "WQL")},
            **over_all(errors[name], each),
        }
    sums = summed_errors(forecasts, errors)
    order = ordered(sums)
    best = order[0]
    comparisons = tuple(compare(sums, best))
    table = pd.DataFrame.from_dict(rows, orient="index").loc[order].rename_axis("model")
    by_loss = str(table["relative WQL"].idxmin()) if table["relative WQL"].notna().any() else best
    against = None
    if by_loss != best:
        losses = summed_errors(forecasts, errors, "loss")
        (against,) = compare({name: losses[name] for name in (best, by_loss)}, by_loss)
    names = pd.Series([one.name for one in panel.series])
    tables = [
        each.assign(series=names.reindex(each.index), model=name) for name, each in scores.items()
    ]
    every = pd.concat(tables, ignore_index=True)
    every = every[["series", "model", *(c for c in every if c not in ("series", "model"))]]
    of_best = every[every["model"] == best].set_index("series").drop(columns="model")
    worst = of_best.dropna(subset="MASE").sort_values("MASE", ascending=False, kind="stable")
    possible_panel, impossible = (panel, []) if keep_outliers else possible(panel)
    return Evaluation(
        models=table,
        series=every,
        comparisons=comparisons,
        advice=advice(list(comparisons), best, against, _room(forecasts, panel)),
        worst=worst.head(WORST_SERIES),
        baseline=baseline,
        band=outer_band(forecasts.levels),
        panel=possible_panel,
        impossible=impossible,
        frame=frame,
        forecasts=forecasts,
    )


def found_baseline(baseline: str | None, models: Sequence[str]) -> str:
    """Model by whose errors others are divided: the one asked for, or the default."""
    if baseline is None:
        baseline = BASELINE if BASELINE in models else models[0]
    if baseline not in models:
        raise TableError(f"frame has no model {baseline!r} to compare with, only {quoted(models)}")
    return baseline


def _room(forecasts: Forecasts, panel: Panel) -> Room:
    """How many windows the histories allow."""
    given, allowed = forecasts.rows["window"].nunique(), 0
    for one in panel.series:
        (observed,) = np.nonzero(np.isfinite(one.values))
        if len(observed) >= MIN_OBSERVED_POINTS:
            first = int(observed[MIN_OBSERVED_POINTS - 1]) + 1
            spare = len(one.values) - forecasts.horizon - first
            allowed = max(allowed, spare // forecasts.step + 1)
    return Room(given, max(given, allowed), forecasts.horizon, forecasts.step)


def _geometric_mean(ratios: pd.Series[Any]) -> float:
    known = ratios.dropna()
    return float(np.exp(np.log(known).mean())) if len(known) else np.nan


def _warn_of_still(forecasts: Forecasts, panel: Panel) -> None:
    still = forecasts.rows.loc[forecasts.rows["scale"].isna(), "series"].unique()
    if len(still):
        names = [panel.series[int(i)].name for i in still]
        warnings.warn(
            f"series {quoted(names)} did not change before a cutoff, so that there is no MASE: "
            "such windows count in the other scores alone",
            TableWarning,
            stacklevel=4,
        )
