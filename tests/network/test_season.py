import math
from dataclasses import replace

import pytest
import torch

from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.season import continue_seasons

T = 512


def wave(period, length=T):
    return torch.sin(2 * math.pi * torch.arange(float(length)) / period)


def noise(seed=0):
    return torch.randn(T, generator=torch.Generator().manual_seed(seed))


def test_a_wave_goes_on():
    series = wave(24, T + 100) + 0.5 * wave(168, T + 100)
    past = series[None, :T, None]
    ahead = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 100, T).ahead_BCKH
    assert ahead.shape == (1, 1, 5, 100)
    for long in (0, 2, 3, 4):  # the best and that of the calendar, as last and as their averages
        assert (ahead[0, 0, long] - series[T:]).abs().max() < 1e-4


def test_the_average_of_a_cycle_is_less_noisy_than_its_latest():
    clean = wave(24, T + 48) + 0.7 * wave(96, T + 48)
    past = (clean[:T] + 0.1 * noise())[None, :, None]
    seasons = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 48, T)
    latest, _, average, *_ = (seasons.ahead_BCKH[0, 0] - clean[T:]).square().mean(dim=-1)
    assert average < 0.5 * latest


def test_a_cycle_of_which_nothing_is_observed_is_zero():
    past = torch.randn(2, T, 1)
    ahead = continue_seasons(past, torch.zeros_like(past, dtype=torch.bool), 30, T).ahead_BCKH
    assert torch.equal(ahead, torch.zeros(2, 1, 5, 30))


def test_channels_and_series_keep_their_own_cycles():
    past = torch.stack([wave(24), wave(60)], dim=-1)[None].repeat(3, 1, 1)
    past[2] = noise()[:, None]
    known = torch.ones_like(past, dtype=torch.bool)
    together = continue_seasons(past, known, 48, T)
    alone = continue_seasons(past[1:2, :, 1:], known[1:2, :, 1:], 48, T)
    assert torch.allclose(together.ahead_BCKH[1:2, 1:], alone.ahead_BCKH, atol=1e-5)
    assert torch.allclose(together.repetition_BCS[1:2, 1:], alone.repetition_BCS, atol=1e-4)


def test_a_cycle_too_long_for_the_context_is_found_further_back():
    series = noise()[:400].repeat(3)  # 400 steps do not repeat often enough in 512
    past = series[None, : 2 * T, None]
    ahead = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 100, T).ahead_BCKH
    assert torch.allclose(ahead[0, 0, 0], series[2 * T : 2 * T + 100], atol=1e-6)


def test_a_week_too_long_for_the_context_is_found_further_back():
    week = noise()[:336].repeat_interleave(2)
    series = torch.cat([0.7 * week, week, week])
    past = series[None, 672 - 352 : 2 * 672, None]  # 512 of context, 512 before it
    seasons = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 100, T)
    assert torch.allclose(seasons.ahead_BCKH[0, 0, 3], week[:100], atol=1e-6)


def test_a_repeat_by_chance_in_the_context_does_not_hide_a_cycle_of_the_whole():
    series = noise().repeat(2)[:600].repeat(2)[-2 * T :].clone()
    series[T : T + 171] = series[-171:]  # so that the context repeats after 341 steps
    past = series[None, :, None]
    known = torch.ones_like(past, dtype=torch.bool)
    near = continue_seasons(past[:, T:], known[:, T:], 50, T).ahead_BCKH
    assert torch.equal(near[0, 0, 0], series[-341:-291])
    far = continue_seasons(past, known, 50, T).ahead_BCKH
    assert torch.equal(far[0, 0, 0], series[-600:-550])


def test_a_cycle_of_many_pairs_in_the_context_is_kept_whatever_was_before():
    past = torch.cat([3 * wave(100, 4 * T), wave(24, 4 * T)])[None, :, None]
    known = torch.ones_like(past, dtype=torch.bool)
    far = continue_seasons(past, known, 50, 4 * T)
    near = continue_seasons(past[:, 4 * T :], known[:, 4 * T :], 50, 4 * T)
    assert torch.equal(far.ahead_BCKH[..., 0, :], near.ahead_BCKH[..., 0, :])


def test_a_cycle_from_before_the_context_is_told_by_its_error_in_the_context():
    """And the short cycle is that of the context in any case."""
    series = noise()[:400].repeat(3)[: 2 * T] + 0.2 * torch.cat([wave(30), 3 * wave(30)])
    past = series[None, :, None]
    known = torch.ones_like(past, dtype=torch.bool)
    far = continue_seasons(past, known, 50, T)
    near = continue_seasons(past[:, T:], known[:, T:], 50, T)
    error = (series[T:] - series[T - 400 : 2 * T - 400]).square().mean().sqrt()
    assert far.repetition_BCS[0, 0, 1] == pytest.approx(error.item(), rel=1e-4)
    assert torch.equal(far.repetition_BCS[..., 3:6], near.repetition_BCS[..., 3:6])
    assert torch.equal(far.ahead_BCKH[:, :, 1], near.ahead_BCKH[:, :, 1])


def test_a_context_that_repeats_as_well_is_enough():
    past = (wave(24, 2 * T) + 0.3 * torch.cat([noise(0), noise(1)]))[None, :, None]
    known = torch.ones_like(past, dtype=torch.bool)
    far = continue_seasons(past, known, 50, T)
    near = continue_seasons(past[:, T:], known[:, T:], 50, T)
    assert torch.equal(far.repetition_BCS, near.repetition_BCS)
    # Its average may reach further back than the context.
    assert torch.equal(far.ahead_BCKH[:, :, :2], near.ahead_BCKH[:, :, :2])


def test_far_values_before_the_context_are_cut(config):
    network = TinyTimeMixer(replace(config, seasons_length=256)).eval()
    for layer in network.head.layers.seasons.modules():
        if not isinstance(layer, torch.nn.Linear):
            continue
        torch.nn.init.normal_(layer.weight, std=0.1)
    past = wave(60, 256)[None, :, None]  # four cycles, which are averaged
    far, farther = past.clone(), past.clone()
    far[:, 40:60] = 100.0
    farther[:, 40:60] = math.inf
    assert torch.allclose(network(far), network(farther))
    assert not torch.allclose(network(far), network(past))


def test_cycles_at_another_level_before_the_context_are_not_averaged():
    past = wave(150, 2 * T)[None, :, None].clone()
    past[:, :T] += 3.0
    known = torch.ones_like(past, dtype=torch.bool)
    far = continue_seasons(past, known, 50, T).ahead_BCKH
    near = continue_seasons(past[:, T:], known[:, T:], 50, T).ahead_BCKH
    assert torch.allclose(far[0, 0, 2], near[0, 0, 2], atol=1e-5)


def test_a_week_that_had_another_level_is_not_taken():
    week = wave(60, 672)
    past = torch.cat([week[-352:] + 3.0, week])[None, :, None]
    known = torch.ones_like(past, dtype=torch.bool)
    far = continue_seasons(past, known, 50, T)
    near = continue_seasons(past[:, T:], known[:, T:], 50, T)
    assert torch.equal(far.repetition_BCS[..., 6:], near.repetition_BCS[..., 6:])


def test_points_that_are_missing_before_the_context_change_nothing(config):
    network = TinyTimeMixer(replace(config, seasons_length=256)).eval()
    for layer in network.head.layers.seasons.modules():
        if not isinstance(layer, torch.nn.Linear):
            continue
        torch.nn.init.normal_(layer.weight, std=0.1)
    past = wave(8, 128)[None, :, None] + 0.1 * noise()[None, :128, None]
    longer = torch.cat([torch.full((1, 128, 1), math.nan), past], dim=1)
    assert torch.allclose(network(past), network(longer), atol=1e-5)


def test_what_comes_on_top_of_a_cycle_may_have_the_size_of_its_error(config):
    network = TinyTimeMixer(config).eval()
    torch.nn.init.ones_(network.head.layers.seasons.size.bias)
    share = math.tanh(1)
    for error in (0.01, 0.3):
        past = (wave(8, 128) + error * noise()[:128])[None, :, None]
        network.head.layers.seasons.size.bias.data[:] = 0.0
        before = network.forecast_normalised(past)[0]
        network.head.layers.seasons.size.bias.data[:] = 1.0
        after = network.forecast_normalised(past)[0]
        factor = (after / before).flatten()
        assert torch.allclose(factor, factor[:1].expand_as(factor), rtol=1e-3)
        assert 0.5 * (2 * error) ** share < factor[0] < 2 * (2 * error) ** share


def test_the_calendar_does_not_make_small_what_comes_on_top_of_a_cycle(config):
    """After its shortest lag a slow series is alike, though it does not repeat."""
    network = TinyTimeMixer(config).eval()
    past = (wave(40, 128) + 0.01 * noise()[:128])[None, :, None]
    seasons = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 24, 128)
    smaller = seasons._replace(repetition_BCS=seasons.repetition_BCS.clone())
    smaller.repetition_BCS[..., 7] = 1e-3
    layer = network.head.layers.seasons
    torch.nn.init.ones_(layer.size.bias)
    features = torch.zeros(1, 1, 3, config.decoder_hidden_size)
    assert torch.equal(layer.sizes(smaller, features), layer.sizes(seasons, features))


def test_a_new_network_forecasts_as_if_there_were_no_cycles(config):
    network = TinyTimeMixer(config).eval()
    past = wave(8, 128)[None, :, None]
    before = network(past)
    network.head.layers.seasons = None
    assert torch.allclose(before, network(past), atol=1e-6)


def test_a_network_that_trusts_a_cycle_adds_it_to_all_quantiles(config):
    network = TinyTimeMixer(config).eval()
    past = wave(8, 128)[None, :, None]
    before = network.forecast_normalised(past)[0]
    network.head.layers.seasons.trust.bias.data[:] = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])
    after = network.forecast_normalised(past)[0]
    cycle = math.sqrt(2) * wave(8, 20)
    assert torch.allclose(after - before, cycle[None, :, None, None].expand(1, 20, 1, 3), atol=1e-3)


def test_cycles_need_the_patch_head():
    with pytest.raises(ValueError, match='"patch" head'):
        TTMConfig(seasons=True)


def test_further_back_needs_cycles():
    with pytest.raises(ValueError, match="seasons_length needs seasons"):
        TTMConfig(seasons_length=1024)


def test_offsets_tell_how_far_the_latest_points_lie_above_their_cycle():
    series = wave(24, T)
    series[-4:] += 0.5
    series[-1] += 1.0
    past = series[None, :, None]
    seasons = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 24, T)
    offset = seasons.offset_BCO.reshape(6, 4)  # five continuations and none, windows 1, 4, 16, 64
    torch.testing.assert_close(
        offset[0], torch.tensor([1.5, 0.75, 0.1875, 3 / 64]), atol=1e-4, rtol=0
    )
    assert offset[5, 0] == series[-1]
    torch.testing.assert_close(offset[5, 2], series[-16:].mean())


def test_points_that_are_missing_are_in_no_offset():
    series = wave(24, T)
    series[-2:] = math.nan
    past = series[None, :, None]
    known = ~past.isnan()
    seasons = continue_seasons(past.nan_to_num(99.0), known, 24, T)
    offset = seasons.offset_BCO.reshape(6, 4)
    assert offset[:, 0].isnan().all()
    assert offset[[0, 1, 2, 3, 4], 1].abs().max() < 1e-3
    torch.testing.assert_close(offset[5, 1], series[-4:-2].mean())


def test_another_level_before_the_context_is_in_no_offset():
    series = noise()[:300].repeat(4)[: 2 * T].clone()
    series[:T] += 5.0
    past = series[None, :, None]
    known = torch.ones_like(past, dtype=torch.bool)
    near = continue_seasons(past[:, T:], known[:, T:], 24, T)
    far = continue_seasons(past, known, 24, T)
    torch.testing.assert_close(far.offset_BCO, near.offset_BCO, equal_nan=True)


def test_roughness_is_the_mean_step_of_the_latest_points():
    series = torch.zeros(T)
    series[-3] = 0.1
    past = series[None, :, None]
    seasons = continue_seasons(past, torch.ones_like(past, dtype=torch.bool), 24, T)
    expected = torch.tensor([1e-4, 0.05, 0.2 / 16, 0.2 / 64]).log10()
    torch.testing.assert_close(seasons.roughness_BCW[0, 0], expected)


def test_a_single_point_has_no_offset_from_a_cycle_and_a_middling_roughness():
    past = torch.zeros(1, T, 1)
    known = torch.zeros_like(past, dtype=torch.bool)
    past[0, -1], known[0, -1] = 2.0, True
    seasons = continue_seasons(past, known, 24, T)
    offset = seasons.offset_BCO.reshape(6, 4)
    assert offset[:5].isnan().all()
    assert (offset[5] == 2.0).all()
    assert (seasons.roughness_BCW == 0.0).all()
