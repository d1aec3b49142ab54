import time
from pathlib import Path

import numpy as np
import pytest

from ttm_benchmarks.gift_eval.evaluation import evaluate
from ttm_benchmarks.gift_eval.predictors import find_model
from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_benchmarks.tabpfn_comparison.measure import Stopwatch, measure, peak_memory


class Slow:
    """Takes a while for each forecast, and as long to end."""

    prediction_length = 1

    def predict(self, dataset):
        for entry in dataset:
            time.sleep(0.02)
            yield entry
        time.sleep(0.02)


@pytest.mark.parametrize("task", ["hospital/M/short", "ett1/W/short"])
def test_scores_are_those_of_the_gift_eval_runner(gift: Path, model_folder, task):
    model = find_model(str(model_folder))
    options = {"batch_size": 8, "device": "cpu"}
    measured = measure(gift, TASKS[task], model=model, **options)
    expected = evaluate(gift, TASKS[task], model=model, multivariate=False, **options)
    assert measured.scores == expected
    windows = {"hospital/M/short": 2 * 1, "ett1/W/short": 3 * 2}
    assert measured.series == windows[task]
    assert measured.seconds > 0
    assert measured.peak_memory > 10**7


def test_only_the_time_within_the_predictor_counts():
    watch = Stopwatch(Slow())
    for _ in watch.predict(range(3)):
        time.sleep(0.05)
    assert watch.series == 3
    assert 4 * 0.02 <= watch.seconds < 0.15


def test_memory_that_came_and_went_is_seen():
    with peak_memory() as memory:
        before = memory[0]
        block = np.ones(20_000_000)  # 160 MB
        time.sleep(0.3)
        del block
    assert memory[0] > before + 100_000_000
