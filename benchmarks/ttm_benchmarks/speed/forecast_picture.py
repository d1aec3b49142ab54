"""The picture of ``make forecast-speed``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from ttm_benchmarks.speed.forecasters import OURS

if TYPE_CHECKING:
    from ttm_benchmarks.speed.forecast_speed import Sweep

INK = "#333333"
COLOURS = {OURS: "#1f4e8c", "onnx": "#4f93d2", "granite": "#111111"}
OTHERS = ("#8c564b", "#d95f02", "#c2185b", "#2e7d32", "#8e7cc3")
MARKERS = "osD^vPX*"


def draw(path: Path, labels: Mapping[str, str], numbers: Sweep, lengths: Sweep) -> None:
    """Draw time against number and length of series, on logarithmic scales.

    Parameters
    ----------
    path : Path
        Image to write. Its extension tells the format.
    labels : mapping
        What to call each row.
    numbers, lengths : mapping
        Times by row and by number of series, and by points of a series. What was scaled is hollow.
    """
    figure = Figure(figsize=(10, 5), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 2, sharey=True)
    others = iter(OTHERS)
    style = {
        name: {"color": COLOURS.get(name) or next(others), "marker": marker}
        for name, marker in zip(labels, MARKERS, strict=False)
    }
    for axes, sweep, title in (
        (panels[0], numbers, "by the number of series, 512 points each"),
        (panels[1], lengths, "by the points of a series"),
    ):
        for name, label in labels.items():
            x, measured = list(sweep[name]), list(sweep[name].values())
            axes.plot(
                x,
                [each.times for each in measured],
                label=label,
                linewidth=2.6 if name == OURS else 1.4,
                markersize=6,
                zorder=3 if name == OURS else 2,
                **style[name],
            )
            scaled = [(i, each.times) for i, each in zip(x, measured, strict=True) if each.scaled]
            for place, times in scaled:
                axes.plot(
                    place,
                    times,
                    markerfacecolor="white",
                    markersize=6,
                    zorder=4,
                    **style[name],
                )
        axes.set(xscale="log", yscale="log")
        columns = sorted({column for row in sweep.values() for column in row})
        axes.set_xticks(columns, [f"{column:,}" for column in columns], minor=False)
        axes.minorticks_off()
        axes.set_title(title, loc="left", fontsize=10, color=INK)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter("{x:,g}")
    panels[0].set_ylabel("time of a series, in times of granite-tsfm's bare network", color=INK)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=110, format=path.suffix[1:])
