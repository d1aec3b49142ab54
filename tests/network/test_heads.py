from dataclasses import replace

import pytest
import torch

from tests.network.conftest import OURS
from ttm_estimators.network.heads import Head


@pytest.fixture(params=["flat", "patch"])
def head(request) -> Head:
    torch.manual_seed(0)
    head = Head(replace(OURS, head=request.param, seasons=False))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=3.0)
    return head.eval()


@pytest.fixture
def hidden() -> torch.Tensor:
    return torch.randn(5, 2, OURS.patches, OURS.decoder_hidden_size)


def test_quantiles_increase_for_any_weights(head, hidden):
    forecast = head(hidden, OURS.horizon)
    assert forecast.shape == (5, 2, OURS.horizon, 4)
    assert (forecast.diff(dim=-1) >= 0).all()
    assert forecast.diff(dim=-1).mean() > 0.1


@pytest.mark.parametrize("horizon", [1, 4, 5, 9])
def test_a_pruned_head_forecasts_the_first_steps(head, hidden, horizon):
    whole = head(hidden, OURS.horizon)
    torch.testing.assert_close(head(hidden, horizon), whole[:, :, :horizon], rtol=1e-4, atol=1e-4)


def test_the_quantiles_of_a_step_lie_together_in_the_last_layer(head, hidden):
    projection = head.layers.projection
    torch.nn.init.zeros_(projection.weight)
    projection.bias.data = torch.arange(float(len(projection.bias)))
    raw = head.layers(hidden, 2)[0, 0]
    assert raw.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
