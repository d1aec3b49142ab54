"""The last window of series of a corpus, in groups of one frequency and one term.

Shape suffixes: T time, H horizon.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from gluonts.time_feature import get_seasonality
from pandas.tseries.frequencies import to_offset

from ttm_benchmarks.demo.metrics import seasonal_error
from ttm_benchmarks.gift_eval.tasks import TERMS
from ttm_estimators.data.corpus.deny_list import refuse

Array = npt.NDArray[Any]

SUBDAILY_HORIZONS = dict.fromkeys(("h", "30min", "15min", "10min", "5min", "min"), 48)
HORIZONS = {"YS": 6, "QS": 8, "MS": 12, "W": 8, "D": 30, "B": 30, **SUBDAILY_HORIZONS}
"""Steps to forecast by frequency, as in GIFT-Eval and M4. Other frequencies are left out.
Only frequencies below a day have medium and long terms."""


class Window(NamedTuple):
    """History and future of one series."""

    source: str
    past_T: Array
    future_H: Array
    season: int
    scale: float
    """Mean absolute difference from the season before, in the history."""


def last_windows(folder: Path, max_windows: int) -> dict[tuple[str, str], list[Window]]:
    """Cut the last window of each series for every term of at most a third of its length.

    Parameters
    ----------
    folder : Path
        Parquet files with columns ``freq`` and ``target``; the name of a file is a source.
    max_windows : int
        Windows in a group, at most. They are taken from all sources in turn.

    Returns
    -------
    dict
        Windows by frequency and term.

    Raises
    ------
    FileNotFoundError
        When there are no parquet files.
    """
    groups: dict[tuple[str, str], dict[str, list[Window]]] = defaultdict(lambda: defaultdict(list))
    for source, frequency, values_T in _series(folder):
        name = frequency.split("-")[0]
        for term, multiple in TERMS.items():
            if name not in (HORIZONS if term == "short" else SUBDAILY_HORIZONS):
                continue
            window = _last_window(source, frequency, values_T, multiple * HORIZONS[name])
            if window is not None:
                groups[name, term][source].append(window)
    return {group: _in_turns(sources, max_windows) for group, sources in sorted(groups.items())}


def _series(folder: Path) -> Iterator[tuple[str, str, Array]]:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no parquet files: name a corpus folder")
    for file in files:
        refuse(file.stem)
        table = pq.read_table(file, columns=["freq", "target"])
        for frequency, target in zip(*map(table.column, ("freq", "target")), strict=True):
            if frequency.is_valid and target.is_valid:
                values = np.array(target.values.to_numpy(zero_copy_only=False), dtype=np.float64)
                known = np.flatnonzero(np.isfinite(values))
                if len(known):
                    yield file.stem, frequency.as_py(), values[known[0] : known[-1] + 1]


def _last_window(source: str, frequency: str, values_T: Array, horizon: int) -> Window | None:
    """The window, unless it is too long for the series or seasonal naive makes no error."""
    if len(values_T) < 3 * horizon:
        return None
    past_T, future_H = values_T[:-horizon], values_T[-horizon:]
    season = get_seasonality(to_offset(frequency).freqstr)
    season = season if season < len(past_T) else 1
    differences_T = past_T[season:] - past_T[:-season]
    every_step = all(np.isfinite(past_T[step::season]).any() for step in range(season))
    if not every_step or np.isnan(differences_T).all() or np.isnan(future_H).all():
        return None
    scale = seasonal_error(past_T, season)
    return Window(source, past_T, future_H, season, scale) if scale > 0 else None


def _in_turns(sources: dict[str, list[Window]], max_windows: int) -> list[Window]:
    turns = zip_longest(*sources.values())
    return [window for turn in turns for window in turn if window is not None][:max_windows]
