import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("fev", reason="needs the extra fev")
pytest.importorskip("statsmodels", reason="the demo reads series that come with statsmodels")
pytest.importorskip(
    "bokeh_sampledata", reason="the demo reads series that come with bokeh_sampledata"
)

from tests.benchmarks.gift_eval.conftest import write_set
from ttm_benchmarks.fev_tasks import tasks
from ttm_benchmarks.fev_tasks.run import SeasonalNaive
from ttm_estimators.backtest.seasonal_naive import seasonal_naive
from ttm_estimators.network.presets import DECILES


@pytest.fixture(scope="module")
def last_demo_series():
    return [one for one in tasks.demo_series() if one.name in ("inflation", "marriages")]


@pytest.fixture
def short_demo(monkeypatch, last_demo_series):
    monkeypatch.setattr(tasks, "demo_series", lambda: iter(last_demo_series))


def test_models_are_compared_with_seasonal_naive_on_local_tasks(
    bench, tmp_path, model_folder, short_demo
):
    code, text, error = bench("fev", "--output", tmp_path, "--model", model_folder)
    assert (code, error) == (0, "")
    assert all(name in text for name in ("inflation", "marriages", "sales", "skill score"))
    summaries = pd.read_csv(tmp_path / "summaries.csv")
    assert set(summaries["task_name"]) == {"inflation", "marriages", "sales"}
    assert summaries["test_error"].notna().all()
    errors = summaries.pivot(index="task_name", columns="model_name", values="test_error")
    ratio = errors[model_folder.name] / errors["seasonal_naive"]
    found = pd.read_csv(tmp_path / "leaderboard.csv", index_col="model")
    ours, naive = found.loc[model_folder.name], found.loc["seasonal_naive"]
    np.testing.assert_allclose(ours["skill_score"], 1 - np.exp(np.log(ratio).mean()))
    np.testing.assert_allclose(ours["win_rate"], (ratio < 1).mean())
    np.testing.assert_allclose(naive["win_rate"], (ratio > 1).mean())
    assert naive["skill_score"] == 0


def test_windows_lie_in_the_last_fifth_of_a_series(short_demo, tmp_path, last_demo_series):
    for task, series in zip(tasks.demo_tasks(tmp_path), last_demo_series, strict=False):
        assert task.num_windows * task.horizon <= len(series.values) / 5
        assert task.seasonality == series.season


def test_the_baseline_is_our_seasonal_naive(short_demo, tmp_path):
    task = next(tasks.demo_tasks(tmp_path))
    (first, *_) = SeasonalNaive().fit_predict(task)
    past, _ = next(iter(task.iter_windows())).get_input_data()
    point, quantiles = seasonal_naive(past[0]["target"], task.horizon, task.seasonality, DECILES)
    np.testing.assert_allclose(first["target"][0]["predictions"], point)
    np.testing.assert_allclose(first["target"][0]["0.9"], quantiles[:, -1])


def test_tasks_of_gift_eval_have_its_windows_and_dates(bench, tmp_path, model_folder):
    random = np.random.default_rng(0)
    write_set(tmp_path / "gift" / "hospital", "M", [*random.normal(20, 1, size=(2, 84))])
    write_set(tmp_path / "gift" / "ett1" / "W", "W-THU", [random.normal(size=(3, 100))])
    code, _, error = bench(
        *("fev", "--output", tmp_path / "out", "--model", model_folder),
        *("--gift-eval", tmp_path / "gift"),
    )
    assert (code, error) == (0, "")
    summaries = pd.read_csv(tmp_path / "out" / "summaries.csv")
    assert set(summaries["task_name"]) == {"hospital/M/short", "ett1/W/short"}
    weeks = summaries[summaries["task_name"] == "ett1/W/short"].iloc[0]
    assert (weeks["horizon"], weeks["num_windows"], weeks["num_forecasts"]) == (8, 2, 6)
    months = pd.read_parquet(tmp_path / "out" / "data" / "hospital" / "M" / "short")
    assert str(months["timestamp"][0][1]).startswith("2015-02-01")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("nothing: []", "can not be read as a benchmark of fev"),
        (json.dumps({"tasks": [{"dataset_path": "a.parquet", "horizon": -1}]}), "can not be read"),
        (json.dumps({"tasks": [{"dataset_path": "x/y/a.parquet"}]}), "no data at x/y/a.parquet"),
    ],
)
def test_a_benchmark_that_can_not_be_used_is_one_line(bench, tmp_path, written, message):
    (tmp_path / "tasks.yaml").write_text(written)
    code, _, error = bench("fev", "--output", tmp_path, "--benchmark", tmp_path / "tasks.yaml")
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


def test_a_benchmark_file_names_the_tasks(bench, tmp_path, model_folder):
    days = pd.date_range("2024-01-01", periods=90)
    frame = pd.DataFrame({"id": "a", "timestamp": days, "target": np.sin(np.arange(90) ** 2)})
    frame.to_parquet(tmp_path / "week.parquet")
    task = {"dataset_path": str(tmp_path / "week.parquet"), "horizon": 7, "seasonality": 7}
    (tmp_path / "tasks.yaml").write_text(json.dumps({"tasks": [{**task, "task_name": "week"}]}))
    code, text, _ = bench(
        *("fev", "--output", tmp_path / "out", "--model", model_folder),
        *("--benchmark", tmp_path / "tasks.yaml"),
    )
    assert code == 0
    assert "week" in text
