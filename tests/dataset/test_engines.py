"""The lines that the page of many series has for other engines, where these are installed."""

import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import ttm_estimators

PAGE = (Path(__file__).parents[2] / "docs" / "many_series.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FIRST = re.search(r"^```python\n(.*?)^manifest =", PAGE, re.MULTILINE | re.DOTALL)[1]


def block_of(engine):
    """The block that imports an engine."""
    (found,) = [block for block in BLOCKS if re.search(rf"^(import|from) {engine}\b", block, re.M)]
    return found


def test_the_blocks_that_no_test_of_pages_runs_are_python():
    for block in BLOCKS:
        compile(block, "docs/many_series.md", "exec")
    assert [bool(block_of(engine)) for engine in ("dask_kubernetes", "pyspark", "ray")]


@pytest.fixture
def sales(tmp_path, monkeypatch):
    """The folder ``sales`` of the page, and what ``forecast_df`` makes of its series."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    exec(FIRST, {})
    return ttm_estimators.load().forecast_df(pd.read_parquet("sales"), 28)


def check(folder, expected, columns):
    found = pd.read_parquet(folder)[columns].sort_values(["shop", "day"], ignore_index=True)
    expected = expected[columns].sort_values(["shop", "day"], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-4, atol=1e-4)


def test_the_lines_for_spark_run(sales, monkeypatch):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[1] pyspark-shell")
    names = {}
    exec(compile(block_of("pyspark"), "docs/many_series.md", "exec"), names)
    names["spark"].stop()
    check("spark_forecasts", sales, ["shop", "day", "median", "0.1", "0.9"])


def test_the_lines_for_ray_run(sales):
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=1, include_dashboard=False)
    try:
        exec(compile(block_of("ray"), "docs/many_series.md", "exec"), {})
    finally:
        ray.shutdown()
    check("ray_forecasts", sales, list(sales))
