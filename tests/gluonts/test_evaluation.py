"""GluonTS's tools for evaluation take the predictor as it is."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from gluonts.dataset.split import split
from gluonts.ev.metrics import MAE, MASE, MSE, MSIS, MeanWeightedSumQuantileLoss
from gluonts.evaluation import (
    Evaluator,
    MultivariateEvaluator,
    backtest_metrics,
    make_evaluation_predictions,
)
from gluonts.model import evaluate_forecasts, evaluate_model
from gluonts.model.predictor import ParallelizedPredictor, Predictor

from ttm_gluonts import TTMPredictor

METRICS = [MSE(), MAE(), MASE(), MSIS(), MeanWeightedSumQuantileLoss([0.1, 0.25, 0.5, 0.9])]


@pytest.fixture
def test_data(hourly):
    _, template = split(hourly, offset=-15)
    return template.generate_instances(prediction_length=5, windows=3)


def mae_by_hand(forecasts, test_data):
    pairs = zip(forecasts, test_data.label, strict=True)
    return np.mean([np.abs(f.median - label["target"]) for f, label in pairs])


def test_evaluate_model(predictor, test_data):
    table = evaluate_model(predictor, test_data=test_data, metrics=METRICS)
    assert np.isfinite(table.to_numpy(dtype=float)).all()
    expected = mae_by_hand(predictor.predict(test_data.input), test_data)
    np.testing.assert_allclose(table["MAE[0.5]"].item(), expected, rtol=1e-6)


def test_evaluate_model_with_variates(predictor, multivariate):
    _, template = split(multivariate, offset=-5)
    instances = template.generate_instances(prediction_length=5)
    table = evaluate_model(predictor, test_data=instances, metrics=METRICS)
    assert np.isfinite(table.to_numpy(dtype=float)).all()
    labels = [label["target"].T for label in instances.label]
    errors = [
        np.abs(f.median - label)
        for f, label in zip(predictor.predict(instances.input), labels, strict=True)
    ]
    np.testing.assert_allclose(table["MAE[0.5]"].item(), np.mean(errors), rtol=1e-6)


def test_evaluate_forecasts(predictor, test_data):
    forecasts = predictor.predict(test_data.input)
    table = evaluate_forecasts(forecasts, test_data=test_data, metrics=METRICS)
    expected = evaluate_model(predictor, test_data=test_data, metrics=METRICS)
    np.testing.assert_allclose(table.to_numpy(dtype=float), expected.to_numpy(dtype=float))


def test_rolling_windows_start_one_after_another(predictor, test_data):
    starts = [forecast.start_date for forecast in predictor.predict(test_data.input)]
    assert starts == [label["start"] for label in test_data.label]
    assert starts[1] - starts[0] == 5 * starts[0].freq


def test_backtest_metrics(predictor, hourly):
    evaluator = Evaluator(quantiles=(0.1, 0.5, 0.9), num_workers=0)
    totals, each = backtest_metrics(hourly, predictor, evaluator=evaluator)
    assert len(each) == len(hourly)
    assert np.isfinite(totals["mean_wQuantileLoss"])


@pytest.mark.parametrize("samples", [None, 50])
@pytest.mark.parametrize("lead_time", [0, 2])
def test_make_evaluation_predictions(model_folder, hourly, samples, lead_time):
    predictor = TTMPredictor(
        prediction_length=5, model=model_folder, lead_time=lead_time, num_samples=samples
    )
    forecasts, truths = make_evaluation_predictions(hourly, predictor=predictor, num_samples=60)
    forecasts, truths = list(forecasts), list(truths)
    for forecast, truth in zip(forecasts, truths, strict=True):
        # The last five points are forecast, from data that ends lead_time before them.
        assert list(forecast.index) == list(truth.index[-5:])
        assert getattr(forecast, "num_samples", samples) == (samples and 60)
    totals, each = Evaluator(num_workers=0)(truths, forecasts, num_series=len(forecasts))
    assert len(each) == len(hourly)
    assert np.isfinite(totals["MASE"])


def test_multivariate_evaluator(predictor, multivariate):
    forecasts, truths = make_evaluation_predictions(multivariate, predictor=predictor)
    evaluator = MultivariateEvaluator(quantiles=(0.1, 0.5, 0.9), num_workers=0)
    totals, each = evaluator(truths, forecasts, num_series=len(multivariate))
    assert len(each) == 2 * len(multivariate)
    assert np.isfinite([totals["0_MASE"], totals["1_MASE"]]).all()


def test_parallelized_predictor(predictor, hourly):
    parallel = ParallelizedPredictor(predictor, num_workers=2, chunk_size=1)
    expected = list(predictor.predict(hourly))
    for one, other in zip(parallel.predict(hourly), expected, strict=True):
        assert (one.item_id, one.start_date) == (other.item_id, other.start_date)
        np.testing.assert_allclose(one.forecast_array, other.forecast_array, atol=1e-5)


def work(folder: Path) -> None:
    Predictor.deserialize(folder)
    torch.rand(2000, 2000).exp()


def test_a_forked_worker_does_not_wait_for_threads_of_its_parent(predictor, tmp_path):
    predictor.serialize(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.rand(2000, 2000).exp()
    worker = multiprocessing.get_context("fork").Process(target=work, args=(tmp_path,))
    worker.start()
    worker.join(timeout=30)
    torch.set_num_threads(threads)
    worker.kill()
    assert worker.exitcode == 0
