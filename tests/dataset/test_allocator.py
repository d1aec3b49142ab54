import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
from ttm_estimators.dataset.allocator import keep_free_memory
if {kept}:
    keep_free_memory()
for _ in range(200):
    np.empty(2**20, dtype=np.uint8).fill(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(monkeypatch, kept, threshold="65536"):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", threshold)
    code = FAULTS.format(kept=kept)
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has such a threshold")
def test_a_worker_of_dask_keeps_memory_for_the_next_batch(monkeypatch):
    pages = 200 * 2**20 // 4096
    before, after = faults(monkeypatch, False), faults(monkeypatch, True)
    if before < 0.8 * pages:
        pytest.skip("the memory is kept whatever Dask says, as with numpy 1.26")
    assert before - after > 0.8 * pages
    assert faults(monkeypatch, True, threshold="70000") - after > 0.8 * pages  # a user's own
