"""Errors of forecasts: MASE, weighted quantile loss, coverage and bias."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_estimators.backtest.cross_validation import CUTOFF, VALUE
from ttm_estimators.backtest.seasonal_naive import Array, season_of
from ttm_estimators.inputs.outliers import without_outliers
from ttm_estimators.tables.errors import TableError, quoted
from ttm_estimators.tables.panel import Panel

LEVEL_COLUMN = re.compile(r"(.+)-(0?\.\d+)")

RATIO_LIMITS = (0.01, 100.0)
"""Ratios of two models' errors are cut to these, so that one series without any error does not
decide a mean, as in fev-bench (Shchur et al., 2025)."""


@dataclass(frozen=True)
class Forecasts:
    """A frame of forecasts beside the table that they are of."""

    every: pd.DataFrame
    """``series`` and ``window`` of each row of the frame, and its ``step`` in the series, from 0. A
    window is numbered by its cutoff, -1 is the last of its series."""

    rows: pd.DataFrame
    """The same where the truth is known, with the ``truth`` and the ``scale`` of MASE."""

    models: dict[str, pd.DataFrame]
    """Columns of each model at these rows: ``point``, and a column for each level, if any."""

    levels: tuple[float, ...]
    horizon: int
    step: int
    """Steps of a window, and between two cutoffs at least."""


def columns_of_models(frame: pd.DataFrame, others: Sequence[str]) -> dict[str, dict[float, str]]:
    """Columns with the levels of each model."""
    names = [name for name in map(str, frame.columns) if name not in others]
    found: dict[str, dict[float, str]] = {}
    for name in names:
        match = LEVEL_COLUMN.fullmatch(name)
        if match and match[1] in names:
            found.setdefault(match[1], {})[float(match[2])] = name
        else:
            found.setdefault(name, {})
    return found


def match_forecasts(
    frame: pd.DataFrame, panel: Panel, season: int | None, *, keep_outliers: bool = False
) -> Forecasts:
    """Find the series and cutoff of each row of a frame.

    Unless they are kept, impossible readings of a history do not count in the scale of MASE.

    Raises
    ------
    TableError
        When the frame lacks a column, a series, a cutoff or a forecast that it needs.
    """
    keys = [str(name) for name in panel.keys]
    others = [*keys, CUTOFF, panel.time, VALUE]
    frame = frame.rename(columns=str).reset_index(drop=True)
    absent = [name for name in others if name not in frame]
    if absent or frame.empty:
        what = f"no column {quoted(absent)}" if absent else "no rows"
        raise TableError(f"frame has {what}: give what cross_validation returned")
    columns = columns_of_models(frame, others)
    if not columns:
        raise TableError("frame has no column with forecasts")
    which = _series_of(frame, panel)
    cutoff = np.full(len(frame), -1)
    steps = np.full(len(frame), -1)
    ahead = np.zeros(len(frame), dtype=int)
    scale = np.full(len(frame), np.nan)
    horizon, step = 1, 0
    order = np.argsort(which, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(which[order])) + 1):
        i = int(which[rows[0]])
        one = panel.series[i]
        times = pd.Index(panel.stamps.restored(one.times))
        at = _steps(frame[CUTOFF].iloc[rows], times, f"the cutoff {{}} of series {one.name!r}")
        steps[rows] = _steps(frame[panel.time].iloc[rows], times, f"{{}} of series {one.name!r}")
        found, number = np.unique(at, return_inverse=True)
        cutoff[rows] = number - len(found)
        length = season or season_of(one.step)
        histories = [one.values[: end + 1] for end in found]
        if not keep_outliers:
            histories = [without_outliers(history, i)[0] for history in histories]
        scales = np.array([seasonal_error(history, length) for history in histories])
        scale[rows] = scales[number]
        ahead[rows] = steps[rows] - at
        horizon = max(horizon, int(ahead[rows].max()))
        gaps = np.diff(found)
        step = min([step or horizon, *gaps.tolist()]) if gaps.size else step
    every = pd.DataFrame({"series": which, "window": cutoff, "step": steps})
    _check_whole(frame, every.assign(ahead=ahead), horizon, panel)
    truth = frame[VALUE].to_numpy(dtype=float)
    known = np.isfinite(truth)
    levels = max((tuple(sorted(own)) for own in columns.values()), key=len)
    models = {}
    for name, own in columns.items():
        if own and tuple(sorted(own)) != levels:
            raise TableError(f"model {name!r} has other quantile levels than others")
        table = frame[[name, *(own[level] for level in levels if own)]].astype(float)
        table.columns = pd.Index(["point", *(levels if own else ())], dtype=object)
        lacking = table[known].isna().any(axis=1)
        if lacking.any():
            row = frame.loc[lacking.idxmax()]
            raise TableError(f"model {name!r} has no forecast of {row[panel.time]}")
        models[name] = table[known].reset_index(drop=True)
    scored = every.assign(truth=truth, scale=scale)[known].reset_index(drop=True)
    return Forecasts(every, scored, models, levels or (0.5,), horizon, step or horizon)


def _check_whole(frame: pd.DataFrame, every: pd.DataFrame, horizon: int, panel: Panel) -> None:
    """Refuse windows in which a step is missing or is there twice."""
    windows = every.groupby(["series", "window"], sort=False)["ahead"]
    wrong = windows.agg(["size", "nunique", "min"]).ne([horizon, horizon, 1]).any(axis=1)
    for i, window in wrong.index[wrong]:
        rows = every[(every["series"] == i) & (every["window"] == window)]
        there = rows["ahead"][rows["ahead"] > 0].nunique()
        raise TableError(
            f"frame has {there} of {horizon} steps of series {panel.series[i].name!r} at the "
            f"cutoff {frame[CUTOFF].iloc[rows.index[0]]}, in {len(rows)} rows: give every row that "
            "cross_validation returned once"
        )


def _steps(column: pd.Series[Any], times: pd.Index[Any], told: str) -> npt.NDArray[Any]:
    """Index of each time in those of a series."""
    given = pd.Index(column)
    text = given.dtype == object or pd.api.types.is_string_dtype(given)
    if text and isinstance(times, pd.DatetimeIndex):
        given = pd.DatetimeIndex(given)  # of a frame that was written as text
    at = times.get_indexer(given)
    if (at < 0).any():
        raise TableError(f"frame has {told.format(given[at < 0][0])}, which df has not")
    return at


def _series_of(frame: pd.DataFrame, panel: Panel) -> npt.NDArray[Any]:
    """Which series of the panel each row is of."""
    keys = panel.keys
    if not len(keys.columns):
        return np.zeros(len(frame), dtype=int)
    known = {key: i for i, key in enumerate(keys.astype(str).itertuples(index=False, name=None))}
    given = frame[[str(name) for name in keys]].astype(str)
    codes, unique = pd.factorize(pd.MultiIndex.from_frame(given))
    for key in unique:
        if key not in known:
            raise TableError(f"frame has series {', '.join(key)!r}, which df has not")
    return np.array([known[key] for key in unique])[codes]


def seasonal_error(history: Array, season: int) -> float:
    """Mean absolute difference between values one season apart, the scale of MASE.

    Of a history without two such values those one step apart, as in GluonTS, and so too where it
    repeats exactly. NaN where the history has not moved, for there is no scale then.
    """
    for lag in (season, 1):
        differences = np.abs(history[lag:] - history[:-lag])
        if np.nansum(differences) > 0:
            return float(np.nanmean(differences))
    return np.nan


def row_errors(forecasts: Forecasts, name: str) -> pd.DataFrame:
    """Errors of a model in each row.

    ``scaled`` is the absolute error over the scale, ``loss`` twice the pinball loss, averaged over
    levels; of a model without quantiles its point forecast stands for all. ``error`` is forecast
    minus truth, and ``covered`` whether the truth is in the band of the outermost levels.
    """
    table, rows = forecasts.models[name], forecasts.rows
    truth = rows["truth"].to_numpy()
    point = table["point"].to_numpy()
    levels = np.array(forecasts.levels)
    has_quantiles = table.shape[1] > 1
    quantiles = table[list(forecasts.levels)].to_numpy() if has_quantiles else point[:, None]
    below = truth[:, None] - quantiles
    pinball = np.maximum(levels * below, (levels - 1) * below)
    band = outer_band(forecasts.levels)
    covered = np.full(len(table), np.nan)
    if has_quantiles and band:
        low, high = table[band[0]].to_numpy(), table[band[1]].to_numpy()
        covered = ((truth >= low) & (truth <= high)).astype(float)
    return rows[["series", "window"]].assign(
        scaled=np.abs(point - truth) / rows["scale"].to_numpy(),
        loss=2 * pinball.mean(axis=1),
        error=point - truth,
        covered=covered,
        size=np.abs(truth),
    )


def outer_band(levels: Sequence[float]) -> tuple[float, float] | None:
    """The outermost two levels that lie symmetrically, else the outermost ones, if any."""
    for low in sorted(levels):
        high = next((one for one in levels if abs(one - (1 - low)) < 1e-9), None)
        if low < 0.5 and high is not None:
            return low, high
    low, high = min(levels), max(levels)
    return (low, high) if low < 0.5 < high else None


def by_series(errors: pd.DataFrame) -> pd.DataFrame:
    """Scores of each series, over all of its windows."""
    groups = errors.groupby("series")
    sums = groups[["loss", "error", "size"]].sum()
    size = sums["size"].where(sums["size"] > 0)
    return pd.DataFrame(
        {
            "windows": groups["window"].nunique(),
            "MASE": groups["scaled"].mean(),
            "WQL": sums["loss"] / size,
            "coverage": groups["covered"].mean(),
            "bias": sums["error"] / size,
        }
    )


def over_all(errors: pd.DataFrame, scores: pd.DataFrame) -> dict[str, float]:
    """Scores over all series: the mean MASE, and the others pooled, as GluonTS has them."""
    size = errors["size"].sum() or np.nan
    return {
        "MASE": float(scores["MASE"].mean()),
        "WQL": float(errors["loss"].sum() / size),
        "coverage": float(errors["covered"].mean()),
        "bias": float(errors["error"].sum() / size),
    }


def ratio(one: Any, other: Any) -> Array:
    """Ratios of errors, within limits; 1 where neither model has any error."""
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where((one == 0) & (other == 0), 1.0, one / other)
    return found.clip(*RATIO_LIMITS)
