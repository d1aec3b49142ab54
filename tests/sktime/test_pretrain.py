import numpy as np
import pandas as pd
import pytest
import torch
from sktime.exceptions import NotFittedError
from sktime.forecasting.model_evaluation import evaluate
from sktime.split import ExpandingWindowSplitter

from tests.sktime.conftest import NETWORK, QUICK, RECIPE, panel_of, series
from ttm_sktime import TTMForecaster


def weights(forecaster):
    return torch.nn.utils.parameters_to_vector(forecaster._forecaster().network.parameters())


@pytest.fixture
def panel():
    """Series with windows enough to tell a gain from luck."""
    return panel_of({f"shop {i}": series(150, i) for i in range(6)})


def test_pretraining_changes_a_copy_of_the_weights(forecaster, panel):
    before = weights(forecaster)
    forecaster.pretrain(panel)
    assert forecaster.state == "pretrained"
    assert not torch.equal(weights(forecaster), before)
    assert torch.equal(weights(TTMForecaster(forecaster.model)), before)


def test_pretraining_survives_refits(forecaster, panel):
    zero_shot = forecaster.clone().fit(series(40)).predict(fh=[1])
    trained = weights(forecaster.pretrain(panel))
    first = forecaster.fit(series(40)).predict(fh=[1])
    again = forecaster.fit(series(30, 3)).fit(series(40)).predict(fh=[1])
    assert torch.equal(weights(forecaster), trained)
    pd.testing.assert_series_equal(first, again)
    assert not np.allclose(first, zero_shot)


def test_pretraining_again_goes_on(forecaster, panel):
    once = weights(forecaster.pretrain(panel))
    twice = weights(forecaster.pretrain(panel))
    assert not torch.equal(once, twice)
    assert list(forecaster.get_pretrained_params()) == ["forecaster_"]


def test_pretraining_after_a_fit_is_kept(forecaster, panel):
    forecaster.fit(series(40)).pretrain(panel)
    trained = weights(forecaster)
    assert torch.equal(weights(forecaster.clone()), trained)
    assert torch.equal(weights(forecaster.fit(series(40))), trained)


def test_a_pretrained_forecaster_must_be_fitted(forecaster, panel):
    with pytest.raises(NotFittedError):
        forecaster.pretrain(panel).predict(fh=[1])


def test_evaluate_uses_what_was_pretrained(forecaster, panel):
    forecaster.pretrain(panel)
    cv = ExpandingWindowSplitter(fh=[1, 2], initial_window=30, step_length=8)
    found = evaluate(forecaster, cv, series(40), return_data=True)["y_pred"].iloc[0]
    expected = forecaster.fit(series(40).iloc[:30]).predict(fh=[1, 2])
    np.testing.assert_allclose(found.to_numpy().ravel(), expected)


def test_the_seed_decides_what_is_learnt(model, panel):
    def trained(seed):
        return weights(TTMForecaster(model, fine_tuning=QUICK, random_state=seed).pretrain(panel))

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_a_new_network_is_trained_before_it_forecasts(panel):
    forecaster = TTMForecaster(network=NETWORK, recipe=RECIPE)
    with pytest.raises(ValueError, match="call pretrain with a panel"):
        forecaster.fit(series(40))
    forecaster.pretrain(panel, fh=[1, 2, 3])
    assert forecaster.fit(series(40)).predict(fh=[1, 20]).notna().all()


def test_fine_tuning_at_fit_learns_from_the_series(model):
    y = series(80)
    tuned = TTMForecaster(model, fine_tune=True, fine_tuning=QUICK)
    first = tuned.fit(y, fh=[1]).predict()
    assert not np.allclose(first, TTMForecaster(model).fit(y).predict(fh=[1]))
    pd.testing.assert_series_equal(tuned.fit(y, fh=[1]).predict(), first)
    pd.testing.assert_series_equal(tuned.fit_predict(y, fh=[1]), first)


def test_fine_tuning_starts_from_what_was_pretrained(model, panel):
    tuned = TTMForecaster(model, fine_tune=True, fine_tuning=QUICK).pretrain(panel)
    pretrained = torch.nn.utils.parameters_to_vector(tuned.forecaster_.network.parameters())
    sawtooth = series(400) * 0 + np.arange(400) % 7
    assert not torch.equal(weights(tuned.fit(sawtooth)), pretrained)
    assert torch.equal(
        torch.nn.utils.parameters_to_vector(tuned.forecaster_.network.parameters()), pretrained
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "ttm_huge"}, "unknown preset 'ttm_huge'"),
        ({"network": "ttm_l6", "model": "ttm-2048-720"}, "give model and fine_tuning to start"),
        ({"network": NETWORK, "fine_tuning": {}}, "give model and fine_tuning to start"),
        ({"network": NETWORK, "recipe": {"steps": 0}}, "steps must be at least 1"),
        ({"recipe": {"steps": 5}}, "recipe is for a new network"),
        ({"fine_tuning": {"steps": 0}}, "steps must be a whole number of at least 1"),
        ({"fine_tune": "tail"}, "strategy must be one of"),
    ],
)
def test_wrong_ways_to_train_are_refused(panel, arguments, message):
    with pytest.raises(ValueError, match=message):
        TTMForecaster(**arguments).pretrain(panel)
