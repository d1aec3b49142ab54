"""What a billion series would take, by what a million took."""

from __future__ import annotations

import math
from dataclasses import dataclass

REQUESTS_OF_A_FILE = 3
"""Reads, or writes, of an object store for a file beside those of its parts: its facts and its
footer, or the start and the end of an upload and its renaming."""

PART_BYTES = 5 * 2**20
"""Bytes of one read or of one part of an upload, as s3fs has them by default."""

REQUESTS_A_SECOND = 3500
"""Requests that S3 takes for one folder: its documentation has 3,500 writes and 5,500 reads."""

CORE_HOUR = 0.05
"""US dollars that a core of a cloud machine is taken to cost in an hour (ours, a round figure)."""

THOUSAND_READS, THOUSAND_WRITES = 0.0004, 0.005
"""US dollars of a thousand requests to S3 in Northern Virginia, by its price list."""


@dataclass(frozen=True)
class Measured:
    """What a run has shown."""

    series_a_second: float
    """Of a worker of one core."""

    input_bytes: float
    output_bytes: float
    """Of a series, as Parquet."""

    tasks_a_second: float
    """That the scheduler hands out and takes back."""


@dataclass(frozen=True)
class Paper:
    """What so many series take."""

    files: int
    """Tasks of the scheduler too."""

    workers: int
    core_hours: float
    hours: float
    scheduler_busy: float
    """Fraction of the time that the scheduler works."""

    workers_that_the_scheduler_feeds: int
    reads: int
    writes: int
    gigabytes: float
    """Read and written."""

    gigabits_a_second: float
    core_cost: float
    request_cost: float
    """US dollars."""

    @property
    def bottleneck(self) -> str:
        """What more workers would not help against, or the lack of them."""
        requests = (self.reads + self.writes) / (self.hours * 3600)
        loads = {
            "the scheduler": self.scheduler_busy,
            "the object store": requests / REQUESTS_A_SECOND,
        }
        name, load = max(loads.items(), key=lambda each: each[1])
        return name if load >= 1 else "the cores"


def on_paper(
    measured: Measured, *, series: int = 10**9, per_file: int = 20_000, workers: int = 1000
) -> Paper:
    """Work out what a run takes on workers of one core each.

    Parameters
    ----------
    measured : Measured
        Figures of a run.
    series, per_file, workers : int
        Size of the run, of a file, which is one task, and of the cluster.
    """
    files = math.ceil(series / per_file)
    seconds = series / measured.series_a_second
    reads, writes = (
        files * (REQUESTS_OF_A_FILE + math.ceil(per_file * size / PART_BYTES))
        for size in (measured.input_bytes, measured.output_bytes)
    )
    gigabytes = series * (measured.input_bytes + measured.output_bytes) / 1e9
    return Paper(
        files=files,
        workers=workers,
        core_hours=seconds / 3600,
        hours=seconds / workers / 3600,
        scheduler_busy=files / measured.tasks_a_second / (seconds / workers),
        workers_that_the_scheduler_feeds=int(
            measured.tasks_a_second * per_file / measured.series_a_second
        ),
        reads=reads,
        writes=writes,
        gigabytes=gigabytes,
        gigabits_a_second=8 * gigabytes / (seconds / workers),
        core_cost=seconds / 3600 * CORE_HOUR,
        request_cost=(reads * THOUSAND_READS + writes * THOUSAND_WRITES) / 1000,
    )
