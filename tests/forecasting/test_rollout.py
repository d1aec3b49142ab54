from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.forecasting.conftest import make_forecaster
from tests.tiny import TINY
from ttm_estimators.forecasting.rollout import roll_out
from ttm_estimators.forecasting.torch_runtime import TorchRuntime

LEVELS = tuple(k / 10 for k in range(1, 10))


class RandomWalk(torch.nn.Module):
    """Forecasts the last value, with bands that grow like a random walk's."""

    def __init__(self, horizon):
        super().__init__()
        self.config = replace(TINY, quantile_levels=LEVELS, horizon=horizon)

    def centre(self, past_BTC):
        return past_BTC[:, -1:, :, None]

    def width(self, horizon):
        return torch.arange(1, horizon + 1).sqrt()

    def forward(self, past_BTC, observed_BTC, *, horizon, **inputs):
        score_Q = torch.special.ndtri(torch.tensor(LEVELS))
        return self.centre(past_BTC) + (self.width(horizon)[:, None] * score_Q)[None, :, None]


class WhiteNoise(RandomWalk):
    """Forecasts a mean that does not move, with bands of one width."""

    def centre(self, past_BTC):
        return torch.zeros_like(past_BTC[:, -1:, :, None])

    def width(self, horizon):
        return torch.ones(horizon)


def widths(network, horizon):
    past = np.zeros((1, 64, 1), dtype=np.float32)
    rolled = roll_out(TorchRuntime(network), past, np.ones_like(past, dtype=bool), horizon)
    quantiles = torch.from_numpy(rolled[0, :, 0])
    torch.testing.assert_close(quantiles[:, 4], torch.zeros(horizon))
    return quantiles[:, -1] - quantiles[:, 0]


def test_within_the_head_it_is_one_forward_pass(forecaster):
    past = torch.randn(2, 64, 1)
    observed = torch.ones_like(past, dtype=torch.bool)
    with torch.inference_mode():
        torch.testing.assert_close(
            torch.from_numpy(roll_out(forecaster.runtime, past.numpy(), observed.numpy(), 12)),
            forecaster.network(past, observed),
        )


@pytest.mark.parametrize("head", [12, 720])
def test_bands_of_a_random_walk_go_on_widening_as_a_random_walk_does(head):
    expected = 2 * torch.special.ndtri(torch.tensor(0.9)) * torch.arange(1, 4 * head + 1).sqrt()
    torch.testing.assert_close(widths(RandomWalk(head), 4 * head), expected)


def test_bands_of_white_noise_do_not_widen():
    width = widths(WhiteNoise(12), 48)
    torch.testing.assert_close(width, width[0].expand(48))


def test_a_point_network_feeds_back_its_forecast(point_forecaster):
    history = np.random.default_rng(0).normal(size=64)
    first = point_forecaster.forecast([history], 12).point[0]
    expected = point_forecaster.forecast([np.concatenate([history, first])], 12).point[0]
    found = point_forecaster.forecast([history], 24).point[0]
    np.testing.assert_allclose(found[:12], first, atol=1e-5)
    np.testing.assert_allclose(found[12:], expected, atol=1e-4)


def test_a_short_history_is_rolled_out_as_its_extension():
    point_forecaster = make_forecaster(quantile_levels=())
    history = np.random.default_rng(0).normal(size=5)
    first = point_forecaster.forecast([history], 12).point[0]
    expected = point_forecaster.forecast([np.concatenate([history, first])], 12).point[0]
    np.testing.assert_allclose(
        point_forecaster.forecast([history], 24).point[0, 12:], expected, atol=1e-4
    )
