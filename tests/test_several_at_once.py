"""Threads, forked and spawned processes forecast as one alone does, with the weights that ship."""

import os

import pytest

from tests import several_threads

COMMON = """
import numpy as np
import ttm_estimators

rng = np.random.default_rng(0)
series = [rng.normal(size=length).cumsum() for length in (50, 300, 700, 3000)]

def forecast(i, model=None):
    model = model or ttm_estimators.load()
    return model.forecast([series[i % 4]], 24 + i % 4).quantiles

def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
"""


def test_eight_threads():
    several_threads.run(f"""
from concurrent.futures import ThreadPoolExecutor
{COMMON}
model = ttm_estimators.load()
expected = [forecast(i, model) for i in range(32)]
with ThreadPoolExecutor(8) as pool:
    same(pool.map(lambda i: forecast(i, model), range(32)), expected)  # one for all of them
    same(pool.map(forecast, range(32)), expected)  # each with its own
""")


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_processes(way, tmp_path):
    if way == "fork" and not hasattr(os, "fork"):
        pytest.skip("Windows does not fork")
    (tmp_path / "work.py").write_text(COMMON)
    several_threads.run(f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from multiprocessing import get_context
from work import forecast, same

if __name__ == "__main__":
    expected = [forecast(i) for i in range(4)]
    with get_context({way!r}).Pool(2) as pool:
        same(pool.map(forecast, range(4), chunksize=1), expected)
""")
