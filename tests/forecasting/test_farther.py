from dataclasses import replace

import numpy as np
import pytest

from tests.forecasting.conftest import make_forecaster
from tests.tiny import PUBLISHED_KIND, TINY
from ttm_estimators import load
from ttm_estimators.forecasting.farther import FAR, NEAR, from_farther, move
from ttm_estimators.network.widening import widen

LONG = np.random.default_rng(0).normal(size=300).cumsum()

CONFIG = replace(TINY, seasons_length=96, far_factor=4)
"""It looks at 96 points, and its 64 blocks of four reach 256 back."""


def far_forecaster():
    return make_forecaster(horizon=200, seasons_length=96, far_factor=4)


def blocks(values):
    far = from_farther(np.asarray(values, dtype=float)[:, None], CONFIG)
    return None if far is None else far[:, 0]


def test_the_last_block_ends_with_the_series():
    np.testing.assert_array_equal(blocks(np.arange(202.0)), np.arange(3.5, 202, 4))
    np.testing.assert_array_equal(blocks(np.arange(500.0)), np.arange(245.5, 500, 4))


def test_a_history_that_the_network_sees_whole_is_not_looked_at_again():
    assert blocks(np.arange(96.0)) is None
    assert blocks(np.arange(97.0)) is not None
    assert blocks(np.r_[np.full(50, np.nan), np.arange(96.0)]) is None


def test_missing_values_in_front_are_no_history():
    history = np.arange(150.0)
    np.testing.assert_array_equal(blocks(np.r_[np.full(70, np.nan), history]), blocks(history))


def test_a_block_is_the_mean_of_what_was_observed_and_missing_where_most_is():
    values = np.arange(300.0)
    values[-1] = values[-8:-6] = values[-12:-9] = np.nan
    np.testing.assert_array_equal(blocks(values)[-4:], [285.5, np.nan, 294.5, 297])


def test_blocks_that_hold_little_of_what_was_observed_are_not_looked_at():
    sparse = np.full(300, np.nan)
    sparse[::4] = 10.0
    sparse[100:104] = -50.0
    assert blocks(sparse) is None


def test_the_largest_values_do_not_overflow():
    np.testing.assert_allclose(blocks(np.full(300, 1.5e308)), 1.5e308)


@pytest.mark.parametrize("block", [2, 4])
@pytest.mark.parametrize("horizon", [NEAR + 1, 399, 400, 403])
def test_what_is_the_same_from_farther_away_stays(block, horizon):
    near = np.random.default_rng(0).normal(size=(2, horizon, 1, 3))
    whole = near[:, : horizon // block * block, :, 1]
    far = whole.reshape(2, horizon // block, block, 1).mean(axis=2)
    np.testing.assert_allclose(move(near, far, block, 1), near, atol=1e-12)


@pytest.mark.parametrize("block", [2, 4, 10])
def test_far_steps_move_half_of_the_way_and_near_ones_stay(block):
    near = np.zeros((1, 500, 1, 2)) + np.array([-1.0, 0.0])
    far = np.broadcast_to(
        (np.arange(500 // block) + 0.5)[:, None] * block - 0.5, (1, 500 // block, 1)
    )
    moved = move(near, far, block, 1)
    np.testing.assert_allclose(np.diff(moved, axis=-1), 1.0)
    inside = np.arange(500 - block)  # the last change holds on from the middle of the last block
    share = moved[0, 1 : 500 - block, 0, 1] / inside[1:]
    assert (share[:NEAR] == 0).all()
    assert share[(NEAR + FAR) // 2 - 1] == pytest.approx(0.25)
    np.testing.assert_allclose(share[FAR:], 0.5)


def test_a_longer_horizon_begins_with_the_shorter_one():
    forecaster = make_forecaster(seasons_length=96, far_factor=4)  # rolled out
    long = forecaster.forecast([LONG], 250).quantiles
    for horizon in (NEAR, 180):
        shorter = forecaster.forecast([LONG], horizon).quantiles[:, :-4]
        np.testing.assert_allclose(shorter, long[:, : horizon - 4], rtol=1e-5, atol=1e-4)


def test_far_steps_depend_on_what_the_network_does_not_see_at_once():
    forecaster = far_forecaster()
    assert forecaster.history_length == 256
    other = LONG.copy()
    other[-200:-100] += 50.0  # beyond the latest 96 points
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


def test_the_second_look_keeps_short_cycles_and_the_width_of_bands():
    """A block has no place for a cycle of seven steps, and less noise than a step."""
    model = load()
    step = np.arange(6000)
    cycle = model.forecast([np.sin(step * 2 * np.pi / 7)], 720).point[0]
    np.testing.assert_allclose(
        cycle[400:], np.sin((6000 + step[400:720]) * 2 * np.pi / 7), atol=0.1
    )
    noise = model.forecast([np.random.default_rng(0).normal(size=6000)], 720).quantiles[0]
    assert np.ptp(noise[400:, [0, -1]], axis=1).mean() > 2.2


def test_networks_that_take_no_second_look_say_so():
    assert make_forecaster(**PUBLISHED_KIND).history_length == 64
    assert make_forecaster().history_length == 128
    assert from_farther(LONG[:, None], TINY) is None


def test_a_network_that_was_made_for_channels_takes_no_second_look():
    apart = make_forecaster(seasons_length=96, far_factor=4).network
    assert widen(apart, targets=2, mix_channels=True).config.far_factor == 1
    with pytest.raises(ValueError, match="channels that are forecast apart"):
        replace(CONFIG, channels=2, mix_channels=True)


@pytest.mark.parametrize("factor", [1.5, 0, 49])
def test_factors_out_of_range_are_refused(factor):
    with pytest.raises(ValueError, match="far_factor"):
        replace(CONFIG, far_factor=factor)


def test_a_factor_that_reaches_no_farther_is_refused():
    with pytest.raises(ValueError, match="reaches no farther than the 128 points"):
        replace(TINY, far_factor=2)
