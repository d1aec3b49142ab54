"""Tags of our forecaster beside those of sktime's forecasters with pre-trained weights.

``python -m ttm_benchmarks.sktime_tags docs/sktime.md`` writes the table into the page, between its
two markers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import sktime
from sktime.registry import all_estimators

from ttm_sktime import TTMForecaster

START, END = "<!-- tags -->", "<!-- end of tags -->"

FOUNDATION = (
    *("Aurora", "Chronos", "Chronos2", "CiscoTSM", "FalconTST", "FalconX", "FlowState"),
    *("HFTransformers", "Kronos", "LagLlama", "MIRA", "MOIRAI", "Mantis", "Moirai2", "MomentFM"),
    *("PatchTSMixer", "PatchTST", "Sundial", "T0", "Tafsut", "TiRex", "TiRex2", "TimeMoE"),
    *("Timer", "TimerS1", "TimesFM", "TimesFM2", "TimesFM3", "TinyTimeMixer", "Toto", "Toto2"),
    "WindFM",
)
"""Forecasters that can load pre-trained weights, without the "Forecaster" of their names."""

COLUMNS = {
    "quantiles": "capability:pred_int",
    "missing values": "capability:missing_values",
    "multivariate": "capability:multivariate",
    "exogenous": "capability:exogenous",
    "pretrain": "capability:pretrain",
    "update": "capability:update",
}
"""Headings and the tags under them."""


def table() -> str:
    """Make the table, in Markdown. Ours is the first row."""
    known = dict(all_estimators("forecaster"))
    classes = [TTMForecaster, *(known[f"{name}Forecaster"] for name in FOUNDATION)]
    headings = ["forecaster", *COLUMNS, "panels in one call", "checks left out"]
    lines = [
        f"sktime {sktime.__version__}, class tags.",
        "",
        f"| {' | '.join(headings)} |",
        "|---" * len(headings) + "|",
    ]
    for cls in classes:
        cells = [_yes(cls.get_class_tag(tag)) for tag in COLUMNS.values()]
        cells.append(_yes("pd-multiindex" in cls.get_class_tag("y_inner_mtype")))
        cells.append(str(len(cls.get_class_tag("tests:skip_by_name") or ())))
        lines.append(f"| {_name(cls)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def written_into(page: str) -> str:
    """Return the page with the table between its markers."""
    before, rest = page.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{table()}\n{END}{after}"


def _yes(value: Any) -> str:
    return "yes" if value else "no"


def _name(cls: type) -> str:
    return f"**{cls.__name__}**" if cls is TTMForecaster else cls.__name__


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(written_into(path.read_text(encoding="utf-8")), encoding="utf-8")
