"""``python -m gluonts.shell train|serve`` finds and runs our classes."""

import json
from contextlib import nullcontext

import numpy as np
import pytest
from gluonts.core import fqname_for
from gluonts.dataset.common import ListDataset
from gluonts.dataset.jsonl import JsonLinesWriter
from gluonts.model.predictor import Predictor
from gluonts.shell.env import ServeEnv, TrainEnv
from gluonts.shell.train import run_train_and_test
from gluonts.shell.util import forecaster_type_by_name

from tests.gluonts.conftest import entries
from ttm_gluonts import TTMPredictor

pytest.importorskip("flask", reason="needs the extra shell of gluonts")

INSTANCE = {"start": "2024-01-01", "target": [1.0, 2.0, 3.0] * 20}
CONFIGURATION = {"freq": "h", "quantiles": ["0.1", "0.9"], "output_types": ["quantiles"]}


@pytest.fixture
def job(tmp_path, model_folder):
    """Lay out a training job as the shell finds it, with hyperparameters as text."""

    def lay_out(rows=(), **hyperparameters):
        texts = {"freq": "h", "model": str(model_folder), "prediction_length": "5"}
        config = tmp_path / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps({**texts, **hyperparameters}))
        for channel in ("train", "test"):
            data = ListDataset(rows or entries(80, 60), freq="h")
            folder = tmp_path / "input" / "data" / channel
            folder.mkdir(parents=True)
            JsonLinesWriter().write_to_folder(data, folder)
        return tmp_path

    return lay_out


def ask(folder, forecaster_type=None, **configuration):
    """Ask a server for quantiles, without a network."""
    from gluonts.shell.serve import Settings, make_flask_app

    app = make_flask_app(ServeEnv(folder), forecaster_type, Settings())
    request = {"instances": [INSTANCE], "configuration": {**CONFIGURATION, **configuration}}
    response = app.test_client().post("/invocations", json=request)
    assert response.status_code == 200, response.text
    return response.json["predictions"][0]["quantiles"]


@pytest.mark.parametrize("name", ["TTMPredictor", "TTMEstimator"])
def test_classes_are_found_by_public_and_full_path(name):
    found = forecaster_type_by_name(f"ttm_gluonts.{name}")
    assert found.__name__ == name
    assert forecaster_type_by_name(fqname_for(found)) is found


def test_a_predictor_is_made_of_hyperparameters_and_ignores_others(model_folder):
    predictor = TTMPredictor.from_inputs(
        entries(20), prediction_length="5", model=str(model_folder), freq="h", context_length=9
    )
    assert (predictor.prediction_length, predictor.batch_size) == (5, 256)


def test_a_predictor_goes_through_training_and_serving(job, predictor):
    folder = job()
    run_train_and_test(TrainEnv(folder), forecaster_type_by_name("ttm_gluonts.TTMPredictor"))
    answer = ask(folder)
    (forecast,) = predictor.predict(ListDataset([dict(INSTANCE)], freq="h"))
    for level in ("0.1", "0.9"):
        np.testing.assert_allclose(answer[level], forecast.quantile(level), atol=1e-6)


def test_a_server_makes_a_predictor_of_each_request(tmp_path, model_folder):
    answer = ask(
        tmp_path,
        forecaster_type_by_name("ttm_gluonts.TTMPredictor"),
        prediction_length=3,
        model=str(model_folder),
    )
    assert [len(row) for row in answer.values()] == [3, 3]


def test_an_estimator_is_trained_and_served(job):
    folder = job(
        fine_tuning='{"steps": 3, "batch_size": 4}', trainer_kwargs='{"accelerator": "cpu"}'
    )
    run_train_and_test(TrainEnv(folder), forecaster_type_by_name("ttm_gluonts.TTMEstimator"))
    answer = ask(folder)
    assert np.isfinite(answer["0.9"]).all()
    assert len(answer["0.9"]) == 5


@pytest.mark.parametrize("declared", [{}, {"num_feat_dynamic_real": "0"}])
def test_covariates_of_a_training_job_are_inferred_unless_declared(job, declared):
    rows = [{**row, "feat_dynamic_real": [[*row["target"]]]} for row in entries(80, 60)]
    folder = job(rows, fine_tuning='{"steps": 3, "batch_size": 4}', **declared)
    told = pytest.warns(UserWarning, match="feat_dynamic_real") if declared else nullcontext()
    with told:
        run_train_and_test(TrainEnv(folder), forecaster_type_by_name("ttm_gluonts.TTMEstimator"))
    predictor = Predictor.deserialize(folder / "model")
    assert predictor.declared["feat_dynamic_real"] == (0 if declared else 1)
    assert (folder / "model" / "agg_metrics.json").exists()
