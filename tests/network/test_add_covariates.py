import pytest
import torch

from tests.network.conftest import MIXING, OURS, PLAIN, make_network
from ttm_estimators.network.add_covariates import add_covariates


def past(config, channels):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, config.context_length, channels, generator=generator)


@pytest.mark.parametrize("config", [PLAIN, OURS], ids=["published", "ours"])
@pytest.mark.parametrize(
    ("targets", "known", "past_only", "static", "mix"),
    [(1, 2, 0, (), False), (3, 0, 0, (), True), (2, 1, 2, (3,), True), (1, 0, 1, (4, 2), False)],
)
def test_a_widened_network_forecasts_as_before_until_it_is_trained(
    config, targets, known, past_only, static, mix
):
    network = make_network(config)
    wide = add_covariates(
        network,
        targets=targets,
        known=known,
        past=past_only,
        static_cardinalities=static,
        mix_channels=mix,
    )
    past_BTC = past(config, targets + known + past_only)
    inputs = {}
    if known:
        inputs["future_BHX"] = torch.ones(3, config.horizon, known)
    if static:
        inputs["static_BK"] = torch.zeros(3, len(static), dtype=torch.long)
    with torch.inference_mode():
        torch.testing.assert_close(
            wide(past_BTC, **inputs), network(past_BTC[..., :targets]), rtol=1e-4, atol=1e-5
        )


def test_every_new_part_can_be_trained():
    wide = add_covariates(
        make_network(OURS), targets=2, known=1, past=1, static_cardinalities=(2,), mix_channels=True
    )
    for _ in range(3):  # what begins at zero lets nothing through to what lies before it at first
        out = wide(
            past(OURS, 4),
            future_BHX=torch.ones(3, OURS.horizon, 1),
            static_BK=torch.tensor([[0], [1], [0]]),
        )
        out.square().mean().backward()
        with torch.no_grad():
            for parameter in wide.parameters():
                parameter -= 1e-3 * parameter.grad
    for name, parameter in wide.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_mixing_lets_channels_move_each_other():
    wide = add_covariates(make_network(PLAIN), targets=2, mix_channels=True)
    torch.nn.init.normal_(wide.decoder.blocks[0].mixers["channel"].mlp.fc2.weight)
    past_BTC = past(PLAIN, 2)
    before = wide(past_BTC)[:, :, 0]
    past_BTC[..., 1] = past_BTC[..., 1].flip(1)
    assert (wide(past_BTC)[:, :, 0] != before).any()


def test_a_network_with_channels_of_its_own_is_refused():
    with pytest.raises(ValueError, match="start from one that forecasts every channel by itself"):
        add_covariates(make_network(MIXING), targets=4)
