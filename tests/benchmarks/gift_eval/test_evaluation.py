import sys
from statistics import mean

import numpy as np
import pytest
from gluonts.model import evaluate_model

from ttm_benchmarks.gift_eval.data import read_task
from ttm_benchmarks.gift_eval.evaluation import METRICS, evaluate, scores
from ttm_benchmarks.gift_eval.predictors import find_model
from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_gluonts import TTMPredictor

from .conftest import write_set

OPTIONS = {"batch_size": 16, "device": "cpu", "multivariate": False}


@pytest.mark.parametrize("name", ["hospital/M/short", "ett1/W/short"])
@pytest.mark.parametrize("multivariate", [False, True])
def test_scores_are_those_of_gluonts(gift, model_folder, name, multivariate):
    task = TASKS[name]
    data = read_task(gift, task, multivariate=multivariate)
    predictor = TTMPredictor(prediction_length=task.horizon, model=model_folder)
    theirs = evaluate_model(
        predictor, test_data=data.test, metrics=METRICS, seasonality=data.season
    )
    ours, _ = scores(predictor, data, batch_size=2)
    assert list(ours) == list(theirs.columns)
    np.testing.assert_allclose(list(ours.values()), theirs.iloc[0], rtol=1e-6)


def test_seasonal_naive_agrees_with_plain_arithmetic(gift):
    data = read_task(gift, TASKS["us_births/M/short"])
    absolute, squared, scaled, size = [], [], [], []
    for past, future in data.test:
        values = [float(value) for value in past["target"]]
        scale = mean(abs(b - a) for a, b in zip(values, values[12:], strict=False))
        for step, truth in enumerate(map(float, future["target"])):
            error = abs(truth - values[-12 + step % 12])
            absolute.append(error)
            squared.append(error**2)
            scaled.append(error / scale)
            size.append(abs(truth))
    model = find_model("seasonal_naive")
    found = evaluate(gift, TASKS["us_births/M/short"], model, **OPTIONS).scores
    assert len(absolute) == 24
    assert found["MAE[0.5]"] == pytest.approx(mean(absolute), rel=1e-5)
    assert found["MASE[0.5]"] == pytest.approx(mean(scaled), rel=1e-5)
    assert found["MSE[mean]"] == pytest.approx(mean(squared), rel=1e-5)
    assert found["RMSE[mean]"] == pytest.approx(mean(squared) ** 0.5, rel=1e-5)
    assert found["ND[0.5]"] == pytest.approx(sum(absolute) / sum(size), rel=1e-5)
    # All quantiles are the point, so the loss over levels that are symmetric is the error's.
    assert found["mean_weighted_sum_quantile_loss"] == pytest.approx(found["ND[0.5]"], rel=1e-5)


def test_variates_together_score_as_variates_apart(gift, model_folder):
    model, task = find_model(str(model_folder)), TASKS["ett1/W/short"]
    apart = evaluate(gift, task, model, **OPTIONS).scores
    together = evaluate(gift, task, model, **{**OPTIONS, "multivariate": True}).scores
    assert together == pytest.approx(apart, rel=1e-5)


@pytest.mark.filterwarnings("ignore:item 'item_1' is all missing:UserWarning")
def test_windows_whose_history_is_missing_do_not_fail_the_task(tmp_path, model_folder):
    series = 20 + np.random.default_rng(0).normal(size=(3, 240)).cumsum(axis=1)
    series[1, :220] = np.nan  # nothing is known yet when the windows begin
    series[2, 30:] = np.nan  # nothing has been known for longer than the context
    write_set(tmp_path / "hospital", "M", list(series))
    for model in (str(model_folder), "seasonal_naive"):
        found = evaluate(tmp_path, TASKS["hospital/M/short"], find_model(model), **OPTIONS).scores
        assert np.isfinite(list(found.values())).all()


def test_when_memory_runs_out_the_batch_is_halved_until_it_fits(gift, predictors):
    task = TASKS["hospital/M/short"]
    found = evaluate(gift, task, find_model(f"{predictors}.NeedsMemory"), **OPTIONS).scores
    assert sys.modules[predictors].NeedsMemory.tried == [16, 8, 4, 2, 2]  # the last for the example
    expected = evaluate(gift, task, find_model(f"{predictors}.Zero"), **OPTIONS).scores
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("FailsOnWeeks", RuntimeError, "no weeks today"),
        ("NotANumber", ValueError, "NaN"),
        ("Forgetful", ValueError, "shorter"),
    ],
)
def test_a_failing_or_incomplete_forecast_is_an_error(gift, predictors, name, error, message):
    with pytest.raises(error, match=message):
        evaluate(gift, TASKS["ett1/W/short"], find_model(f"{predictors}.{name}"), **OPTIONS)
