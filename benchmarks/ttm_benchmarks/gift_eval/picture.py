"""One picture of a leaderboard: accuracy against parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

INK_COLOR = "#333333"
OTHERS_COLOR = "#666666"
OURS_COLOR = "#d55e00"

LABEL_HEIGHT = 0.03
"""Height of a name, in heights of the axes."""


def draw(overall: pd.DataFrame, ours: str, path: Path) -> None:
    """Write a PNG with MASE and CRPS of every model whose parameter count is known.

    Parameters
    ----------
    overall : DataFrame
        Columns ``model``, ``parameters``, ``MASE``, ``CRPS`` and ``tasks``.
    ours : str
        Model to point out.
    path : Path
        PNG file.
    """
    known = overall.dropna(subset="parameters")
    figure = Figure(figsize=(12, 6), layout="constrained")
    for metric, axes in zip(("MASE", "CRPS"), figure.subplots(1, 2), strict=True):
        axes.axhline(1.0, color=INK_COLOR, linewidth=0.8, linestyle="--")
        axes.annotate(
            "seasonal naive", (0.01, 1.0), xycoords=("axes fraction", "data"), va="bottom", size=8
        )
        rows = known.sort_values(metric).to_dict("records")
        for row in rows:
            first = row["model"] == ours
            axes.plot(
                row["parameters"],
                row[metric],
                "o",
                color=OURS_COLOR if first else OTHERS_COLOR,
                markersize=8 if first else 5,
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("parameters")
        axes.set_title(f"{metric} relative to seasonal naive", loc="left", fontsize=10)
        axes.margins(0.08)
        low, high = axes.get_ylim()
        heights = spread([(row[metric] - low) / (high - low) for row in rows])
        for row, height in zip(rows, heights, strict=True):
            first = row["model"] == ours
            colour = OURS_COLOR if first else OTHERS_COLOR
            axes.annotate(
                row["model"],
                (row["parameters"], row[metric]),
                xytext=(1.04, height),
                textcoords="axes fraction",
                va="center",
                size=8,
                color=colour,
                weight="bold" if first else "normal",
                arrowprops={
                    "arrowstyle": "-",
                    "color": colour,
                    "linewidth": 0.4,
                    "relpos": (0, 0.5),
                },
            )
        axes.grid(linewidth=0.4, alpha=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    title = f"GIFT-Eval, geometric mean over {overall['tasks'].iloc[0]} tasks, less is better"
    if len(known) < len(overall):
        title += f" ({len(overall) - len(known)} without a known parameter count left out)"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.savefig(path, dpi=130)


def spread(heights: Sequence[float]) -> list[float]:
    """Move ascending heights apart by the height of a name: up, then back below 1."""
    gap = min(LABEL_HEIGHT, 1 / max(1, len(heights)))
    found: list[float] = []
    for height in heights:
        found.append(max([height, *(one + gap for one in found[-1:])]))
    top = 1.0
    for i in reversed(range(len(found))):
        found[i] = min(found[i], top)
        top = found[i] - gap
    return found
