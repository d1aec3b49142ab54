from dataclasses import replace

import numpy as np
import pytest

from tests.forecasting.conftest import make_forecaster
from tests.tiny import PUBLISHED_KIND, TINY
from ttm_estimators.forecasting.farther import FAR, NEAR, blocks_ahead, from_farther, mix

LONG = np.random.default_rng(0).normal(size=300).cumsum()

CONFIG = replace(TINY, seasons_length=96)
"""It looks at 96 points, and its 64 blocks of two points reach 128 back."""


def far_forecaster():
    return make_forecaster(horizon=200, seasons_length=96)


def blocks(values):
    far = from_farther(np.asarray(values, dtype=float)[:, None], CONFIG)
    return None if far is None else far[:, 0]


def test_the_last_block_ends_with_the_series():
    np.testing.assert_array_equal(blocks(np.arange(201.0)), np.arange(73.5, 201, 2))


def test_a_history_that_the_network_sees_whole_is_not_looked_at_again():
    assert blocks(np.arange(96.0)) is None
    assert blocks(np.arange(97.0)) is not None


def test_a_block_is_the_mean_of_what_was_observed():
    values = np.arange(300.0)
    values[-1] = np.nan
    values[-4:-2] = np.nan
    far = blocks(values)
    assert far[-1] == 298
    assert np.isnan(far[-2])
    assert blocks(np.r_[np.arange(200.0), np.full(200, np.nan)]) is None


def test_the_largest_values_do_not_overflow():
    np.testing.assert_allclose(blocks(np.full(300, 1.5e308)), 1.5e308)


@pytest.mark.parametrize("block", [2, 4])
@pytest.mark.parametrize("horizon", [NEAR + 1, 399, 400, 401])
def test_a_line_in_blocks_is_the_line_in_steps(block, horizon):
    line = np.arange(4.0 * horizon)
    near = line[None, :horizon, None, None]
    ahead = blocks_ahead(horizon, block)
    far = line[: ahead * block].reshape(1, ahead, block).mean(axis=2)[..., None, None]
    mixed = mix(near, far, block)
    np.testing.assert_allclose(mixed[0, 1:, 0, 0], line[1:horizon])


def test_near_steps_are_forecast_from_near_and_far_ones_half_from_farther():
    near, far = np.zeros((1, 500, 1, 1)), np.ones((1, blocks_ahead(500, 4), 1, 1))
    share = mix(near, far, 4)[0, :, 0, 0]
    assert (share[: NEAR + 1] == 0).all()
    assert (np.diff(share) >= 0).all()
    assert share[(NEAR + FAR) // 2] == pytest.approx(0.25)
    assert (share[FAR:] == 0.5).all()


def test_a_longer_horizon_begins_with_the_shorter_one():
    forecaster = make_forecaster(seasons_length=96)  # rolled out
    long = forecaster.forecast([LONG], 250).quantiles
    for horizon in (NEAR, 180):
        np.testing.assert_allclose(
            forecaster.forecast([LONG], horizon).quantiles, long[:, :horizon], rtol=1e-5, atol=1e-4
        )


def test_far_steps_depend_on_what_the_network_does_not_see_at_once():
    forecaster = far_forecaster()
    assert forecaster.history_length == 128
    other = LONG.copy()
    other[-128:-100] += 50.0  # beyond the latest 96 points
    one, two = forecaster.forecast([LONG, other], 200).quantiles
    np.testing.assert_allclose(one[:NEAR], two[:NEAR], rtol=1e-5, atol=1e-4)
    assert not np.allclose(one[NEAR + 20 :], two[NEAR + 20 :])


def test_what_lies_before_the_history_length_does_not_matter():
    forecaster = far_forecaster()
    longer = np.r_[np.full(50, 1e6), LONG[-forecaster.history_length :]]
    one, two = (forecaster.forecast([x], 200).quantiles for x in (longer, longer[50:]))
    np.testing.assert_array_equal(one, two)


def test_short_and_long_histories_of_a_batch_do_not_depend_on_each_other():
    forecaster = far_forecaster()
    panel = [LONG, LONG[-100:], np.r_[LONG, np.full(200, np.nan)], LONG[::-1]]
    together = forecaster.forecast(panel, 200).quantiles
    assert np.isfinite(together).all()
    for series, quantiles in zip(panel, together, strict=True):
        alone = forecaster.forecast([series], 200).quantiles[0]
        np.testing.assert_allclose(quantiles, alone, rtol=1e-5, atol=1e-4)


def test_quantiles_of_far_steps_do_not_cross():
    quantiles = far_forecaster().forecast([LONG], 400).quantiles
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def test_where_blocks_reach_no_farther_there_are_none():
    assert make_forecaster().history_length == 128
    assert from_farther(LONG[:, None], TINY) is None


def test_networks_of_one_scale_and_those_that_mix_channels_look_once():
    assert make_forecaster(**PUBLISHED_KIND).history_length == 64
    tied = make_forecaster(channels=2, mix_channels=True, seasons_length=96)
    assert tied.history_length == 96
    assert np.isfinite(tied.forecast([np.stack([LONG, LONG], axis=1)], 200).quantiles).all()
