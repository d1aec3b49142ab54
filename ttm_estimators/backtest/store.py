"""Finished parts of a backtest in a folder, from which it goes on where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ttm_estimators.atomic import replacing
from ttm_estimators.backtest.seasonal_naive import Array
from ttm_estimators.tables.errors import TableWarning
from ttm_estimators.tables.panel import Panel


class Store:
    """A folder whose files are named by all that their content depends on.

    Runs with other data, models or settings have other files, so that one folder serves any number.

    Parameters
    ----------
    folder : Path or None
        Made if need be. None keeps nothing.
    common : dict
        What all parts depend on, for JSON.
    """

    def __init__(self, folder: Path | None, common: dict[str, Any]) -> None:
        self.folder = folder
        self.common = common
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str, kind: str, **own: Any) -> Path | None:
        """File of a part, by the name of its model and what it depends on; None without folder."""
        if self.folder is None:
            return None
        text = json.dumps({**self.common, **own}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f"{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')}-{digest}{kind}"


def read_part(path: Path | None, shapes: Collection[tuple[int, ...]]) -> Array | None:
    """Forecasts that an earlier run has finished, if there are any.

    Parameters
    ----------
    path : Path or None
        File.
    shapes : collection of tuple
        Those that they may have.

    Warns
    -----
    TableWarning
        When the file has something else. It is then as if it was not there.
    """
    if path is None or not path.exists():
        return None
    try:
        values: Array = np.load(path, allow_pickle=False)
        if values.shape not in shapes:
            raise ValueError(f"its shape is {values.shape}")
        if values.dtype != np.float64 or not np.isfinite(values).all():
            raise ValueError("it has values that are no finite numbers")
    except (ValueError, EOFError) as error:
        warnings.warn(f"{path} is damaged and is made anew: {error}", TableWarning, stacklevel=6)
        return None
    return values


def write_part(path: Path | None, values: Array) -> None:
    """Keep finished forecasts."""
    if path is not None:
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, values, allow_pickle=False)


def fingerprint(panel: Panel) -> str:
    """A digest of the series of a panel: names, times, values, frequencies and covariates."""
    digest = hashlib.sha256()
    for one in panel.series:
        digest.update(repr((one.name, one.variable, str(one.step), len(one.times))).encode())
        times = one.times.asi8 if isinstance(one.times, pd.DatetimeIndex) else one.times.to_numpy()
        digest.update(np.ascontiguousarray(times).tobytes())
        digest.update(str(one.times.dtype).encode())
        digest.update(np.ascontiguousarray(one.values).tobytes())
        if one.covariates is not None:
            digest.update(one.covariates.to_csv(index=False).encode())
    return digest.hexdigest()
