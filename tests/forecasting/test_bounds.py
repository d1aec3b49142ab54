import numpy as np
import pytest

from tests.forecasting.conftest import make_forecaster
from ttm_estimators.forecasting.bounds import find_bounds

HORIZON = 7


def bounds(values):
    low, high = find_bounds(np.asarray(values, dtype=float)[:, None])
    return low[0], high[0]


def night_and_day(length=60):
    return np.maximum(0.0, np.sin(np.arange(length) / 3))


def test_a_value_that_a_series_comes_back_to_is_a_bound():
    assert bounds(night_and_day()) == (0.0, np.inf)
    assert bounds(-5 - night_and_day()) == (-np.inf, -5.0)
    assert bounds(np.tile([0.0, 1.0, 1.0, 0.0], 4)) == (0.0, 1.0)


def test_an_extreme_that_is_met_once_is_no_bound():
    assert bounds(np.random.default_rng(0).normal(size=500)) == (-np.inf, np.inf)


def test_a_bound_has_eight_points():
    assert bounds([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 8])[0] == -np.inf
    assert bounds([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0])[0] == 0.0


def test_a_bound_has_a_hundredth_of_the_points():
    values = np.random.default_rng(0).uniform(1, 2, size=1000)
    values[50:950:100] = 0.0
    assert bounds(values)[0] == -np.inf
    values[500] = 0.0
    assert bounds(values)[0] == 0.0
    assert bounds(np.r_[np.full(500, np.nan), values])[0] == 0.0  # of those that were observed


def test_a_bound_is_visited_three_times():
    rest, other = np.zeros(10), np.arange(1.0, 11)
    assert bounds(np.r_[rest, other, rest, rest])[0] == -np.inf
    assert bounds(np.r_[rest, other, rest, other, rest])[0] == 0.0
    assert bounds(np.r_[other, rest, other, rest, other])[0] == -np.inf


def test_the_highest_step_of_a_staircase_is_no_bound():
    stairs = np.repeat(np.arange(5.0), 20)
    assert bounds(stairs) == (-np.inf, np.inf)
    stairs[::5] = np.nan  # which does not make several visits of one
    assert bounds(stairs) == (-np.inf, np.inf)


def test_a_series_that_rises_on_a_grid_has_no_bounds():
    noise = np.random.default_rng(0).normal(size=200)
    rising = np.round(0.05 * np.arange(200) + noise)
    assert rising[rising == rising.max()].size >= 3
    assert bounds(np.r_[rising, np.tile([rising.max(), 9.0], 10)]) == (-np.inf, np.inf)


def test_missing_values_are_no_part_of_a_bound():
    gappy = night_and_day()
    gappy[::4] = np.nan
    assert bounds(gappy) == (0.0, np.inf)
    assert bounds(np.full(5, np.nan)) == (-np.inf, np.inf)


@pytest.mark.parametrize("horizon", [HORIZON, 40])  # 40: rolled out
def test_no_quantile_passes_a_bound(forecaster, horizon):
    history = night_and_day(64)
    forecast = forecaster.forecast([history, 3 - history, history + 5], horizon)
    free = forecaster.forecast([history + 0.01 * np.arange(64)], horizon)
    assert free.quantiles.min() < 0
    assert forecast.quantiles[0].min() == 0.0
    assert forecast.quantiles[1].max() == 3.0
    assert forecast.quantiles[2].min() == 5.0
    assert forecast.point[0].min() >= 0.0


def test_every_channel_has_its_own_bounds(forecaster):
    history = night_and_day(64)
    wide = forecaster.forecast([np.stack([history, 3 - history], axis=1)], HORIZON).quantiles
    assert wide[0, :, 0].min() == 0.0
    assert wide[0, :, 1].max() == 3.0
    assert wide[0, :, 0].max() > 0.0


def test_bounds_before_the_context_are_forgotten(forecaster):
    points = forecaster.config.context_length
    before, history = np.tile([-9.0, 9.0], 30), np.random.default_rng(0).normal(size=points)
    forecast = forecaster.forecast([np.r_[before, history], before], HORIZON)
    assert forecast.low.tolist() == [[-np.inf], [-9.0]]
    assert forecast.high.tolist() == [[np.inf], [9.0]]


def test_levels_that_are_interpolated_do_not_pass_a_bound(forecaster):
    forecast = forecaster.forecast([night_and_day(64)], HORIZON)
    assert forecast.at([0.001, 0.02]).min() == 0.0
    asked = forecaster.forecast([night_and_day(64)], HORIZON, quantile_levels=[0.7, 0.02, 0.5])
    np.testing.assert_array_equal(asked.quantiles, forecast.at([0.7, 0.02, 0.5]))
    np.testing.assert_array_equal(asked.point, forecast.point)


def test_far_steps_stay_within_the_bounds_of_near_ones():
    forecaster = make_forecaster(horizon=200, seasons_length=96, aggregation_factors=(2, 4))
    history = np.abs(np.random.default_rng(0).normal(size=300))
    history[::3] = 0.0
    assert forecaster.forecast([history], 200).quantiles.min() == 0.0
