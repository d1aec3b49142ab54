"""Memory does not grow with a file."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

POINTS = 200
MORE_MEGABYTES = 40
"""Of a file 20 times as large. All its values take 15 times as much."""

MAX_MEGABYTES = 300
"""Of a forecast, beside the libraries, which take 290 and, with torch for GPUs, 670."""

PEAK = """
def peak():  # not by getrusage, which counts what the parent had when it forked
    line = next(one for one in open("/proc/self/status") if one.startswith("VmHWM"))
    return int(line.split()[1]) // 1024
"""

FORECAST = (
    PEAK
    + """
import sys
import numpy as np
from ttm_estimators.dataset.process_file import process_file
from ttm_estimators.dataset.unit import Unit
from ttm_estimators.tables.forecast import to_frame
from ttm_estimators.tables.reading import Reading

class Task:
    reading, identity = Reading(), {}
    def __call__(self, forecaster, panel):
        columns = {str(i): np.ones((len(panel.series), 28)) for i in range(10)}
        if not forecaster.__dict__.setdefault("warm", 0):  # the network, once
            forecaster.warm = 1
            forecaster.forecast([one.values for one in panel.series[:64]], 28)
        return to_frame(panel, panel.futures(28), columns)

done = process_file(Unit(sys.argv[1], "out.parquet"), sys.argv[2], Task())
print(done.series, peak())
"""
)

LIBRARIES = PEAK + "import torch, pandas, pyarrow.parquet\nprint(peak())"

PARTITION = (
    PEAK
    + """
import sys
from ttm_estimators.dataset.partition import partition

done = partition(sys.argv[1], sys.argv[2], int(sys.argv[3]))
print(done.series, peak())
"""
)


def write(path, series: int) -> None:
    """A file of a single row group, which is larger than the batches that are read of it."""
    days = np.datetime64("2024-01-01") + np.arange(POINTS) * np.timedelta64(1, "D")
    values = np.random.default_rng(0).normal(size=series * POINTS)
    table = {
        "unique_id": pa.array(np.repeat([f"s{i:07d}" for i in range(series)], POINTS)),
        "ds": pa.array(np.tile(days.astype("datetime64[us]"), series)),
        "y": values,
    }
    pq.write_table(pa.table(table), path, row_group_size=series * POINTS)


def megabytes(code: str, *arguments) -> int:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(told.split()[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told elsewhere")
def test_memory_is_that_of_a_file_a_twentieth_as_large(tmp_path):
    for name, series in (("small", 1_000), ("large", 20_000)):
        write(tmp_path / f"{name}.parquet", series)
    used = [megabytes(FORECAST, tmp_path / f"{n}.parquet", tmp_path) for n in ("small", "large")]
    assert used[1] < used[0] + MORE_MEGABYTES
    assert used[1] < megabytes(LIBRARIES) + MAX_MEGABYTES
    parts = [
        megabytes(PARTITION, tmp_path / f"{name}.parquet", tmp_path / name, files)
        for name, files in (("small", 1), ("large", 20))
    ]
    assert parts[1] < parts[0] + 3 * MORE_MEGABYTES  # 64 MB wait in memory
