"""One picture of one backtest: the latest windows, with the history before them.

Shape suffixes: N windows, H horizon, Q quantile levels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ttm_benchmarks.demo.backtest import Backtest
from ttm_estimators.command_line.plot import lone_markers
from ttm_estimators.network.presets import DECILES

INK_COLOR = "#333333"
MODEL_COLOR = "#0072b2"
NAIVE_COLOR = "#d55e00"
BANDS = ((0.1, 0.9, 0.15), (0.3, 0.7, 0.25))
"""Lower and upper quantile level, and opacity."""

MAX_SHOWN_WINDOWS = 3
"""Windows that are shown, after two horizons of history."""


def shown_windows(cutoffs: list[int], horizon: int) -> list[int]:
    """Choose the latest windows that do not overlap, latest first."""
    chosen: list[int] = []
    for i in reversed(range(len(cutoffs))):
        if len(chosen) < MAX_SHOWN_WINDOWS and (
            not chosen or cutoffs[i] + horizon <= cutoffs[chosen[-1]]
        ):
            chosen.append(i)
    return chosen


@rc_context({"date.converter": "concise"})
def draw(result: Backtest, path: Path) -> None:
    """Write a PNG with what was observed, the model's median and bands, and seasonal naive."""
    series, horizon = result.series, result.series.horizon
    windows = shown_windows(result.cutoffs, horizon)
    shown = series.values.iloc[max(0, result.cutoffs[windows[-1]] - 2 * horizon) :]

    figure = Figure(figsize=(9.5, 4.4), layout="constrained")
    axes = figure.add_subplot()
    style: dict[str, Any] = {"color": INK_COLOR, "linewidth": 1.3, "zorder": 3}
    style |= lone_markers(np.asarray(shown, dtype=np.float64))
    axes.plot(shown.index, shown, label="observed", **style)
    for i in windows:
        cutoff = result.cutoffs[i]
        future = series.values.index[cutoff : cutoff + horizon]
        quantiles_HQ = result.model_NHQ[i]
        # The legend leaves out what begins with "_": one entry stands for all windows.
        hide = "" if i == windows[0] else "_"
        for low, high, opacity in BANDS:
            axes.fill_between(
                future,
                quantiles_HQ[:, DECILES.index(low)],
                quantiles_HQ[:, DECILES.index(high)],
                color=MODEL_COLOR,
                alpha=opacity,
                linewidth=0,
                label=f"{hide}model, {high - low:.0%} band",
            )
        median_H = quantiles_HQ[:, DECILES.index(0.5)]
        axes.plot(
            future, median_H, color=MODEL_COLOR, linewidth=2, zorder=4, label=f"{hide}model, median"
        )
        axes.plot(
            future,
            result.naive_NH[i],
            color=NAIVE_COLOR,
            linewidth=1.2,
            linestyle="--",
            label=f"{hide}seasonal naive",
        )
        axes.axvline(future[0], color=INK_COLOR, linewidth=0.7, linestyle=":")

    axes.text(0, 1.1, series.title, transform=axes.transAxes, fontsize=12, fontweight="bold")
    axes.set_title(
        f"MASE {result.model.mase:.2f} (seasonal naive {result.naive.mase:.2f}), "
        f"weighted quantile loss {result.model.wql:.3f} ({result.naive.wql:.3f}) "
        f"over {result.windows} windows of {horizon} steps",
        loc="left",
        fontsize=9.5,
        color=INK_COLOR,
    )
    axes.margins(x=0)
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)
