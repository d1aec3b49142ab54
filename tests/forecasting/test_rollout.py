import numpy as np
import torch

from tests.forecasting.conftest import make_forecaster
from ttm_estimators.forecasting.rollout import roll_out

LEVELS = tuple(k / 10 for k in range(1, 10))


class RandomWalk(torch.nn.Module):
    """Forecasts the last value, with bands that grow like a random walk's."""

    def __init__(self, config):
        super().__init__()
        self.config = config

    def forward(self, past_BTC, observed_BTC, *, horizon, resolution_B=None):
        score_Q = torch.special.ndtri(torch.tensor(LEVELS))
        width_HQ = torch.arange(1, horizon + 1).sqrt()[:, None] * score_Q
        return past_BTC[:, -1:, :, None] + width_HQ[None, :, None]


def test_within_the_head_it_is_one_forward_pass(forecaster):
    past = torch.randn(2, 64, 1)
    observed = torch.ones_like(past, dtype=torch.bool)
    with torch.inference_mode():
        torch.testing.assert_close(
            roll_out(forecaster.network, past, observed, 12),
            forecaster.network(past, observed),
        )


def test_bands_of_a_random_walk_go_on_widening_as_a_random_walk_does():
    config = make_forecaster(quantile_levels=LEVELS).config
    past = torch.zeros(1, 64, 1)
    observed = torch.ones_like(past, dtype=torch.bool)
    quantiles = roll_out(RandomWalk(config), past, observed, 48)[0, :, 0]
    width = quantiles[:, -1] - quantiles[:, 0]
    assert (width[12::12] >= width[11:-1:12]).all(), "a new block must not forget what came before"
    expected = 2 * torch.special.ndtri(torch.tensor(0.9)) * torch.arange(1, 49).sqrt()
    assert (width / expected).min() > 0.9
    assert (width / expected).max() < 1.12
    torch.testing.assert_close(quantiles[:, 4], torch.zeros(48))


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
