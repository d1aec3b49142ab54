from dataclasses import replace

import pytest
import torch

from tests.network.conftest import EXOGENOUS, MIXING, make_inputs, make_network

CONTEXT = EXOGENOUS.exogenous_context


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_known_future_step_moves_its_neighbours_only(blocks):
    network = make_network(replace(EXOGENOUS, exogenous_blocks=blocks))
    inputs = make_inputs(EXOGENOUS)
    before = network(**inputs)
    inputs["future_BHX"][:, 6] += 1.0
    moved = (network(**inputs) != before).any(dim=0).any(dim=1)[:, 0]
    assert moved.nonzero().flatten().tolist() == list(range(6 - CONTEXT, 6 + CONTEXT + 1))


def test_a_mixer_that_adds_nothing_leaves_the_forecast_of_the_head():
    network = make_network(EXOGENOUS)
    torch.nn.init.zeros_(network.exogenous.projection.weight)
    torch.nn.init.zeros_(network.exogenous.projection.bias)
    inputs = make_inputs(EXOGENOUS)
    refined = network(**inputs)
    network.exogenous = None
    torch.testing.assert_close(refined, network(**inputs), rtol=0, atol=0)


def test_the_scale_of_a_covariate_does_not_matter():
    network = make_network(EXOGENOUS).double()
    inputs = {name: x.double() for name, x in make_inputs(EXOGENOUS).items()}
    before = network(**inputs)
    inputs["past_BTC"][..., 1] = inputs["past_BTC"][..., 1] * 1000 + 50
    inputs["future_BHX"] = inputs["future_BHX"] * 1000 + 50
    torch.testing.assert_close(network(**inputs), before, rtol=1e-4, atol=1e-4)


def mixer_view(scaling: str) -> torch.Tensor:
    """The whole past of targets and covariate, as the mixer gets it, the last covariate missing."""
    config = replace(
        EXOGENOUS, exogenous_scaling=scaling, exogenous_context=EXOGENOUS.context_length
    )
    network, inputs, seen = make_network(config), make_inputs(config), []
    network.exogenous.register_forward_pre_hook(lambda module, args: seen.append(args[1]))
    inputs["past_BTC"][:, -1, 1] = torch.nan
    network(**inputs)
    return seen[0]


def test_by_its_own_scale_a_missing_covariate_counts_as_its_mean():
    past_BTN = mixer_view("own")
    assert (past_BTN[:, -1, 2] == 0).all()
    torch.testing.assert_close(past_BTN.sum(dim=1), torch.zeros(3, 3), rtol=0, atol=1e-4)


def test_the_published_mixer_sees_the_scale_of_the_data():
    past_BTN, inputs = mixer_view("published"), make_inputs(EXOGENOUS)
    assert (past_BTN[:, -1, 2] == 0).all()
    torch.testing.assert_close(past_BTN[:, :-1], inputs["past_BTC"][:, :-1, [2, 0, 1]])


QUANTILES = replace(EXOGENOUS, quantile_levels=(0.1, 0.5, 0.8, 0.9))


def test_a_missing_future_covariate_counts_as_the_mean_of_its_history():
    network, inputs = make_network(EXOGENOUS), make_inputs(EXOGENOUS)
    mean = inputs["past_BTC"][..., 1].mean(dim=1)
    inputs["future_BHX"][:, 4, 0] = mean
    expected = network(**inputs)
    inputs["future_BHX"][:, 4, 0] = torch.nan
    torch.testing.assert_close(network(**inputs), expected)


def test_a_covariate_moves_the_median_and_stretches_the_quantiles_without_crossing():
    network, inputs = make_network(QUANTILES), make_inputs(QUANTILES)
    before = network(**inputs)
    inputs["future_BHX"] = inputs["future_BHX"] + 2.0
    after = network(**inputs)
    assert (after[..., 1] != before[..., 1]).all()
    assert (after.diff(dim=-1) > 0).all()
    ratio = after.diff(dim=-1) / before.diff(dim=-1)
    assert ((ratio - 1).abs() > 1e-3).any()
    torch.testing.assert_close(ratio[..., 0], ratio[..., 1], rtol=1e-3, atol=1e-3)


def test_a_covariate_far_from_its_history_moves_the_forecast_within_bounds():
    network, inputs = make_network(QUANTILES), make_inputs(QUANTILES)
    inputs["past_BTC"][..., 1] = 0.0  # a flag that was never raised
    inputs["future_BHX"] = torch.ones_like(inputs["future_BHX"])
    raised = network(**inputs)
    inputs["future_BHX"] = inputs["future_BHX"] * 1000
    torch.testing.assert_close(network(**inputs), raised, rtol=0, atol=0)


def test_targets_come_in_the_order_of_the_configuration():
    inputs = make_inputs(MIXING)
    every = make_network(MIXING)(**inputs)
    some = make_network(replace(MIXING, target_channels=(2, 0)))(**inputs)
    torch.testing.assert_close(some, every[:, :, [2, 0]], rtol=0, atol=0)


@pytest.mark.parametrize("shape", [None, (3, 9, 1), (3, 10, 2), (2, 10, 1)])
def test_missing_or_misshapen_future_covariates_are_refused(shape):
    inputs = make_inputs(EXOGENOUS)
    inputs["future_BHX"] = None if shape is None else torch.zeros(shape)
    with pytest.raises(ValueError, match=r"future covariates.* \(3, 10, 1\)"):
        make_network(EXOGENOUS)(**inputs)


def test_a_mixer_without_covariates_needs_no_future():
    config = replace(EXOGENOUS, covariate_channels=())
    assert make_network(config)(**make_inputs(config)).shape == (3, 10, 2, 1)


def test_the_old_name_of_future_covariates_works_and_names_the_new_one():
    network, inputs = make_network(EXOGENOUS), make_inputs(EXOGENOUS)
    expected = network(**inputs)
    inputs["future_BHN"] = inputs.pop("future_BHX")
    with pytest.warns(FutureWarning, match="future_BHX"):
        assert torch.equal(network(**inputs), expected)
