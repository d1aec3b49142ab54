"""The ruler against published rows, where the real data and results are at hand."""

import csv
import os
from pathlib import Path

import pytest

from ttm_benchmarks.gift_eval.data import present_tasks
from ttm_benchmarks.gift_eval.evaluation import evaluate
from ttm_benchmarks.gift_eval.leaderboard import aggregate, read_scores
from ttm_benchmarks.gift_eval.predictors import find_model

POINT_METRICS = (
    *("MSE[mean]", "MSE[0.5]", "MAE[0.5]", "MASE[0.5]", "sMAPE[0.5]"),
    *("RMSE[mean]", "NRMSE[mean]", "ND[0.5]"),
)


pytestmark = pytest.mark.skipif(
    not {"GIFT_EVAL", "GIFT_EVAL_RESULTS"} <= os.environ.keys(),
    reason="GIFT_EVAL (data) and GIFT_EVAL_RESULTS (published results) name no folders",
)


@pytest.mark.parametrize("baseline", ["seasonal_naive", "naive"])
def test_baselines_equal_their_published_rows(baseline):
    data, results = Path(os.environ["GIFT_EVAL"]), Path(os.environ["GIFT_EVAL_RESULTS"])
    with (results / baseline / "all_results.csv").open() as file:
        published = {row["dataset"]: row for row in csv.DictReader(file)}
    model = find_model(baseline)
    for task in present_tasks(data):
        found = evaluate(data, task, model, batch_size=512, device="cpu", multivariate=False).scores
        expected = {k: float(published[task.name][f"eval_metrics/{k}"]) for k in POINT_METRICS}
        assert {k: found[k] for k in POINT_METRICS} == pytest.approx(expected, rel=1e-4), task.name


@pytest.mark.parametrize(
    ("model", "mase", "crps"),
    [
        ("tabpfn_ts", 0.729, 0.491),
        ("TTM-R2-Pretrained", 0.943, 0.785),
        ("TTM-R3-PT", 0.675, 0.458),
    ],
)
def test_published_rows_aggregate_to_known_means_on_34_tasks(model, mase, crps):
    tasks = present_tasks(Path(os.environ["GIFT_EVAL"]))
    if len(tasks) != 34:
        pytest.skip(f"the means are those of 34 tasks, and data of {len(tasks)} are there")
    results = Path(os.environ["GIFT_EVAL_RESULTS"])
    scores = {name: read_scores(results / name) for name in (model, "seasonal_naive")}
    board = aggregate(scores, "seasonal_naive", tasks)
    (found,) = board[(board["by"] == "overall") & (board["model"] == model)].itertuples()
    assert (round(found.MASE, 3), round(found.CRPS, 3)) == (mase, crps)
