import re
from pathlib import Path

import pandas as pd
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sktime.md"


def test_the_python_of_the_page_runs_and_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    assert names["point"].index[-1] == pd.Period("1961-12", "M")
    assert names["interval"].shape == (12, 4)
    assert names["quantiles"].shape == (12, 3)
    assert names["forecast"].loc["north"].index[0] == pd.Timestamp("2024-04-10")
    assert names["forecast"].loc["south"].index[0] == pd.Timestamp("2024-03-01")
    assert names["forecast_of_gappy"].notna().all()
    assert names["scores"]["test_PinballLoss"].notna().all()
    pd.testing.assert_series_equal(names["again"], names["after"])


def test_the_table_of_tags_is_that_of_the_installed_sktime():
    tags = pytest.importorskip("ttm_benchmarks.sktime_tags")
    page = PAGE.read_text(encoding="utf-8")
    assert tags.written_into(page) == page
