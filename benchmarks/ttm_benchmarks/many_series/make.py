"""Parquet files of daily series, made on the fly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ttm_estimators.atomic import replacing

POINTS = 200
WEEK = 7


def make_values(file: int, series: int) -> np.ndarray:
    """Values of the series of a file, (series, points): a level that drifts, a week and noise."""
    random = np.random.default_rng(file)
    week = random.normal(size=(series, WEEK))[:, np.arange(POINTS) % WEEK]
    drift = random.normal(scale=0.2, size=(series, POINTS)).cumsum(axis=1)
    noise = random.normal(scale=0.5, size=(series, POINTS))
    return np.asarray((20 + week + drift + noise).round(2))


def make_file(path: Path, file: int, series: int) -> None:
    """Write one file of whole series, unless it is there."""
    if path.exists():
        return
    first = file * series
    names = pa.array([f"series-{first + i:010d}" for i in range(series)])
    rows = pa.array(np.repeat(np.arange(series, dtype=np.int32), POINTS))
    days = np.datetime64("2024-01-01", "us") + np.arange(POINTS).astype("m8[D]")
    table = pa.table(
        {
            "unique_id": names.take(rows),
            "ds": pa.array(np.tile(days, series)),
            "y": pa.array(make_values(file, series).ravel()),
        }
    )
    with replacing(path) as partial:
        pq.write_table(table, partial, row_group_size=1000 * POINTS)


def make_folder(folder: Path, series: int, per_file: int) -> list[Path]:
    """Write so many series, and return their files. Those that are there stay.

    Raises
    ------
    ValueError
        When the files would not be full.
    """
    if series % per_file:
        raise ValueError(f"--series {series} is no multiple of --per-file {per_file}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"part-{i:05d}.parquet" for i in range(series // per_file)]
    for i, path in enumerate(paths):
        make_file(path, i, per_file)
    return paths
