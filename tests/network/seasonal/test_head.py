import math
from dataclasses import replace

import pytest
import torch

from tests.network.seasonal.conftest import noise, wave
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.seasonal.naive_forecasts import seasonal_naive_forecasts
from ttm_estimators.network.seasonal.periods import Cycle, Repetition


def test_outliers_before_the_context_are_clipped(config):
    network = TinyTimeMixer(replace(config, seasons_length=256)).eval()
    for parameter in network.head.layers.seasons.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    past = wave(60, 256)[None, :, None]  # four cycles, which are averaged
    high, infinite = past.clone(), past.clone()
    high[:, 40:60] = 100.0
    infinite[:, 40:60] = math.inf
    assert torch.allclose(network(high), network(infinite))
    assert not torch.allclose(network(high), network(past))


def test_points_that_are_missing_before_the_context_change_nothing(config):
    network = TinyTimeMixer(replace(config, seasons_length=256)).eval()
    for parameter in network.head.layers.seasons.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    past = wave(8, 128)[None, :, None] + 0.1 * noise()[None, :128, None]
    longer = torch.cat([torch.full((1, 128, 1), math.nan), past], dim=1)
    assert torch.allclose(network(past), network(longer), atol=1e-5)


def test_what_is_added_to_a_cycle_may_have_the_size_of_its_error(config):
    network = TinyTimeMixer(config).eval()
    torch.nn.init.ones_(network.head.layers.seasons.size.bias)
    power = math.tanh(1)
    for error in (0.01, 0.3):
        past = (wave(8, 128) + error * noise()[:128])[None, :, None]
        network.head.layers.seasons.size.bias.data[:] = 0.0
        before = network.decode(network.encode(past))[0]
        network.head.layers.seasons.size.bias.data[:] = 1.0
        after = network.decode(network.encode(past))[0]
        factor = (after / before).flatten()
        assert torch.allclose(factor, factor[:1].expand_as(factor), rtol=1e-3)
        assert 0.5 * (2 * error) ** power < factor[0] < 2 * (2 * error) ** power


def test_the_error_of_the_calendar_does_not_shrink_what_is_added(config):
    """At its shortest lag a slow series differs little, though it does not repeat."""
    network = TinyTimeMixer(config).eval()
    past = (wave(40, 128) + 0.01 * noise()[:128])[None, :, None]
    seasons = seasonal_naive_forecasts(past, torch.ones_like(past, dtype=torch.bool), 24, 128)
    smaller = seasons._replace(repetition_BCMU=seasons.repetition_BCMU.clone())
    smaller.repetition_BCMU[..., Cycle.CALENDAR, Repetition.ERROR] = 1e-3
    layer = network.head.layers.seasons
    torch.nn.init.ones_(layer.size.bias)
    features = torch.zeros(1, 1, 3, config.decoder_hidden_size)
    assert torch.equal(layer.factors(smaller, features), layer.factors(seasons, features))


def test_a_new_network_forecasts_as_if_there_were_no_cycles(config):
    network = TinyTimeMixer(config).eval()
    past = wave(8, 128)[None, :, None]
    without = TinyTimeMixer(replace(config, seasons=False)).eval()
    without.load_state_dict(network.state_dict(), strict=False)
    assert torch.allclose(network(past), without(past), atol=1e-6)


def test_a_network_that_trusts_a_cycle_adds_it_to_all_quantiles(config):
    network = TinyTimeMixer(config).eval()
    past = wave(8, 128)[None, :, None]
    before = network.decode(network.encode(past))[0]
    network.head.layers.seasons.trust.bias.data[0] = 1.0  # of the best cycle
    after = network.decode(network.encode(past))[0]
    cycle = math.sqrt(2) * wave(8, 20)
    assert torch.allclose(after - before, cycle[None, :, None, None].expand(1, 20, 1, 3), atol=1e-3)


def test_cycles_need_the_patch_head():
    with pytest.raises(ValueError, match='"patch" head'):
        TTMConfig(seasons=True)


def test_a_longer_search_for_cycles_needs_seasons():
    with pytest.raises(ValueError, match="seasons_length needs seasons"):
        TTMConfig(seasons_length=1024)
