import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from gluonts.core.serde import dump_json, load_json
from gluonts.dataset.common import ListDataset
from gluonts.model.estimator import IncrementallyTrainable
from gluonts.model.predictor import Predictor
from gluonts.model.trivial.mean import MeanPredictor
from gluonts.torch.model.estimator import PyTorchLightningEstimator

from tests.gluonts.conftest import entries
from tests.tiny import TINY
from ttm_gluonts import TTMEstimator, TTMPredictor

SHORT = {"steps": 4, "batch_size": 8, "learning_rate": 1e-2}
RECIPE = {"steps": 4, "batch_size": 8, "warmup_steps": 2}
ROOT = Path(__file__).parents[2]


def make(model_folder, **changes):
    arguments = {"prediction_length": 5, "trainer_kwargs": {"accelerator": "cpu"}}
    if "network" in changes:
        arguments |= {"recipe": RECIPE}
    else:
        arguments |= {"model": model_folder, "fine_tuning": SHORT}
    return TTMEstimator(**{**arguments, **changes})


@pytest.fixture
def waves():
    rows = [
        {"item_id": f"w{i}", "start": "2024-01-01", "target": np.sin(np.arange(n) / 4 + i)}
        for i, n in enumerate((150, 90, 200))
    ]
    return ListDataset(rows, freq="h")


def error(predictor, rows):
    cut = [{**row, "target": row["target"][:-5]} for row in rows]
    pairs = zip(predictor.predict(cut), rows, strict=True)
    return np.mean([np.abs(f.mean - row["target"][-5:]) for f, row in pairs])


def test_it_is_an_estimator_of_gluonts(model_folder):
    estimator = make(model_folder)
    assert isinstance(estimator, PyTorchLightningEstimator)
    assert isinstance(estimator, IncrementallyTrainable)


def test_training_from_weights_improves_on_them(model_folder, waves):
    settings = {"steps": 80, "batch_size": 16, "learning_rate": 1e-2, "head_dropout": 0.0}
    trained = make(model_folder, fine_tuning=settings).train(waves)
    assert isinstance(trained, TTMPredictor)
    untrained = TTMPredictor(prediction_length=5, model=model_folder)
    assert error(trained, waves) < 0.4 * error(untrained, waves)


def test_a_network_is_trained_from_scratch(model_folder, waves):
    fields = make(model_folder, network=asdict(TINY)).train(waves, waves)
    assert fields.forecaster.config == TINY
    (forecast, *_) = fields.predict(waves)
    assert np.isfinite(forecast.forecast_array).all()


def test_a_preset_names_a_network(model_folder):
    assert make(model_folder, network="ttm_512_96").create_network().config.horizon == 96


def test_training_goes_on_from_a_predictor_which_stays_as_it_is(forecaster, model_folder, waves):
    first = TTMPredictor(prediction_length=5, model=forecaster.network)
    zero_shot = TTMPredictor(prediction_length=5, model=model_folder)
    estimator = make(model_folder, fine_tuning={**SHORT, "steps": 20})
    second = estimator.train_from(first, waves)
    assert first == zero_shot != second
    assert estimator.train_from(first, training_data=waves, validation_data=waves) != first
    with pytest.raises(TypeError, match="TTMPredictor, not MeanPredictor"):
        estimator.train_from(MeanPredictor(prediction_length=5), waves)


def test_a_seed_makes_training_repeat_exactly(model_folder, waves):
    scratch = {"network": asdict(TINY)}
    first, again, other = (
        make(model_folder, recipe={**RECIPE, "seed": seed}, **scratch).train(waves)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_an_estimator_trains_twice_alike(model_folder, waves):
    from lightning.pytorch.callbacks import Callback

    class Count(Callback):
        fits = 0

        def on_fit_start(self, trainer, pl_module):
            Count.fits += 1

    kwargs = {"accelerator": "cpu", "callbacks": [Count()], "max_epochs": 1}
    estimator = make(model_folder, trainer_kwargs=kwargs)
    assert estimator.train(waves) == estimator.train(waves)
    assert Count.fits == 2
    assert kwargs.keys() == {"accelerator", "callbacks", "max_epochs"}


def test_a_trained_predictor_can_be_written_and_read(model_folder, waves, tmp_path):
    predictor = make(model_folder, lead_time=2, predictor_kwargs={"forecast_keys": ["0.3"]}).train(
        waves
    )
    predictor.serialize(tmp_path)
    copy = Predictor.deserialize(tmp_path)
    assert copy == predictor
    assert (copy.lead_time, copy.forecast_keys) == (2, ["0.3", "mean"])
    for one, other in zip(predictor.predict(waves), copy.predict(waves), strict=True):
        np.testing.assert_array_equal(one.forecast_array, other.forecast_array)


def test_an_estimator_can_be_written_and_read(model_folder):
    estimator = make(model_folder, network=asdict(TINY))
    copy = load_json(dump_json(estimator))
    assert (copy.config, copy.recipe) == (estimator.config, estimator.recipe)
    tuning = make(model_folder, fine_tuning={"strategy": "bias"})
    assert load_json(dump_json(tuning)).fine_tuning == tuning.fine_tuning


def test_variates_are_series_of_their_own(model_folder, multivariate):
    apart = [
        {"start": entry["start"], "target": row}
        for entry in multivariate
        for row in entry["target"]
    ]
    assert make(model_folder).train(multivariate) == make(model_folder).train(apart)


def test_nothing_is_written_or_said(model_folder, waves, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    make(model_folder).train(waves, waves)
    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def test_validation_series_that_are_too_short_stop_no_training_from_scratch(waves):
    estimator = make(None, network=asdict(TINY))
    short = [{"start": waves[0]["start"], "target": waves[0]["target"][:1]}]
    assert estimator.train(waves, validation_data=short).forecaster


def test_variates_see_each_other_when_they_are_mixed(model_folder, multivariate):
    tuned = make(model_folder, fine_tuning={**SHORT, "mix_channels": True}).train(multivariate)
    assert tuned.forecaster.config.mix_channels
    assert [f.forecast_array.shape for f in tuned.predict(multivariate)] == [(6, 5, 2)] * 3


@pytest.mark.parametrize(
    ("target", "message"),
    [([1.0, np.inf, 1.0], "item 's0' holds infinity"), ([1.0], "no series has the two points")],
)
def test_data_that_can_not_be_trained_on_is_refused(model_folder, target, message):
    rows = [{**entries(9)[0], "target": np.array(target)}]
    with pytest.raises(ValueError, match=message):
        make(model_folder).train(rows)


@pytest.mark.parametrize("start", [{}, {"network": asdict(TINY)}])
@pytest.mark.parametrize("wrong", [1, 3])
def test_an_item_of_the_validation_data_is_named_as_such(model_folder, start, wrong):
    validation = [{**row, "item_id": f"v{i}"} for i, row in enumerate(entries(40, 50, 60, 70))]
    validation[wrong]["target"] = np.where(np.arange(40 + 10 * wrong) == 9, np.inf, 1.0)
    with pytest.raises(ValueError, match=f"^validation item 'v{wrong}' holds infinity"):
        make(model_folder, **start).train(entries(90, 80), validation)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "some", "network": "ttm_512_96"}, "give model"),
        ({"fine_tuning": {}, "network": "ttm_512_96"}, "give model and fine_tuning"),
        ({"recipe": {"steps": 5}}, "recipe is for a new network"),
        ({"fine_tuning": {"strategy": "tail"}}, "strategy must be one of"),
        ({"network": "nonesuch"}, "unknown preset 'nonesuch'"),
        ({"network": {"horizons": 3}}, "horizons"),
        ({"network": "ttm_512_96", "recipe": {"steps": 0}}, "steps"),
        ({"network": "ttm_512_96", "recipe": {"step": 5}}, "step"),
        ({"prediction_length": 0}, "prediction_length"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TTMEstimator(**{"prediction_length": 5, **arguments})


def test_two_processes_train_on_windows_of_their_own_and_agree(model_folder, tmp_path):
    folders = [str(ROOT), str(ROOT / "adapters")]
    subprocess.run(
        [sys.executable, Path(__file__).with_name("two_processes.py"), model_folder, tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=300,
    )
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert first["backend"] == second["backend"] == "gloo"
    windows = [{row.numpy().tobytes() for row in each["windows"]} for each in (first, second)]
    assert [len(each) for each in windows] == [32, 32]  # 4 steps of 8
    assert windows[0].isdisjoint(windows[1])
    torch.testing.assert_close(first["weights"], second["weights"], rtol=0, atol=0)
