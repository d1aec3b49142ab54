import math

import pytest
import torch

from tests.network.seasonal.conftest import T, noise, wave
from ttm_estimators.network.seasonal.naive_forecasts import (
    SEASONAL_NAIVE,
    seasonal_naive_forecasts,
)
from ttm_estimators.network.seasonal.periods import Cycle, Repetition

BEST, SHORT_MEAN, BEST_MEAN, CALENDAR, CALENDAR_MEAN = range(len(SEASONAL_NAIVE))
NO_CYCLE = len(SEASONAL_NAIVE)


def forecasts(past, horizon, context_length=T):
    """Of histories of which every point is observed."""
    known = torch.ones_like(past, dtype=torch.bool)
    return seasonal_naive_forecasts(past, known, horizon, context_length)


def test_a_wave_is_continued():
    series = wave(24, T + 100) + 0.5 * wave(168, T + 100)
    past = series[None, :T, None]
    forecast = forecasts(past, 100).forecast_BCYH
    assert forecast.shape == (1, 1, 5, 100)
    for kind in (BEST, BEST_MEAN, CALENDAR, CALENDAR_MEAN):
        assert (forecast[0, 0, kind] - series[T:]).abs().max() < 1e-4


def test_the_average_of_a_cycle_is_less_noisy_than_its_latest():
    clean = wave(24, T + 48) + 0.7 * wave(96, T + 48)
    past = (clean[:T] + 0.1 * noise())[None, :, None]
    seasons = forecasts(past, 48)
    error = (seasons.forecast_BCYH[0, 0] - clean[T:]).square().mean(dim=-1)
    assert error[BEST_MEAN] < 0.5 * error[BEST]


def test_a_cycle_of_which_nothing_is_observed_is_zero():
    past = torch.randn(2, T, 1)
    forecast = seasonal_naive_forecasts(
        past, torch.zeros_like(past, dtype=torch.bool), 30, T
    ).forecast_BCYH
    assert torch.equal(forecast, torch.zeros(2, 1, 5, 30))


def test_channels_and_series_keep_their_own_cycles():
    past = torch.stack([wave(24), wave(60)], dim=-1)[None].repeat(3, 1, 1)
    past[2] = noise()[:, None]
    together = forecasts(past, 48)
    alone = forecasts(past[1:2, :, 1:], 48)
    assert torch.allclose(together.forecast_BCYH[1:2, 1:], alone.forecast_BCYH, atol=1e-5)
    assert torch.allclose(together.repetition_BCMU[1:2, 1:], alone.repetition_BCMU, atol=1e-4)


def test_a_cycle_too_long_for_the_context_is_found_further_back():
    series = noise()[:400].repeat(3)  # 400 steps do not repeat often enough in 512
    past = series[None, : 2 * T, None]
    forecast = forecasts(past, 100).forecast_BCYH
    assert torch.allclose(forecast[0, 0, BEST], series[2 * T : 2 * T + 100], atol=1e-6)


def test_a_week_too_long_for_the_context_is_found_further_back():
    week = noise()[:336].repeat_interleave(2)
    series = torch.cat([0.7 * week, week, week])
    past = series[None, 672 - 352 : 2 * 672, None]  # 512 of context, 512 before it
    seasons = forecasts(past, 100)
    assert torch.allclose(seasons.forecast_BCYH[0, 0, CALENDAR], week[:100], atol=1e-6)


def test_a_repeat_by_chance_in_the_context_does_not_hide_a_cycle_of_the_whole():
    series = noise().repeat(2)[:600].repeat(2)[-2 * T :].clone()
    series[T : T + 171] = series[-171:]  # so that the context repeats after 341 steps
    past = series[None, :, None]
    context = forecasts(past[:, T:], 50).forecast_BCYH
    assert torch.equal(context[0, 0, BEST], series[-341:-291])
    whole = forecasts(past, 50).forecast_BCYH
    assert torch.equal(whole[0, 0, BEST], series[-600:-550])


def test_a_cycle_of_many_pairs_in_the_context_is_kept_whatever_was_before():
    past = torch.cat([3 * wave(100, 4 * T), wave(24, 4 * T)])[None, :, None]
    whole = forecasts(past, 50, 4 * T)
    context = forecasts(past[:, 4 * T :], 50, 4 * T)
    assert torch.equal(whole.forecast_BCYH[..., BEST, :], context.forecast_BCYH[..., BEST, :])


def test_a_cycle_from_before_the_context_is_told_by_its_error_in_the_context():
    """And the short cycle is that of the context in any case."""
    series = noise()[:400].repeat(3)[: 2 * T] + 0.2 * torch.cat([wave(30), 3 * wave(30)])
    past = series[None, :, None]
    whole = forecasts(past, 50)
    context = forecasts(past[:, T:], 50)
    error = (series[T:] - series[T - 400 : 2 * T - 400]).square().mean().sqrt()
    assert whole.repetition_BCMU[0, 0, Cycle.BEST, Repetition.ERROR] == pytest.approx(
        error.item(), rel=1e-4
    )
    assert torch.equal(
        whole.repetition_BCMU[:, :, Cycle.SHORT], context.repetition_BCMU[:, :, Cycle.SHORT]
    )
    assert torch.equal(
        whole.forecast_BCYH[:, :, SHORT_MEAN], context.forecast_BCYH[:, :, SHORT_MEAN]
    )


def test_a_context_that_repeats_as_well_is_enough():
    past = (wave(24, 2 * T) + 0.3 * torch.cat([noise(0), noise(1)]))[None, :, None]
    whole = forecasts(past, 50)
    context = forecasts(past[:, T:], 50)
    assert torch.equal(whole.repetition_BCMU, context.repetition_BCMU)
    # Its average may reach further back than the context.
    assert torch.equal(
        whole.forecast_BCYH[:, :, [BEST, SHORT_MEAN]],
        context.forecast_BCYH[:, :, [BEST, SHORT_MEAN]],
    )


def test_cycles_at_another_level_before_the_context_are_not_averaged():
    past = wave(150, 2 * T)[None, :, None].clone()
    past[:, :T] += 3.0
    whole = forecasts(past, 50).forecast_BCYH
    context = forecasts(past[:, T:], 50).forecast_BCYH
    assert torch.allclose(whole[0, 0, BEST_MEAN], context[0, 0, BEST_MEAN], atol=1e-5)


def test_a_week_that_had_another_level_is_not_taken():
    week = wave(60, 672)
    past = torch.cat([week[-352:] + 3.0, week])[None, :, None]
    whole = forecasts(past, 50)
    context = forecasts(past[:, T:], 50)
    assert torch.equal(
        whole.repetition_BCMU[:, :, Cycle.CALENDAR],
        context.repetition_BCMU[:, :, Cycle.CALENDAR],
    )


def test_offsets_tell_how_far_the_latest_points_lie_above_their_cycle():
    series = wave(24, T)
    series[-4:] += 0.5
    series[-1] += 1.0
    past = series[None, :, None]
    seasons = forecasts(past, 24)
    offset = seasons.offset_BCJW[0, 0]
    torch.testing.assert_close(
        offset[BEST], torch.tensor([1.5, 0.75, 0.1875, 3 / 64]), atol=1e-4, rtol=0
    )
    assert offset[NO_CYCLE, 0] == series[-1]
    torch.testing.assert_close(offset[NO_CYCLE, 2], series[-16:].mean())


def test_points_that_are_missing_are_in_no_offset():
    series = wave(24, T)
    series[-2:] = math.nan
    past = series[None, :, None]
    known = ~past.isnan()
    seasons = seasonal_naive_forecasts(past.nan_to_num(99.0), known, 24, T)
    offset = seasons.offset_BCJW[0, 0]
    assert offset[:, 0].isnan().all()
    assert offset[:NO_CYCLE, 1].abs().max() < 1e-3
    torch.testing.assert_close(offset[NO_CYCLE, 1], series[-4:-2].mean())


def test_another_level_before_the_context_is_in_no_offset():
    series = noise()[:300].repeat(4)[: 2 * T].clone()
    series[:T] += 5.0
    past = series[None, :, None]
    context = forecasts(past[:, T:], 24)
    whole = forecasts(past, 24)
    torch.testing.assert_close(whole.offset_BCJW, context.offset_BCJW, equal_nan=True)


def test_roughness_is_the_mean_step_of_the_latest_points():
    series = torch.zeros(T)
    series[-3] = 0.1
    past = series[None, :, None]
    seasons = forecasts(past, 24)
    expected = torch.tensor([1e-4, 0.05, 0.2 / 16, 0.2 / 64]).log10()
    torch.testing.assert_close(seasons.roughness_BCW[0, 0], expected)


def test_a_single_point_has_no_offset_from_a_cycle_and_a_middling_roughness():
    past = torch.zeros(1, T, 1)
    known = torch.zeros_like(past, dtype=torch.bool)
    past[0, -1], known[0, -1] = 2.0, True
    seasons = seasonal_naive_forecasts(past, known, 24, T)
    offset = seasons.offset_BCJW[0, 0]
    assert offset[:NO_CYCLE].isnan().all()
    assert (offset[NO_CYCLE] == 2.0).all()
    assert (seasons.roughness_BCW == 0.0).all()
