"""One picture of a leaderboard: accuracy against parameters."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

INK = "#333333"
OTHERS = "#666666"
OURS = "#d55e00"


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
    figure = Figure(figsize=(11, 5), layout="constrained")
    for metric, axes in zip(("MASE", "CRPS"), figure.subplots(1, 2), strict=True):
        axes.axhline(1.0, color=INK, linewidth=0.8, linestyle="--")
        axes.annotate(
            "seasonal naive", (0.01, 1.0), xycoords=("axes fraction", "data"), va="bottom", size=8
        )
        # Neighbours in score get their names on different sides.
        for i, row in enumerate(known.sort_values(metric).to_dict("records")):
            first, side = row["model"] == ours, 1 if i % 2 == 0 else -1
            colour = OURS if first else OTHERS
            place = (row["parameters"], row[metric])
            axes.plot(*place, "o", color=colour, markersize=8 if first else 5)
            axes.annotate(
                row["model"],
                place,
                xytext=(7 * side, 0),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                size=8,
                color=colour,
                weight="bold" if first else "normal",
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("parameters")
        axes.set_title(f"{metric} relative to seasonal naive", loc="left", fontsize=10)
        axes.margins(x=0.4, y=0.08)
        axes.grid(linewidth=0.4, alpha=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    title = f"GIFT-Eval, geometric mean over {overall['tasks'].iloc[0]} tasks, less is better"
    if len(known) < len(overall):
        title += f" ({len(overall) - len(known)} without a known parameter count left out)"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.savefig(path, dpi=130)
