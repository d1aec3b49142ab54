"""Pictures of one series: its history and forecast, and what covariates add to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ttm_estimators.detection import Detection
from ttm_estimators.detection.possible import without_codes
from ttm_estimators.forecasting import Forecast
from ttm_estimators.inputs.arrays import Array, Mask
from ttm_estimators.regression import CovariateEffects
from ttm_estimators.tables.panel import Panel, Series

HISTORY_HORIZONS, MIN_HISTORY_POINTS = 4, 96
"""History that is shown: so many horizons, or so many points where that is longer."""

MIN_UNMARKED_POINTS = 40
"""Points from which on they are not marked one by one."""

MAX_NAME_LETTERS = 24
"""Letters of a series' name that fit beside the legend."""

EFFECTS_TITLE = "effects: base + effects = forecast"

INK, PALE, GRID, BLUE = "#33373d", "#8a9099", "#e8eaed", "#1a6fc4"
RED = "#c8321e"

COLOURS = ("#e07b39", "#3a9d5d", "#8e5ea2", "#c9a227", "#5b8c9e", "#b0413e", "#c48fb1", PALE)
"""Of covariates, from the largest effect to the smallest."""


def draw(path: Path, panel: Panel, result: Forecast, model: str, index: int = 0) -> None:
    """Draw a series: the latest part of its history, and its forecast.

    Parameters
    ----------
    path : Path
        Image to write. Its extension tells the format.
    panel : Panel
        Histories.
    result : Forecast
        Their forecasts.
    model : str
        Name of the model.
    index : int, default 0
        Which series.
    """
    series, median = _possible(panel, result, index), result.point[index]
    order = np.argsort(result.levels)
    levels, quantiles = np.array(result.levels)[order], result.quantiles[index][:, order]
    future = panel.futures(len(median))[index]
    # The forecast is drawn from the last observation, so that no gap separates the two.
    ahead = _local(series.times[-1:].append(future))
    middle = np.concatenate([series.values[-1:], median])
    fan = np.concatenate([np.full((1, len(levels)), series.values[-1]), quantiles])
    with mpl.rc_context({"text.parse_math": False}):  # a name may hold a dollar sign
        figure = Figure(figsize=(10, 4.5), layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        latest = max(HISTORY_HORIZONS * len(future), MIN_HISTORY_POINTS)
        _draw_history(axes, series, future, latest)
        for i in range(len(levels) // 2):
            label = f"quantiles {levels[0]:g} to {levels[-1]:g}" if i == 0 else None
            _draw_band(axes, ahead, fan[:, i], fan[:, -1 - i], 0.15, label)
        label = f"median of {model}"
        axes.plot(ahead, middle, color=BLUE, linewidth=1.6, label=label, **lone_markers(middle))
        _mark(axes, panel.series[index], _impossible(result, index, series, latest))
        _finish(axes, panel, series, future)
        figure.savefig(path, dpi=150, format=path.suffix[1:])


def draw_effects(
    path: Path,
    panel: Panel,
    without: Array,
    base: Array,
    result: Forecast,
    model: str,
    index: int = 0,
) -> None:
    """Draw what covariates add to the forecast of a series.

    Above are the latest part of its history, its point forecasts without and with covariates, and
    the base that they add to; below is what each adds at each step, on top of each other. Where
    covariates are not used only the history and the forecast without them are drawn.

    Parameters
    ----------
    path : Path
        Image to write. Its extension tells the format.
    panel : Panel
        Histories.
    without : array
        Their point forecasts without covariates, shape (series, horizon).
    base : array
        Those of the history less what covariates explain, of the same shape.
    result : Forecast
        Those with covariates, and their effects.
    model : str
        Name of the model.
    index : int, default 0
        Which series.
    """
    series, median, effects = (
        _possible(panel, result, index),
        result.point[index],
        result.effects[index],
    )
    future = panel.futures(len(median))[index]
    ahead = _local(future)
    onward = _local(series.times[-1:].append(future))
    with mpl.rc_context({"text.parse_math": False}):
        rows = 2 if effects.kept else 1
        figure = Figure(figsize=(10, 1.5 + 3 * rows), layout="constrained", facecolor="white")
        panels = figure.subplots(rows, height_ratios=(3, 2)[:rows], squeeze=False)[:, 0]
        latest = max(len(future), MIN_UNMARKED_POINTS)
        _draw_history(panels[0], series, future, latest)
        lines: list[tuple[Array, str, str, str]] = [
            (without[index], PALE, "-", "without covariates"),
            (base[index], PALE, ":", "base"),
            (median, BLUE, "-", f"with, median of {model}"),
        ]
        for point, colour, style, label in lines if effects.kept else lines[:1]:
            values = np.concatenate([series.values[-1:], point])
            options: dict[str, Any] = {"color": colour, "label": label, **lone_markers(values)}
            panels[0].plot(onward, values, linestyle=style, linewidth=1.6, **options)
        _mark(panels[0], panel.series[index], _impossible(result, index, series, latest))
        _finish(panels[0], panel, series, future)
        tops, bottoms = np.zeros(len(median)), np.zeros(len(median))
        width = 0.8 * (np.median(np.diff(ahead)) if len(ahead) > 1 else 1)
        for axes in panels[1:]:
            for (name, values), colour in zip(_largest(effects).items(), COLOURS, strict=False):
                start = np.where(values > 0, tops, bottoms)
                axes.bar(ahead, values, width, start, color=colour, label=name)
                tops, bottoms = tops + values.clip(min=0), bottoms + values.clip(max=0)
            axes.axhline(0, color=INK, linewidth=0.8)
            _finish(axes, panel, series, future, title=EFFECTS_TITLE)
        figure.savefig(path, dpi=150, format=path.suffix[1:])


def draw_flags(
    path: Path,
    panel: Panel,
    found: Detection,
    model: str,
    index: int = 0,
    *,
    keep_outliers: bool = False,
) -> None:
    """Draw a history, what its points are flagged outside of, and those that are.

    Impossible readings are marked at the edge: an axis that reached them would show nothing else.

    Parameters
    ----------
    path : Path
        Image to write. Its extension tells the format.
    panel : Panel
        Histories.
    found : Detection
        Of the series.
    model : str
        Name of the model.
    index : int, default 0
        Which series.
    keep_outliers : bool, default False
        Whether impossible readings are drawn like others.
    """
    series = panel.series[index]
    times, flag = _local(series.times), found.flag
    values = series.values if keep_outliers else without_codes(series.values)
    impossible = np.isnan(values) & ~np.isnan(series.values)
    with mpl.rc_context({"text.parse_math": False}):
        figure = Figure(figsize=(10, 4.5), layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        lone = lone_markers(values)
        axes.plot(times, values, color=INK, linewidth=0.9, label="history", **lone)
        seen = axes.get_ylim()
        label = f"not flagged at rate {found.rate:g}, by {model}"
        _draw_band(axes, times, found.low, found.high, 0.25, label)
        axes.plot(times[flag], values[flag], "o", color=RED, markersize=4.5, label="flagged")
        axes.set_ylim(seen)  # a band may be wide where little is known yet
        _mark(axes, series, impossible)
        count = int(flag.sum())
        title = f"{_short(series.name)}: {count} flag{'' if count == 1 else 's'}"
        _finish(axes, panel, series, series.times, title=title)
        figure.savefig(path, dpi=150, format=path.suffix[1:])


def lone_markers(values: Array) -> dict[str, Any]:
    """Options of a line that mark the points without neighbours, which it does not show.

    Parameters
    ----------
    values : array
        Of the line, of shape (time,), NaN where missing.

    Returns
    -------
    dict
        Arguments of ``Axes.plot``, none where each point has a neighbour.
    """
    lone = _lone(values)
    return {"marker": "o", "markersize": 2.5, "markevery": lone} if lone.any() else {}


def _lone(values: Array) -> Mask:
    """Which values have a missing one, or none, on both sides."""
    known = np.pad(np.isfinite(values), 1)
    alone: Mask = known[1:-1] & ~known[:-2] & ~known[2:]
    return alone


def _draw_band(
    axes: Axes, times: pd.Index[Any], low: Array, high: Array, opacity: float, label: str | None
) -> None:
    """Fill a band, with strokes where points have no neighbours."""
    style: dict[str, Any] = {"color": BLUE, "alpha": opacity}
    axes.fill_between(times, low, high, linewidth=0, label=label, **style)
    lone = _lone(low + high)
    if lone.any():
        axes.vlines(times[lone], low[lone], high[lone], linewidth=2.5, **style)


def _largest(effects: CovariateEffects) -> dict[str, Array]:
    """Effects by covariate, the largest first, of many the last ones together."""
    sizes = np.abs(effects.values).mean(axis=0)
    order = [i for i in np.argsort(-sizes, kind="stable") if sizes[i] > 0]
    first = order if len(order) <= len(COLOURS) else order[: len(COLOURS) - 1]
    drawn = {effects.names[i]: effects.values[:, i] for i in first}
    if len(first) < len(order):
        drawn["others"] = effects.values[:, order[len(first) :]].sum(axis=1)
    return drawn


def _possible(panel: Panel, result: Forecast, index: int) -> Series:
    """Series without the readings that were taken as missing."""
    series = panel.series[index]
    impossible = _impossible(result, index, series)
    return replace(series, values=np.where(impossible, np.nan, series.values))


def _impossible(result: Forecast, index: int, series: Series, latest: int | None = None) -> Mask:
    """Which readings of a series, or of the latest ones, were taken as missing."""
    size = len(series.values)
    found = np.zeros(size, dtype=bool)
    found[[one.step for one in result.outliers if one.series == index]] = True
    return found & (np.arange(size) >= size - (latest or size))


def _mark(axes: Axes, series: Series, impossible: Mask) -> None:
    """Mark impossible readings at the edge: an axis that reached them would show nothing else."""
    if not impossible.any():
        return
    low, high = axes.get_ylim()
    edge = np.where(series.values > np.nanmedian(series.values[~impossible]), high, low)
    style: dict[str, Any] = {"color": RED, "markersize": 7, "clip_on": False}
    times = _local(series.times)[impossible]
    axes.plot(times, edge[impossible], "X", label="beyond the axis", **style)
    axes.set_ylim(low, high)


def _draw_history(axes: Axes, series: Series, future: pd.Index[Any], points: int) -> None:
    """Draw the latest points of a history, and where it ends."""
    past, history = series.times[-points:], series.values[-points:]
    marks = lone_markers(history)
    if len(past) + len(future) < MIN_UNMARKED_POINTS:
        marks = {"marker": "o", "markersize": 3}
    axes.plot(_local(past), history, color=INK, linewidth=1.1, label="history", **marks)
    axes.axvline(_local(past)[-1], color=INK, linewidth=0.8, linestyle=(0, (2, 3)))


def _finish(
    axes: Axes, panel: Panel, series: Series, future: pd.Index[Any], title: str = ""
) -> None:
    """Give axes dates, names and a legend."""
    if isinstance(future, pd.DatetimeIndex):
        locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    zone = f" ({future.tz})" if isinstance(future, pd.DatetimeIndex) and future.tz else ""
    axes.set_xlabel(f"{panel.time}{zone}", color=INK)
    axes.set_ylabel(series.variable, color=INK)
    title = title or f"{_short(series.name)}: {len(future)} steps ahead"
    axes.set_title(title, loc="left", weight="bold", color=INK, pad=12)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(PALE)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=9)


def _short(name: str) -> str:
    """Make a name fit beside the legend."""
    return name if len(name) <= MAX_NAME_LETTERS else f"{name[:MAX_NAME_LETTERS]}…"


def _local(times: pd.Index[Any]) -> pd.Index[Any]:
    """Local times without their zone, for the axis."""
    return times.tz_localize(None) if isinstance(times, pd.DatetimeIndex) else times
