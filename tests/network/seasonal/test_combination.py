import math
from dataclasses import replace

import pytest
import torch

from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.network.seasonal.combination import NAIVE_FORECAST_COUNT
from ttm_estimators.network.seasonal.naive_forecasts import SEASONAL_NAIVE, WINDOW_LENGTHS

LAST_VALUE = len(SEASONAL_NAIVE) * len(WINDOW_LENGTHS)
"""Index of no cycle, plus its offset from the last point."""


@pytest.fixture
def network(config):
    torch.manual_seed(0)
    return TinyTimeMixer(config).eval()


@pytest.fixture
def past():
    step = torch.arange(128.0)
    noise = torch.randn(128, generator=torch.Generator().manual_seed(0))
    return (torch.sin(2 * math.pi * step / 8) + 0.05 * step + 0.1 * noise)[None, :, None]


def combining(network):
    return network.head.layers.seasons.simple


def take_only(network, index, half_life=99.0):
    combining(network).weight.bias.data[index] = 1.0
    combining(network).half_life.bias.data[:] = half_life


def test_a_network_that_takes_the_last_value_alone_repeats_it(network, past):
    take_only(network, LAST_VALUE)
    median = network(past)[0, :, 0, 1]
    torch.testing.assert_close(median, past[0, -1:, 0].expand(20), rtol=0.01, atol=0.01)


def test_a_moving_average_is_that_of_its_window(network, past):
    take_only(network, LAST_VALUE + WINDOW_LENGTHS.index(16))
    median = network(past)[0, :, 0, 1]
    expected = past[0, -16:, 0].mean().expand(20)
    torch.testing.assert_close(median, expected, rtol=0.01, atol=0.01)


def test_a_seasonal_naive_forecast_is_shifted_to_the_latest_points(network, past):
    take_only(network, WINDOW_LENGTHS.index(16))  # the best cycle, 16 points
    rise = 0.05 * 8
    expected = past[0, -8:, 0].repeat(3)[:20] + rise
    torch.testing.assert_close(network(past)[0, :, 0, 1], expected, rtol=0, atol=0.15)


def test_the_weight_of_a_naive_forecast_halves_in_its_half_life(network, past):
    before = network(past)[0, :, 0, 1]
    take_only(network, LAST_VALUE, half_life=math.log2(5) - 3)
    after = network(past)[0, :, 0, 1]
    fraction = (after - before) / (past[0, -1, 0] - before)
    torch.testing.assert_close(fraction, torch.exp2(-torch.arange(20.0) / 5), rtol=1e-3, atol=1e-3)


def test_bands_are_as_narrow_as_the_network_says(network, past):
    before = network(past)[0, :, 0]
    combining(network).width.bias.data[:] = -2.0
    after = network(past)[0, :, 0]
    torch.testing.assert_close(after[:, 1], before[:, 1])
    factor = (after[:, 2] - after[:, 0]) / (before[:, 2] - before[:, 0])
    assert factor[0].item() == pytest.approx(math.exp(-2), rel=1e-3)
    assert (factor.diff() > 0).all()
    assert (after.diff(dim=-1) > 0).all()


def test_a_forecast_without_an_offset_is_not_combined(network):
    """Of a history of one point no cycle is known."""
    past = torch.full((1, 128, 1), math.nan)
    past[0, -1] = 1.0
    before = network(past)
    combining(network).weight.bias.data[:LAST_VALUE] = 1.0
    assert torch.isfinite(before).all()
    torch.testing.assert_close(network(past), before)


def test_bands_keep_a_width_and_half_lives_an_end_whatever_the_weights(network, past):
    take_only(network, LAST_VALUE, half_life=1e6)
    combining(network).width.bias.data[:] = -1e6
    forecast = network(past)[0, :, 0]
    assert (forecast.diff(dim=-1) > 0).all()
    torch.testing.assert_close(forecast[:, 1], past[0, -1:, 0].expand(20), rtol=0.01, atol=0.05)
    combining(network).width.bias.data[:] = 1e6
    assert torch.isfinite(network(past)).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_networks_of_other_precision_combine_too(network, past, dtype):
    assert network.to(dtype)(past.to(dtype)).dtype == dtype


def test_the_last_value_is_exact_in_training_with_bfloat16(network, past):
    take_only(network, LAST_VALUE)
    combining(network).width.bias.data[:] = -99.0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seasons = network.encode(past).prepared.seasons
        zeros, features = torch.zeros(1, 1, 24, 3), torch.zeros(1, 1, 3, 8)
        combined = combining(network)(zeros, seasons, features, median=1)
    last = (past[0, -1, 0] - past.mean()) / past.std(correction=0)
    torch.testing.assert_close(combined[0, 0, 0, 1], last, rtol=1e-5, atol=1e-5)


def test_a_missing_last_point_is_no_last_value(network, past):
    past[0, -1] = math.nan
    before = network(past)
    take_only(network, LAST_VALUE)
    torch.testing.assert_close(network(past), before)


def test_a_pruned_horizon_has_the_same_first_steps(network, past):
    combining(network).weight.bias.data = torch.linspace(-0.1, 0.1, NAIVE_FORECAST_COUNT)
    torch.testing.assert_close(network(past, horizon=5), network(past)[:, :5])


def test_a_network_without_seasons_combines_no_naive_forecast(config):
    without = TinyTimeMixer(replace(config, seasons=False))
    assert not any("simple" in name for name, _ in without.named_parameters())
