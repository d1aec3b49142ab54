import pytest
import torch

from ttm_benchmarks.gift_eval.predictors import find_model, make_predictor
from ttm_estimators import TinyTimeMixer, load_network, save_network
from ttm_estimators.weights import DEFAULT

TASK = {
    "training": (),
    "horizon": 8,
    "frequency": "W-THU",
    "season": 4,
    "batch_size": 16,
    "device": "cpu",
    "multivariate": False,
}


def test_a_weights_folder_is_called_as_it_is_and_tells_its_size(model_folder):
    model = find_model(str(model_folder))
    assert model.name == model_folder.name
    network = load_network(model_folder)
    assert model.about["parameters"] == sum(p.numel() for p in network.parameters())
    assert make_predictor(model, **TASK).prediction_length == 8


def test_a_shipped_model_goes_by_its_name_and_is_the_default():
    model = find_model(DEFAULT)
    assert find_model(None) == model
    assert model.name == DEFAULT
    assert (model.about["model_type"], model.about["testdata_leakage"]) == ("zero-shot", "No")


def test_other_weights_are_another_model_even_of_the_same_name(model_folder, tmp_path):
    torch.manual_seed(1)
    config = load_network(model_folder).config
    other = save_network(TinyTimeMixer(config), tmp_path / model_folder.name)
    again = save_network(load_network(model_folder), tmp_path / "copy")
    ours = find_model(str(model_folder)).identity
    assert find_model(str(again)).identity == ours
    assert find_model(str(other)).identity != ours


def test_a_class_gets_those_facts_of_the_task_that_it_takes(predictors):
    model = find_model(f"{predictors}.NeedsMemory")
    predictor = make_predictor(model, **TASK)
    assert model.name == "NeedsMemory"
    assert (predictor.prediction_length, predictor.batch_size) == (8, 16)


def test_a_class_that_needs_something_else_is_refused_by_name(predictors):
    with pytest.raises(ValueError, match="Needy needs checkpoint, which"):
        make_predictor(find_model(f"{predictors}.Needy"), **TASK)


@pytest.mark.parametrize("text", ["nothing", "no.such.Class", "pathlib.Path", "torch.nn"])
def test_what_is_no_model_is_refused_with_what_there_is(text):
    with pytest.raises(ValueError, match=r"unknown model '.*seasonal_naive.*dotted path"):
        find_model(text)


def test_baselines_do_not_forecast_variates_together():
    with pytest.raises(ValueError, match="leave out --multivariate"):
        make_predictor(find_model("naive"), **{**TASK, "multivariate": True})
