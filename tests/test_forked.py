import os
import subprocess
import sys

import pytest

from tests import several_threads

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")

COMMON = """
import multiprocessing
import numpy as np
import ttm_estimators

series = [20 + 5 * np.sin(np.arange(600) * i / 7) for i in range(1, 9)]

def in_children(work):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(work, range(2), chunksize=1)
"""

FORECASTS = """
model = ttm_estimators.load()

def forecast(_):
    return model.forecast(series, 48).point
"""

TUNES = """
settings = ttm_estimators.FineTuneConfig(
    strategy="full", steps=2, windows=8, batch_size=4, learning_rate=1e-3
)
network = ttm_estimators.load().network

def tune(_):
    short = [one[:200] for one in series[:2]]
    tuned = ttm_estimators.fine_tune(network, short, settings, horizon=48, accelerator="cpu")
    return tuned.zero_shot_loss
"""


@needs_fork
@pytest.mark.parametrize("before", ["", "forecast(0)"], ids=["at once", "after a forecast"])
def test_forked_children_forecast(before):
    several_threads.run(f"""
{COMMON}
{FORECASTS}
{before}
for points in in_children(forecast):
    np.testing.assert_allclose(points, forecast(0), rtol=1e-5)
""")


@needs_fork
def test_forked_children_fine_tune_after_their_parent_did():
    pytest.importorskip("lightning", reason="training needs the extra train")
    several_threads.run(f"""
{COMMON}
{TUNES}
expected = tune(0)
np.testing.assert_allclose(in_children(tune), expected, rtol=1e-5)
""")


@needs_fork
def test_forked_children_have_one_thread_and_their_parent_keeps_its_own():
    printed = several_threads.run(f"""
{COMMON}
def threads(_):
    return torch.get_num_threads()

print(set(in_children(threads)), torch.get_num_threads())
""")
    assert printed.split() == ["{1}", "2"]


@needs_fork
def test_a_child_of_a_process_without_torch_has_none_either():
    code = """
import multiprocessing, sys
import ttm_estimators

def loaded(_):
    return "torch" in sys.modules

with multiprocessing.get_context("fork").Pool(1) as pool:
    assert pool.map(loaded, [0]) == [False]
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
