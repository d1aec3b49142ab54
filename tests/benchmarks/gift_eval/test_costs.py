import time

import numpy as np
import pytest

from ttm_benchmarks.gift_eval import costs
from ttm_benchmarks.gift_eval.costs import (
    Costs,
    Stopwatch,
    add_costs,
    peak_memory,
    read_costs,
)
from ttm_benchmarks.gift_eval.evaluation import evaluate
from ttm_benchmarks.gift_eval.predictors import find_model
from ttm_benchmarks.gift_eval.tasks import TASKS


class Slow:
    """Takes two seconds of a clock for each forecast, and one to end."""

    prediction_length = 1

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock

    def predict(self, dataset):
        for entry in dataset:
            self.clock[0] += 2
            yield entry
        self.clock[0] += 1


@pytest.mark.parametrize(("name", "series"), [("hospital/M/short", 3), ("ett1/W/short", 3 * 2)])
def test_a_task_costs_time_and_memory_for_each_window(gift, model_folder, name, series):
    options = {"batch_size": 8, "device": "cpu", "multivariate": False}
    found = evaluate(gift, TASKS[name], find_model(str(model_folder)), **options).costs
    assert found.series == series
    assert found.seconds > 0
    assert found.peak_memory_mb > 10


def test_costs_of_tasks_are_kept_beside_each_other(tmp_path):
    assert read_costs(tmp_path).empty
    add_costs(tmp_path, "one", Costs(3, 1.5, 100.0))
    add_costs(tmp_path, "two", Costs(2, 0.5, 50.0))
    add_costs(tmp_path, "one", Costs(3, 2.5, 100.0))
    table = read_costs(tmp_path)
    assert list(table.index) == ["one", "two"]
    assert table.loc["one"].tolist() == [3, 2.5, 100.0]


def test_only_the_time_within_the_predictor_counts(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(costs, "perf_counter", lambda: clock[0])
    watch = Stopwatch(Slow(clock))
    for _ in watch.predict(range(3)):
        clock[0] += 100
    assert watch.series == 3
    assert watch.seconds == 3 * 2 + 1


def test_memory_that_came_and_went_is_seen():
    with peak_memory() as memory:
        before = memory[0]
        block = np.ones(20_000_000)  # 160 MB
        time.sleep(0.3)
        del block
    assert memory[0] > before + 100_000_000
