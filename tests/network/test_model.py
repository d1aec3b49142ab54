"""What every network keeps to, whatever its kind."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.network.conftest import GEOMETRIES, OURS, PLAIN, make_inputs, make_network
from ttm_estimators import TTMConfig

every_kind = pytest.mark.parametrize("config", GEOMETRIES.values(), ids=GEOMETRIES)
some_kinds = pytest.mark.parametrize(
    "config", [PLAIN, GEOMETRIES["exogenous mixer"], OURS], ids=["plain", "exogenous mixer", "ours"]
)


def some_observed(past_BTC: Tensor) -> Tensor:
    """A mask that loses points, a whole beginning and a whole channel."""
    observed = torch.rand(past_BTC.shape, generator=torch.Generator().manual_seed(1)) < 0.7
    observed[0, : past_BTC.shape[1] // 2] = False
    observed[1, :, 0] = False
    return observed


def same(forecast: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(forecast, expected, rtol=1e-5, atol=1e-5)


@every_kind
def test_the_forecast_has_the_configured_shape(config):
    inputs = make_inputs(config)
    channels = len(config.targets) if config.tied_channels else inputs["past_BTC"].shape[2]
    forecast = make_network(config)(**inputs)
    assert forecast.shape == (3, config.horizon, channels, len(config.quantile_levels) or 1)


@every_kind
def test_gradients_reach_every_parameter(config):
    network = make_network(config).train()
    with torch.no_grad():
        for parameter in network.parameters():  # what begins at zero hides what it is multiplied by
            parameter.add_(0.01 * torch.randn_like(parameter))
    inputs = make_inputs(config, batch=8)
    forecast = network(**inputs, observed_BTC=some_observed(inputs["past_BTC"]))
    (forecast * torch.randn_like(forecast)).sum().backward()
    untouched = [
        name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()
    ]
    assert untouched == []


@every_kind
def test_evaluation_is_deterministic_and_training_is_not(config):
    network, inputs = make_network(config), make_inputs(config)
    assert torch.equal(network(**inputs), network(**inputs))
    network.train()
    assert not torch.equal(network(**inputs), network(**inputs))


@every_kind
def test_the_backbone_has_a_dropout_of_its_own(config):
    network = make_network(replace(config, dropout=0.1, head_dropout=0.4))
    probabilities = {name: m.p for name, m in network.named_modules() if isinstance(m, nn.Dropout)}
    assert all(
        p == (0.1 if name.startswith("backbone.") else 0.4) for name, p in probabilities.items()
    )
    assert set(probabilities.values()) == {0.1, 0.4}


@every_kind
@pytest.mark.parametrize("filler", [torch.nan, torch.inf, 1e9, 0.0])
def test_what_is_not_observed_does_not_matter(config, filler):
    network, inputs = make_network(config), make_inputs(config)
    observed = some_observed(inputs["past_BTC"])
    expected = network(**inputs, observed_BTC=observed)
    inputs["past_BTC"] = inputs["past_BTC"].masked_fill(~observed, filler)
    forecast = network(**inputs, observed_BTC=observed)
    assert forecast.isfinite().all()
    assert torch.equal(forecast, expected)


@every_kind
def test_nan_counts_as_not_observed(config):
    network, inputs = make_network(config), make_inputs(config)
    observed = some_observed(inputs["past_BTC"])
    expected = network(**inputs, observed_BTC=observed)
    inputs["past_BTC"] = inputs["past_BTC"].masked_fill(~observed, torch.nan)
    assert torch.equal(network(**inputs), expected)


@every_kind
def test_a_history_with_nothing_observed_has_a_finite_forecast(config):
    inputs = make_inputs(config)
    inputs["past_BTC"][:] = torch.nan
    assert make_network(config)(**inputs).isfinite().all()


@pytest.mark.parametrize("name", sorted(GEOMETRIES.keys() - {"exogenous published"}))
def test_shifting_and_scaling_a_history_does_so_to_its_forecast(name):
    config = GEOMETRIES[name]
    network, inputs = make_network(config).double(), make_inputs(config)
    # So large that the floor of the variance does not count.
    inputs = {k: x.double() * 1000 if x.is_floating_point() else x for k, x in inputs.items()}
    expected = network(**inputs) * 7 - 300
    moved = {k: x * 7 - 300 if x.is_floating_point() else x for k, x in inputs.items()}
    torch.testing.assert_close(network(**moved), expected, rtol=1e-6, atol=1e-4)


@every_kind
def test_a_shorter_horizon_is_the_beginning_of_the_whole_one(config):
    network, inputs = make_network(config), make_inputs(config)
    whole = network(**inputs)
    for horizon in (1, 5, config.horizon):
        if "future_BHX" in inputs:
            inputs = {**inputs, "future_BHX": make_inputs(config)["future_BHX"][:, :horizon]}
        forecast = network(**inputs, horizon=horizon)
        assert forecast.shape[1] == horizon
        # Where an exogenous mixer looks ahead, what lies beyond the horizon is zeros to it.
        alike = horizon if horizon == config.horizon else horizon - config.exogenous_context
        same(forecast[:, : max(alike, 0)], whole[:, : max(alike, 0)])


@every_kind
def test_a_forecast_does_not_depend_on_its_batch_mates(config):
    network, inputs = make_network(config), make_inputs(config, batch=4)
    whole = network(**inputs)
    for row in range(4):
        same(network(**{k: x[row : row + 1] for k, x in inputs.items()}), whole[row : row + 1])
    inputs["past_BTC"][1:] = torch.nan
    same(network(**inputs)[0], whole[0])


@pytest.mark.parametrize("name", ["plain", "resolution", "flat quantiles", "ours"])
def test_channels_go_their_own_ways_in_any_number(name):
    config = GEOMETRIES[name]
    network, inputs = make_network(config), make_inputs(config)
    past = inputs.pop("past_BTC")
    whole = network(past, **inputs)
    for channel in range(past.shape[2]):
        alone = network(past[..., [channel]], **inputs)
        same(alone, whole[:, :, [channel]])
    assert network(past[..., [0] * 5], **inputs).shape[2] == 5


def test_channels_are_mixed_when_asked():
    config = GEOMETRIES["mixing"]
    network, inputs = make_network(config), make_inputs(config)
    before = network(**inputs)
    inputs["past_BTC"][..., 3] = inputs["past_BTC"][..., 3].flip(1)
    assert not torch.equal(network(**inputs)[:, :, 0], before[:, :, 0])


@pytest.mark.parametrize("name", ["resolution", "static"])
def test_resolutions_and_statics_change_the_forecast(name):
    config = GEOMETRIES[name]
    network, inputs = make_network(config), make_inputs(config)
    before = network(**inputs)
    key = {"resolution": "resolution_B", "static": "static_BK"}[name]
    inputs[key] = inputs[key].roll(1, 0)
    assert (network(**inputs) != before).any(dim=(1, 2, 3)).all()


def test_the_old_end_beyond_whole_patches_counts_for_the_scale_only():
    network, inputs = make_network(PLAIN), make_inputs(PLAIN)
    past = inputs["past_BTC"]
    before = network.decode(network.encode(past))[0]
    # 36 points make four patches of 8: the oldest four may change places.
    past[:, :4] = past[:, :4].flip(1)
    same(network.decode(network.encode(past))[0], before)


@some_kinds
def test_compiling_the_network_keeps_its_forecast(config):
    network, inputs = make_network(config), make_inputs(config)
    torch.compiler.reset()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.inference_mode():
        same(compiled(**inputs), network(**inputs))


@some_kinds
def test_an_exported_network_takes_any_batch(config):
    network, inputs = make_network(config), make_inputs(config)
    inputs["observed_BTC"] = some_observed(inputs["past_BTC"])
    batch = torch.export.Dim("batch", min=1, max=1024)
    shapes = {name: {0: batch} for name in inputs}
    exported = torch.export.export(network, (), inputs, dynamic_shapes=shapes).module()
    for size in (1, 7):
        others = make_inputs(config, batch=size, seed=5)
        others["observed_BTC"] = torch.rand(others["past_BTC"].shape) < 0.7
        same(exported(**others), network(**others))


@pytest.mark.parametrize(
    ("config", "past_shape", "more", "complaint"),
    [
        (PLAIN, (3, 36), {}, r"history must have shape \(batch, 36, channels\), got \(3, 36\)"),
        (PLAIN, (3, 35, 1), {}, r"history must have shape \(batch, 36, channels\)"),
        (PLAIN, (3, 36, 1), {"horizon": 0}, "horizon must lie between 1 and 10, got 0"),
        (PLAIN, (3, 36, 1), {"horizon": 11}, "horizon must lie between 1 and 10, got 11"),
        (GEOMETRIES["mixing"], (3, 36, 3), {}, "takes 4 channels, got 3"),
        (GEOMETRIES["resolution"], (3, 36, 1), {}, "resolution prefix: give resolution_B"),
        (GEOMETRIES["static"], (3, 36, 4), {}, "static covariates: give static_BK"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(config, past_shape, more, complaint):
    with pytest.raises(ValueError, match=complaint):
        make_network(config)(torch.zeros(past_shape), **more)


@pytest.mark.parametrize("config", [PLAIN, OURS], ids=["plain", "ours"])
def test_half_precision_is_close(config: TTMConfig):
    network, inputs = make_network(config), make_inputs(config)
    expected = network(**inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        forecast = network(**inputs)
    torch.testing.assert_close(forecast.float(), expected, rtol=0.1, atol=0.2)
