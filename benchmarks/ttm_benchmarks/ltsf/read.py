"""Datasets from disk, as the originals' CSV or as parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_benchmarks.ltsf.protocol import DATASETS


def find_dataset(folder: Path, dataset: str) -> Path:
    """Find the file of a dataset.

    Raises
    ------
    ValueError
        When the dataset is unknown.
    FileNotFoundError
        When no file has one of its names. The message lists them.
    """
    if dataset not in DATASETS:
        raise ValueError(f"unknown dataset {dataset!r}, choose among {', '.join(DATASETS)}")
    names = [f"{stem}{suffix}" for stem in DATASETS[dataset] for suffix in (".csv", ".parquet")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{dataset} is not in {folder}: looked for {', '.join(names)}")


def read_dataset(path: Path) -> npt.NDArray[np.float64]:
    """Read all columns but ``date``, shape (time, channels).

    Raises
    ------
    ValueError
        When a column is not numeric or has missing values.
    """
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    table = table.drop(columns="date", errors="ignore")
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column) or column.isna().any():
            raise ValueError(f"{path}: column {name} must hold numbers, without missing values")
    return table.to_numpy(dtype=np.float64)


def standardise(values: npt.NDArray[np.float64], train_end: int) -> npt.NDArray[np.float64]:
    """Scale each channel to mean 0 and population standard deviation 1 over the training part.

    A channel that is constant there is only centred.
    """
    train = values[:train_end]
    deviation = train.std(axis=0)
    return (values - train.mean(axis=0)) / np.where(deviation == 0, 1.0, deviation)
