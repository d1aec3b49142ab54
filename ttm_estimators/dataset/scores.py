"""Scores of a backtest of millions of series: those of each series, and their totals.

A file of scores has a row for each series and model. Totals are sums over such rows, so that no
more than one batch of them is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from einops import rearrange

from ttm_estimators.backtest.comparison import Comparison, advice, comparison, level_of
from ttm_estimators.backtest.evaluation import WORST_SERIES
from ttm_estimators.backtest.scores import by_series, match_forecasts, outer_band, ratio, row_errors
from ttm_estimators.backtest.seasonal_naive import Array
from ttm_estimators.tables.panel import Panel

SERIES, MODEL = "series", "model"

SUMS = ("rows", "size", "loss", "error", "scaled")
"""Columns of sums over the scored rows of a series: their number, absolute values, quantile losses,
errors, and errors in units of MASE."""


def series_scores(
    frame: pd.DataFrame, panel: Panel, season: int | None, *, keep_outliers: bool = False
) -> pd.DataFrame:
    """Score the forecasts of a batch of series.

    Parameters
    ----------
    frame : DataFrame
        As of :func:`ttm_estimators.cross_validation`.
    panel : Panel
        The series that they are of.
    season : int, optional
        Steps in a season.
    keep_outliers : bool, default False
        As of :func:`ttm_estimators.evaluate`.

    Returns
    -------
    DataFrame
        Columns of :attr:`ttm_estimators.Evaluation.series` without those that are relative to a
        baseline, and :data:`SUMS`. The models of a series are neighbours. Those that are too short
        for any window have 0 windows.
    """
    forecasts = match_forecasts(frame, panel, season, keep_outliers=keep_outliers)
    names = pd.Series([one.name for one in panel.series])
    tables = []
    for name in forecasts.models:
        errors = row_errors(forecasts, name)
        groups = errors.groupby("series")
        scores = by_series(errors)
        sums = groups[["size", "loss", "error"]].sum().assign(rows=groups.size())
        sums["scaled"] = groups["scaled"].sum(min_count=1)
        scores = scores.join(sums[[*SUMS]]).reindex(names.index)
        counted = ["windows", "rows", "size", "loss", "error"]
        scores[counted] = scores[counted].fillna(0)
        scores = scores.astype({"windows": "int64", "rows": "int64"})
        scores.insert(0, SERIES, names)
        scores.insert(1, MODEL, name)
        tables.append(scores)
    return pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)


class Moments:
    """Count, mean and variance of numbers that come in batches along the first axis.

    NaN are left out.
    """

    count: Any = 0
    total: Any = 0.0
    squares: Any = 0.0

    def add(self, values: Array) -> None:
        """Count a batch in."""
        self.count = self.count + np.isfinite(values).sum(axis=0)
        self.total = self.total + np.nansum(values, axis=0)
        self.squares = self.squares + np.nansum(values**2, axis=0)

    @property
    def mean(self) -> Array:
        """Mean, NaN of nothing."""
        return np.asarray(self.total / np.where(self.count, self.count, np.nan))

    @property
    def standard_error(self) -> Array:
        """Standard error of the mean, NaN of fewer than two numbers."""
        degrees = np.where(self.count > 1, self.count - 1, np.nan)
        variance = np.maximum(self.squares / np.where(self.count, self.count, 1) - self.mean**2, 0)
        return np.asarray(np.sqrt(variance / degrees))


class Totals:
    """What :func:`ttm_estimators.evaluate` says of all series together, from their scores.

    Models are compared over series.

    Parameters
    ----------
    models : sequence of str
        In the order of the rows of each series.
    baseline : str
        Model by whose errors others are divided.
    """

    def __init__(self, models: Sequence[str], baseline: str) -> None:
        self.models = [*models]
        self.baseline = baseline
        self.series = 0
        self.left_out = 0
        """Series without any window."""
        self.short = 0
        """Series that lack some windows."""
        self.still = 0
        """Series without MASE, for they did not move before a cutoff."""
        self._means = {name: Moments() for name in ("relative MASE", "relative WQL", "MASE")}
        self._order, self._pairs, self._pairs_by_loss = Moments(), Moments(), Moments()
        self._sums: dict[str, Any] = dict.fromkeys(("rows", "size", "loss", "error", "covered"), 0)
        self._worst: dict[str, pd.DataFrame] = {}

    def add(self, table: pd.DataFrame, windows: int) -> None:
        """Count the rows of whole series in, each of which should have so many windows."""
        if table.empty:
            return
        each = {
            name: rearrange(table[name].to_numpy(dtype=float), "(s m) -> s m", m=len(self.models))
            for name in ("MASE", "WQL", "coverage", "windows", *SUMS)
        }
        base = self.models.index(self.baseline)
        for metric in ("MASE", "WQL"):
            relative = ratio(each[metric], each[metric][:, [base]])
            self._means[f"relative {metric}"].add(np.log(relative))
        self._means["MASE"].add(each["MASE"])
        scaled = each["scaled"]
        self._order.add(np.log(scaled.clip(min=np.finfo(float).tiny)))
        self._pairs.add(_log_ratios(scaled))
        self._pairs_by_loss.add(_log_ratios(each["loss"]))
        each["covered"] = np.where(each["rows"] > 0, each["coverage"] * each["rows"], 0)
        for name in self._sums:
            self._sums[name] = self._sums[name] + each[name].sum(axis=0)
        self.series += len(scaled)
        found = each["windows"][:, 0]
        self.left_out += int((found == 0).sum())
        self.short += int(((found > 0) & (found < windows)).sum())
        self.still += int((np.isnan(scaled[:, 0]) & (found > 0)).sum())
        known = table.dropna(subset="MASE")
        for name in self.models:
            both = pd.concat([self._worst.get(name), known[known[MODEL] == name]])
            both = both.sort_values("MASE", ascending=False, kind="stable")
            self._worst[name] = both.head(WORST_SERIES)

    def scores(self, levels: Sequence[float]) -> dict[str, Any]:
        """Fields of :class:`~ttm_estimators.backtest.evaluation.Scores`."""
        sums = self._sums
        size = np.where(sums["size"] > 0, sums["size"], np.nan)
        table = pd.DataFrame(
            {
                "relative MASE": np.exp(self._means["relative MASE"].mean),
                "relative WQL": np.exp(self._means["relative WQL"].mean),
                "MASE": self._means["MASE"].mean,
                "WQL": sums["loss"] / size,
                "coverage": sums["covered"] / sums["rows"],
                "bias": sums["error"] / size,
            },
            index=pd.Index(self.models, name=MODEL),
        )
        means = dict(zip(self.models, self._order.mean, strict=True))
        order = sorted(self.models, key=lambda name: means[name])
        best = order[0]
        others = [name for name in self.models if name != best]
        comparisons = tuple(self._beside(self._pairs, best, one, len(others)) for one in others)
        by_loss = table["relative WQL"]
        ahead = str(by_loss.idxmin()) if by_loss.notna().any() else best
        against = None if ahead == best else self._beside(self._pairs_by_loss, ahead, best, 1)
        worst = self._worst.get(best, pd.DataFrame(columns=[SERIES, MODEL, "MASE"]))
        return {
            "models": table.loc[order],
            "comparisons": comparisons,
            "advice": advice([*comparisons], best, against),
            "worst": worst.set_index(SERIES).drop(columns=[MODEL, *SUMS], errors="ignore"),
            "baseline": self.baseline,
            "band": outer_band(levels),
        }

    def _beside(self, pairs: Moments, model: str, other: str, number: int) -> Comparison:
        """Compare two models, as one of a number of comparisons."""
        at = self.models.index(model), self.models.index(other)
        return comparison(
            model,
            other,
            float(pairs.mean[at]),
            float(pairs.standard_error[at]),
            int(pairs.count[at]),
            "series",
            level_of(number),
        )


def _log_ratios(errors: Array) -> Array:
    """Logarithms of the ratios of all models' errors to each other's, for each series."""
    found: Array = np.log(
        ratio(rearrange(errors, "s m -> s m 1"), rearrange(errors, "s m -> s 1 m"))
    )
    return found
