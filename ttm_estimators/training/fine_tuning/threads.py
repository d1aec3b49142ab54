"""How many threads are quickest at the moment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

ROWS, FEATURES = 2048, 128
"""Size of a layer in a step of training."""

REPEATS = 100
"""Layers whose time is taken: a quarter of a second, for other programs come and go."""

MIN_SPEEDUP = 1.25
"""Times that all threads have to be as quick as one."""


@contextmanager
def quickest_threads() -> Iterator[None]:
    """Go on in all threads, or in one where these are hardly quicker (ours).

    A step of training has hundreds of operations of a tenth of a millisecond, at whose ends threads
    wait for each other. Where other programs have the processors, that takes ten times as long as
    one thread alone.
    """
    before = torch.get_num_threads()
    try:
        one = _seconds(1, math.inf)
        if _seconds(before, one) * MIN_SPEEDUP > one:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


def _seconds(threads: int, limit: float) -> float:
    """What some layers take, or more than the limit."""
    torch.set_num_threads(threads)
    layer, rows = torch.ones(FEATURES, FEATURES), torch.ones(ROWS, FEATURES)
    began, seconds = time.perf_counter(), 0.0
    for _ in range(REPEATS):
        torch.nn.functional.gelu(rows @ layer)
        seconds = time.perf_counter() - began
        if seconds > limit:
            break
    return seconds
