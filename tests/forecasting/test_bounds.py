import numpy as np
import pytest

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
    assert bounds(np.tile([0.0, 1.0, 1.0, 0.0], 3)) == (0.0, 1.0)


def test_an_extreme_that_is_met_once_is_no_bound():
    assert bounds(np.random.default_rng(0).normal(size=500)) == (-np.inf, np.inf)


def test_the_highest_step_of_a_staircase_is_no_bound():
    assert bounds(np.repeat(np.arange(5.0), 20)) == (-np.inf, np.inf)


def test_a_bound_has_a_share_of_the_points():
    rare = np.random.default_rng(0).uniform(1, 2, size=1000)
    rare[[100, 300, 500, 700]] = 0.0
    assert bounds(rare) == (-np.inf, np.inf)
    assert bounds(rare[:400]) == (-np.inf, np.inf)  # two points alone
    assert bounds(np.r_[rare[90:190], rare[450:550], rare[290:310], rare[690:710]])[0] == 0.0


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
    history = np.random.default_rng(0).normal(size=forecaster.config.context_length)
    longer = np.r_[np.tile([-0.1, 0.1], 30), history]
    quantiles = forecaster.forecast([longer], HORIZON).quantiles
    assert quantiles.min() < -0.1
    assert quantiles.max() > 0.1
