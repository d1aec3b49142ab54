import pytest
import torch

from tests.network.seasonal.conftest import T, noise, wave
from ttm_estimators.network.seasonal.periods import (
    CALENDAR_LAGS,
    Cycle,
    Repetition,
    find_periods,
    normalised_difference,
)


def periods(*series, observed=None):
    x = torch.stack(series)
    known = torch.ones_like(x, dtype=torch.bool) if observed is None else observed
    return find_periods(x, known)


@pytest.mark.parametrize("period", [4, 7, 12, 24, 52, 96, 168])
def test_the_period_of_a_wave_is_found(period):
    best, short, _ = periods(wave(period) + 0.02 * noise())[0][0]
    assert abs(best - period * round(float(best / period))) <= 1
    assert abs(short - period) <= 1


@pytest.mark.parametrize("period", [7, 24])
def test_a_trend_and_noise_do_not_hide_a_period(period):
    series = wave(period) + 0.02 * torch.arange(float(T)) + 0.3 * noise()
    assert periods(series)[0][0, Cycle.SHORT] % period == 0


def test_a_week_of_days_gives_both_the_week_and_the_day():
    series = wave(24) + 0.5 * wave(168) + 0.01 * noise()
    assert periods(series)[0][0].tolist() == [168, 24, 168]


@pytest.mark.parametrize("lag", [7, 12, 52, 168, 336, 364, 672, 1008, 1440, 2016])
def test_the_cycle_of_a_calendar_is_told_beside_the_best(lag):
    length = max(T, 2 * lag + 500)
    one, other = (torch.randn(length, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    found, repetition, _ = periods(one[:lag].repeat(length // lag + 1)[:length] + 0.3 * other)
    assert found[0, Cycle.CALENDAR] in CALENDAR_LAGS
    assert found[0, Cycle.CALENDAR] % lag == 0
    assert repetition[0, Cycle.CALENDAR, Repetition.DIFFERENCE] < 0.3


def test_walks_seldom_repeat_after_a_lag_of_the_calendar():
    walks = torch.randn(200, 4 * T, generator=torch.Generator().manual_seed(0)).cumsum(dim=1)
    _, repetition, _ = periods(*walks)
    found = (repetition[..., Repetition.DIFFERENCE] < 0.5).float().mean(dim=0)
    assert found[Cycle.CALENDAR] < 0.5 * found[Cycle.BEST]


def test_without_a_cycle_of_a_calendar_none_is_said_to_repeat():
    for length in (6, T):  # too short for any, and a straight line
        found, repetition, _ = periods(torch.arange(float(length)))
        assert found[0, Cycle.CALENDAR] < length
        assert repetition[0, Cycle.CALENDAR, Repetition.DIFFERENCE] == 1


def test_noise_repeats_worse_than_a_wave():
    _, repetition, _ = periods(noise(), wave(24))
    assert repetition[0, Cycle.BEST, Repetition.DIFFERENCE] > 0.6
    assert repetition[1, Cycle.BEST, Repetition.DIFFERENCE] < 0.1


def test_a_normalised_difference_is_relative_to_the_largest_at_shorter_lags():
    error, pairs = torch.tensor([[1.0, 4.0, 2.0, 8.0]]), torch.full((1, 4), 10000.0)
    expected = torch.tensor([[1.0, 1.0, 0.5 * 1.01, 1.0]])
    torch.testing.assert_close(normalised_difference(error, pairs), expected)


def test_a_constant_history_has_no_cycle_and_stays_finite():
    _, repetition, _ = periods(torch.zeros(T))
    assert repetition.isfinite().all()
    assert (repetition[..., Repetition.DIFFERENCE] == 1).all()


def test_periods_do_not_depend_on_gaps_in_other_series():
    series = torch.stack([wave(24) + 0.3 * noise(1), noise(2).cumsum(0), wave(7) + 0.1 * noise(3)])
    known = torch.ones_like(series, dtype=torch.bool)
    alone, repetition, _ = find_periods(series[:2], known[:2])
    known[2, 100:130] = False
    together, repetition_together, _ = find_periods(series, known)
    assert torch.equal(together[:2], alone)
    assert torch.allclose(repetition_together[:2], repetition, atol=1e-6)


@pytest.mark.parametrize("points", [1, 2, 5, 100, 300])
def test_a_short_history_is_searched_alike_beside_a_long_one(points):
    short, long = wave(24) + 0.3 * noise(1), wave(7) + 0.1 * noise(2)
    known = torch.ones(2, T, dtype=torch.bool)
    known[0, : T - points] = False
    alone, repetition, difference = find_periods(short[None], known[:1])
    together = find_periods(torch.stack([short, long]), known)
    assert torch.equal(together.period_NM[:1], alone)
    assert torch.allclose(together.repetition_NMU[:1], repetition, atol=1e-6)
    searched = difference.shape[1]
    assert torch.allclose(together.difference_NG[:1, :searched], difference, atol=1e-9)
    assert (together.difference_NG[0, searched:] == 1).all()


def test_scale_and_offset_do_not_change_the_periods():
    series = wave(24) + 0.2 * noise()
    found = periods(series)[0]
    assert torch.equal(found, periods(100 * series + 30)[0])


def test_the_period_is_found_with_half_of_the_points_missing():
    series = wave(24) + 0.02 * noise()
    observed = noise(1)[None] > 0
    assert (
        periods(torch.where(observed[0], series, 99.0), observed=observed)[0][0, Cycle.SHORT] == 24
    )


def test_a_young_history_is_searched_where_it_is_observed():
    observed = torch.zeros(1, T, dtype=torch.bool)
    observed[:, -60:] = True
    assert periods(wave(12), observed=observed)[0][0, Cycle.SHORT] == 12
