"""What worker processes do with memory that is free: keep it for the next batch."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from functools import cache

VARIABLE, OF_DASK = "MALLOC_TRIM_THRESHOLD_", "65536"
"""What Dask's nanny sets for its workers, in bytes, unless its configuration says otherwise."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt``."""

KEPT_BYTES, MAPPED_BYTES = 2**27, 2**25
"""Free memory that is kept, and what is never kept: those that glibc comes to by itself (ours)."""


@cache
def keep_free_memory() -> None:
    """Undo Dask's default by which the C library hands free memory back at once.

    With it a forecast takes more than twice the time, for the kernel clears each page again.
    """
    if os.environ.get(VARIABLE) != OF_DASK:
        return
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
