"""What one task reads, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """What one task reads: a Parquet file, or a range of row groups of one that is sorted by id.

    Parameters
    ----------
    path : str
        URL that fsspec opens, or a local path.
    target : str
        Output, relative to the output folder, such as ``region=north/part-0.parquet``.
    row_groups : tuple of int, optional
        First row group and the one after the last; None is the whole file. A range owns the series
        whose first id begins in it.
    partition : tuple of (str, str)
        Hive columns of the folder names. They are kept in the output's folders.
    fingerprint : str
        Of the input: size, time of modification or etag, and row groups.
    """

    path: str
    target: str
    row_groups: tuple[int, int] | None = None
    partition: tuple[tuple[str, str], ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True)
class Done:
    """What one task returns: small enough for a scheduler that sees millions of them.

    Parameters
    ----------
    target : str
        Output, relative to the output folder.
    rows : int
        Rows of the output.
    series : int
        Series that were forecast.
    seconds : float
        Seconds of the whole task.
    network_seconds : float
        Seconds of them in the forecaster.
    failed : tuple of (str, str)
        Names of series that could not be forecast, and the reasons.
    """

    target: str
    rows: int
    series: int
    seconds: float
    network_seconds: float
    failed: tuple[tuple[str, str], ...] = ()
