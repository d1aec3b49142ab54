"""The report of a backtest: what it says, for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ttm_estimators.backtest.comparison import Comparison
from ttm_estimators.page.render import render
from ttm_estimators.tables.panel import summary
from ttm_estimators.tables.steps import show

if TYPE_CHECKING:
    from ttm_estimators.backtest.evaluation import Evaluation

SCRIPTS = ("page.js",)

MAX_SERIES_SHOWN = 30
"""Series with a line of their own: those with the highest errors."""

MAX_WINDOWS_DRAWN = 3
"""Windows in a picture, the latest that do not overlap."""

HISTORY_HORIZONS, MIN_HISTORY_POINTS = 2, 30
"""History in a picture: so many horizons, or points where that is longer."""

INNER_BAND = (0.3, 0.7)
"""Quantile levels of the inner band of a picture, where there are such."""

MAX_IMPOSSIBLE_TOLD = 3
"""Impossible readings that are named under a picture that leaves them out."""

SHOWN_DIGITS = 5
"""Significant ones, of a picture."""


def render_report(result: Evaluation, title: str) -> str:
    """Write the page.

    Parameters
    ----------
    result : Evaluation
        Scores.
    title : str
        Heading.

    Returns
    -------
    str
        HTML.
    """
    return render(report_content(result, title), "ttm_estimators.backtest", SCRIPTS)


def report_content(result: Evaluation, title: str) -> dict[str, Any]:
    """Gather all that the page shows."""
    others = [name for name in result.models.index if name != result.best]
    against = result.baseline if result.baseline in others else (others or [None])[0]
    band = result.band
    return {
        "title": title,
        "advice": result.advice,
        "best": result.best,
        "against": against,
        "baseline": result.baseline,
        "band": None if band is None else f"{100 * (band[1] - band[0]):.3g} %",
        "models": list(_models(result)),
        "series": _series(result, against),
        "series_in_all": result.series["series"].nunique(),
        "worst": [
            {"name": str(name), **{key: _number(value) for key, value in row.items()}}
            for name, row in result.worst.iterrows()
        ],
        "examples": _examples(result, against),
        "facts": _facts(result),
    }


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _models(result: Evaluation) -> Iterator[dict[str, Any]]:
    pairs = {each.other: each for each in result.comparisons}
    for name, row in result.models.iterrows():
        yield {
            "name": str(name),
            "role": _role(str(name), result),
            "scores": {str(key): _number(value) for key, value in row.items()},
            "pair": _interval(pairs[str(name)]) if name in pairs else "",
        }


def _interval(pair: Comparison) -> str:
    if not math.isfinite(pair.high):
        return f"{pair.ratio:.3f}"
    return f"{pair.ratio:.3f} ({pair.low:.3f} to {pair.high:.3f})"


def _role(name: str, result: Evaluation) -> str:
    return "ours" if name == result.best else "against" if name == result.baseline else "other"


def _series(result: Evaluation, against: str | None) -> list[dict[str, Any]]:
    """MASE of the best model and another for each series, the highest first."""
    if against is None:
        return []
    table = result.series.pivot(index="series", columns="model", values="MASE")
    table = table[[result.best, against]].replace(0.0, np.nan).dropna()
    table = table.sort_values(result.best, ascending=False, kind="stable").head(MAX_SERIES_SHOWN)
    return [
        {
            "task": str(name),
            "ours": float(ours),
            "against": float(other),
            "ahead": "ours" if ours < other else "against",
        }
        for name, ours, other in table.itertuples(name=None)
    ]


def _examples(result: Evaluation, against: str | None) -> list[dict[str, Any]]:
    """Series with the lowest, the middle and the highest MASE of the best model."""
    scores = result.series[result.series["model"] == result.best].dropna(subset="MASE")
    scores = scores.sort_values("MASE", kind="stable").reset_index(drop=True)
    last = len(scores) - 1
    places = {"Best": 0, "Median": last // 2, "Worst": last} if last > 1 else {}
    if last == 1:
        places = {"Best": 0, "Worst": 1}
    elif last == 0:
        places = {"": 0}
    names = [one.name for one in result.panel.series]
    return [
        {
            "place": place,
            "series": str(scores["series"][i]),
            "mase": float(scores["MASE"][i]),
            **_picture(result, names.index(scores["series"][i]), against),
        }
        for place, i in places.items()
    ]


def _picture(result: Evaluation, index: int, against: str | None) -> dict[str, Any]:
    """Columns to draw: the ends of bands are ``q1`` to ``q9``, the median ``q5``."""
    one, horizon = result.panel.series[index], result.forecasts.horizon
    every = result.forecasts.every
    rows = every[every["series"] == index].sort_values("step")
    chosen: list[pd.DataFrame] = []
    for _, window in sorted(rows.groupby("window"), reverse=True):
        overlaps = bool(chosen) and window["step"].max() >= chosen[-1]["step"].min()
        if not overlaps and len(chosen) < MAX_WINDOWS_DRAWN:
            chosen.append(window)
    first = int(chosen[-1]["step"].min())
    begin = max(0, first - max(HISTORY_HORIZONS * horizon, MIN_HISTORY_POINTS))
    end = int(chosen[0]["step"].max()) + 1
    drawn = np.full(end - begin, -1)
    names = {"q5": result.best, **_bands(result)}
    if against is not None:
        names["other"] = against
    forecasts = {key: np.full(end - begin, np.nan) for key in names}
    for number, window in enumerate(chosen):
        at = window["step"].to_numpy() - begin
        drawn[at] = number
        for key, name in names.items():
            forecasts[key][at] = result.frame[name].iloc[window.index].to_numpy(dtype=float)
    impossible = [
        f"{each.value:g} at {show(one.times[each.step])}"
        for each in result.impossible
        if each.series == index and begin <= each.step + len(one.values) < end
    ]
    more = len(impossible) - MAX_IMPOSSIBLE_TOLD
    return {
        "impossible": ", ".join(impossible[:MAX_IMPOSSIBLE_TOLD])
        + (f" and {more} more" if more > 0 else ""),
        "start": show(one.times[first]),
        "axis": "temporal" if isinstance(one.times, pd.DatetimeIndex) else "quantitative",
        "columns": {
            "time": _axis(one.times[begin:end]),
            "value": _short(one.values[begin:end]),
            "window": drawn.tolist(),
            **{key: _short(values) for key, values in forecasts.items()},
        },
    }


def _bands(result: Evaluation) -> dict[str, str]:
    """Columns of the outer band of the best model and, where there is one, the inner one."""
    if result.forecasts.models[result.best].shape[1] == 1 or result.band is None:
        return {}
    low, high = result.band
    found = {"q1": f"{result.best}-{low}", "q9": f"{result.best}-{high}"}
    if set(INNER_BAND) <= set(result.forecasts.levels) and low < INNER_BAND[0]:
        inner = zip(("q3", "q7"), INNER_BAND, strict=True)
        found |= {key: f"{result.best}-{level}" for key, level in inner}
    return found


def _axis(times: pd.Index[Any]) -> list[int]:
    """Milliseconds of the clock on the wall, or whole numbers."""
    if not isinstance(times, pd.DatetimeIndex):
        return [int(time) for time in times]
    wall = times.tz_localize(None)
    return (wall.as_unit("ns").asi8 // 10**6).tolist()


def _short(values: Any) -> list[float | None]:
    return [float(f"{value:.{SHOWN_DIGITS}g}") if np.isfinite(value) else None for value in values]


def _facts(result: Evaluation) -> dict[str, str]:
    """What was done, in the order in which it is shown."""
    from ttm_estimators import __version__

    rows = result.forecasts.rows
    windows = rows.groupby("series")["window"].nunique()
    few, many = int(windows.min()), int(windows.max())
    facts = {
        "Forecasts": summary(result.panel, result.forecasts.horizon),
        "Windows": f"{many} of each series" if few == many else f"{few} to {many} of each series",
        "Steps between cutoffs": str(result.forecasts.step),
        "Table": result.panel.took,
        "Left out": result.panel.left_out,
        "Ids": result.panel.id_note,
        "Calendar": result.panel.calendar,
        "Quantile levels": ", ".join(map(str, result.forecasts.levels)),
        "Version": f"ttm-estimators {__version__}",
    }
    return {name: fact for name, fact in facts.items() if fact}
