import copy
import pickle

import torch

from tests.forecasting.conftest import make_forecaster
from tests.sktime.conftest import series
from ttm_estimators import save_network
from ttm_sktime import TTMForecaster
from ttm_sktime.shared import shared_forecaster


def test_weights_are_loaded_once_in_a_process(model):
    assert shared_forecaster(model, "cpu") is shared_forecaster(model, "cpu")
    assert shared_forecaster(None, "cpu") is shared_forecaster(None, "cpu")


def test_a_folder_that_is_written_anew_is_loaded_anew(tmp_path):
    save_network(make_forecaster().network, tmp_path)
    before = shared_forecaster(tmp_path, "cpu")
    save_network(make_forecaster(hidden_size=24).network, tmp_path)
    assert shared_forecaster(tmp_path, "cpu").config.hidden_size == 24
    assert before.config.hidden_size == 16


def test_copies_share_their_network_and_pickles_carry_it(model):
    forecaster = shared_forecaster(model, "cpu")
    assert copy.deepcopy(forecaster) is forecaster
    again = pickle.loads(pickle.dumps(forecaster))
    assert all(
        torch.equal(weight, other)
        for weight, other in zip(
            forecaster.network.parameters(), again.network.parameters(), strict=True
        )
    )


def test_two_hundred_fitted_clones_of_the_default_model_are_small():
    forecaster = TTMForecaster().fit(series(500))
    clones = [forecaster.clone().fit(series(500)) for _ in range(200)]
    assert len({id(clone._forecaster().network) for clone in clones}) == 1
    assert sum(len(pickle.dumps(clone)) for clone in clones) < 20e6


def test_pretrained_clones_share_what_was_trained(forecaster, panel):
    forecaster.pretrain(panel)
    assert forecaster.clone().forecaster_ is forecaster.forecaster_
    assert len(pickle.dumps(TTMForecaster(forecaster.model).fit(series(30)))) < 10_000
