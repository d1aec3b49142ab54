import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.gift_eval.coverage import MidCoverage, describe, read_coverage, write_coverage
from ttm_estimators.network.presets import DECILES


def test_what_equals_a_quantile_lies_under_it_by_half():
    data = {"label": np.array([[0.0, 0.0, 1.0, 2.0]]), "0.9": np.array([[0.0, 0.5, 0.5, 3.0]])}
    metric = MidCoverage(0.9)()
    metric.update(data)
    assert (metric.name, metric.get()) == ("coverage[0.9]", (0.5 + 1 + 0 + 1) / 4)


def test_missing_truth_does_not_count():
    label = np.ma.masked_invalid([[np.nan, 1.0]])
    metric = MidCoverage(0.5)()
    metric.update({"label": label, "0.5": np.array([[0.0, 2.0]])})
    assert metric.get() == 1


def test_what_is_written_is_read(tmp_path):
    tasks = {"ett1/W/short": {level: level**2 for level in DECILES}}
    write_coverage(tmp_path, tasks)
    assert read_coverage(tmp_path) == tasks


def test_nothing_is_read_where_nothing_was_written(tmp_path):
    assert read_coverage(tmp_path) == {}


def test_the_description_tells_the_band_and_the_worst_decile():
    exact = {level: level for level in DECILES}
    told = describe({"a": exact, "b": {**exact, 0.9: 0.8, 0.7: 0.68}})
    assert "covers 75.0 %" in told
    assert "2 tasks" in told
    assert "is 0.9, under which lie 85.0 %" in told


def test_a_run_writes_the_share_of_the_truth_under_each_quantile(bench, gift, tmp_path):
    options = ("--output", tmp_path / "out", "--model", "naive", "--tasks", "us_births/*")
    code, shown, error = bench("gift-eval", "--data", gift, *options)
    assert (code, error) == (0, "")
    assert "The 80 % band covers" in shown
    table = pd.read_csv(tmp_path / "out" / "coverage.csv")
    assert list(table["dataset"]) == ["us_births/M/short"]
    shares = table.drop(columns="dataset").to_numpy()
    assert shares == pytest.approx(np.sort(shares))
    assert 0 <= shares.min() <= shares.max() <= 1
