from dataclasses import replace

import numpy as np
import pytest

from tests.forecasting.conftest import make_forecaster
from tests.tiny import PUBLISHED_KIND, TINY
from ttm_estimators import load
from ttm_estimators.forecasting import farther, forecaster
from ttm_estimators.forecasting.farther import FAR, NEAR, from_farther
from ttm_estimators.network.add_covariates import add_covariates

LONG = np.random.default_rng(0).normal(size=300).cumsum()

CONFIG = replace(TINY, seasons_length=96, far_factors=(2, 4))
"""It looks at 96 points; its 64 blocks of two reach 128 back, those of four 256."""

SPREAD = np.array([-1.0, 0.0, 1.0])


def move(near, looks, median, at_once=720):
    return farther.move(near, looks, median, at_once)


def far_forecaster(**changes):
    return make_forecaster(
        **{"horizon": 200, "seasons_length": 96, "far_factors": (2, 4)} | changes
    )


def looks(values):
    return [
        look[:, 0]
        for look in from_farther(np.asarray(values, dtype=float)[:, None], CONFIG).values()
    ]


def blocks(values):
    return looks(values)[1]


def test_the_last_block_ends_with_the_series():
    two, four = looks(np.arange(202.0))
    np.testing.assert_array_equal(two, np.arange(74.5, 202, 2))
    np.testing.assert_array_equal(four, np.arange(3.5, 202, 4))
    np.testing.assert_array_equal(blocks(np.arange(500.0)), np.arange(245.5, 500, 4))


def test_a_history_that_the_network_sees_whole_is_not_looked_at_again():
    assert looks(np.arange(96.0)) == []
    assert len(looks(np.arange(97.0))) == 2
    assert looks(np.r_[np.full(50, np.nan), np.arange(96.0)]) == []


def test_missing_values_in_front_are_no_history():
    history = np.arange(150.0)
    np.testing.assert_array_equal(blocks(np.r_[np.full(70, np.nan), history]), blocks(history))


def test_a_block_is_the_median_of_what_was_observed_and_missing_where_most_is():
    values = np.arange(300.0)
    values[-1] = values[-8:-6] = values[-12:-9] = np.nan
    np.testing.assert_array_equal(blocks(values)[-4:], [285.5, np.nan, 294.5, 297])
    values[-4] = -1e6
    assert blocks(values)[-1] == 297.0


def test_no_look_is_taken_where_the_blocks_of_one_hold_little_of_what_was_observed():
    sparse = np.full(300, np.nan)
    sparse[::4] = 10.0
    sparse[100:104] = -50.0
    assert looks(sparse) == []
    early = np.r_[LONG[:20], np.full(280, np.nan)]  # before what a look reaches back to
    assert looks(early) == []


def test_the_largest_values_do_not_overflow():
    np.testing.assert_allclose(blocks(np.full(300, 1.5e308)), 1.5e308)


@pytest.mark.parametrize("horizon", [NEAR + 1, 47, 48, 51])
def test_what_is_the_same_from_farther_away_stays(horizon):
    near = np.random.default_rng(0).normal(size=(2, horizon, 1, 3)).cumsum(axis=-1)
    far = []
    for block in (2, 12):
        whole = near[:, : horizon // block * block]
        far.append(np.median(whole.reshape(2, horizon // block, block, 1, 3), axis=2))
    moved = move(near, {2: far[0][..., [1, 1, 1]] + SPREAD, 12: far[1][..., [1, 1, 1]]}, 1)
    np.testing.assert_allclose(moved, near, atol=1e-12)


def test_near_steps_stay_and_far_ones_move_all_of_the_way():
    near = np.zeros((1, 100, 1, 3)) + SPREAD
    moved = move(near, {2: np.full((1, 50, 1, 3), 3.0) + SPREAD}, 1)
    np.testing.assert_allclose(np.diff(moved, axis=-1), 1.0)
    share = moved[0, :, 0, 1] / 3
    assert (share[:12] == 0).all()
    assert share[12] > 0
    assert share[29] == pytest.approx(0.25)
    assert share[46] < 0.5
    np.testing.assert_allclose(share[47:], 0.5)


def test_looks_weigh_by_one_over_the_square_of_their_spreads():
    near = np.zeros((1, 60, 1, 3)) + 2 * SPREAD
    far = [np.full((1, 30, 1, 3), 1.0) + SPREAD, np.full((1, 15, 1, 3), 10.0) + 4 * SPREAD]
    moved = move(near, dict(zip((2, 4), far, strict=True)), 1)
    weight = np.array([1 / 4, 1, 1 / 16])
    expected = weight @ [0.0, 1.0, 10.0] / weight.sum()
    np.testing.assert_allclose(moved[0, FAR:, 0, 1], expected)


def test_a_line_goes_on_between_the_middles_of_blocks():
    step = np.arange(96.0)
    near = np.zeros((1, 96, 1, 3)) + SPREAD
    middles = step.reshape(8, 12).mean(axis=1)[None, :, None, None] + SPREAD
    moved = move(near, {12: middles}, 1)[0, :, 0, 1]
    np.testing.assert_allclose(moved[FAR:90], step[FAR:90] / 2)
    np.testing.assert_allclose(moved[90:], 89.5 / 2)


def test_the_spread_is_that_of_the_outer_quantiles():
    near = np.zeros((1, 60, 1, 3)) + np.array([-1.0, 0.0, 5.0])
    far = np.full((1, 30, 1, 3), 1.0) + np.array([-2.0, 0.0, 1.0])
    moved = move(near, {2: far}, 1)
    np.testing.assert_allclose(moved[0, FAR:, 0, 1], (1 / 9) / (1 / 9 + 1 / 36))


def test_a_step_without_any_spread_stays():
    near = np.zeros((1, 60, 1, 3))
    near[:, 50:] += SPREAD
    moved = move(near, {2: np.ones((1, 30, 1, 3)) + SPREAD}, 1)
    np.testing.assert_array_equal(moved[0, :50], 0.0)
    np.testing.assert_allclose(moved[0, 50:, 0, 1], 0.5)


def test_a_look_without_any_spread_weighs_as_one_of_a_thousandth():
    near = np.zeros((1, 60, 1, 3)) + SPREAD
    far = np.ones((1, 30, 1, 3))
    moved = move(near, {2: far}, 1)[0, FAR:, 0, 1]
    np.testing.assert_array_equal(moved, move(near, {2: far + SPREAD / 1000}, 1)[0, FAR:, 0, 1])
    np.testing.assert_allclose(moved, 1e6 / (1e6 + 1))


def test_one_block_is_enough():
    near = np.zeros((1, NEAR + 1, 1, 3)) + SPREAD
    moved = move(near, {12: np.full((1, 1, 1, 3), 2.0) + SPREAD}, 1)
    assert moved[0, NEAR, 0, 1] == pytest.approx(1 / 36)
    assert np.isfinite(moved).all()


@pytest.mark.parametrize("size", [1e-290, 1e290])
def test_looks_weigh_the_same_at_any_size(size):
    near = np.zeros((1, 60, 1, 3)) + SPREAD
    far = np.full((1, 30, 1, 3), 3.0) + SPREAD / 2
    moved = move(size * near, {2: size * far}, 1)
    np.testing.assert_allclose(moved / size, move(near, {2: far}, 1), atol=1e-12)


def test_a_longer_horizon_begins_with_the_shorter_one():
    forecaster = make_forecaster(seasons_length=96, far_factors=(2, 4))  # rolled out
    long = forecaster.forecast([LONG], 250).quantiles
    for horizon in (NEAR, 17, 60, 180, 249):
        shorter = forecaster.forecast([LONG], horizon).quantiles
        np.testing.assert_allclose(shorter, long[:, :horizon], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("horizon", [1, 12, 13, 23, 24, 71, 150])
def test_within_one_pass_a_longer_horizon_begins_with_all_of_the_shorter_one(horizon):
    model = load()
    steps = np.arange(6000)
    week = np.sin(steps / 4) + (steps // 48 % 7) + np.random.default_rng(0).normal(size=6000)
    long = model.forecast([week], 300).quantiles[:, :horizon]
    shorter = model.forecast([week], horizon).quantiles
    np.testing.assert_allclose(shorter, long, atol=1e-4)


def test_a_forecast_is_moved_to_what_each_look_forecasts():
    model = far_forecaster()
    near = model.forecast([LONG[-96:]], 60).quantiles[:, :, None]
    far = [
        model.forecast([look], 60 // f).quantiles[:, :, None]
        for f, look in zip((2, 4), looks(LONG), strict=True)
    ]
    moved = model.forecast([LONG], 60).quantiles[:, :, None]
    middle = slice(0, 56)  # where the last block of neither holds on
    expected = move(near, dict(zip((2, 4), far, strict=True)), 2)
    np.testing.assert_allclose(moved[:, middle], expected[:, middle], rtol=1e-5, atol=1e-4)
    assert np.abs(moved - near).max() > 0.01


def test_no_look_is_taken_for_a_short_horizon(monkeypatch):
    taken = []
    monkeypatch.setattr(forecaster, "from_farther", lambda *_: taken.append(1) or {})
    model = far_forecaster()
    model.forecast([LONG], 12)
    assert not taken
    model.forecast([LONG], 13)
    assert taken


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


def test_looks_from_farther_away_keep_short_cycles_and_the_width_of_bands():
    """A block has no place for a cycle of seven steps, and less noise than a step."""
    model = load()
    step = np.arange(6000)
    cycle = model.forecast([np.sin(step * 2 * np.pi / 7)], 720).point[0]
    np.testing.assert_allclose(
        cycle[400:], np.sin((6000 + step[400:720]) * 2 * np.pi / 7), atol=0.1
    )
    noise = model.forecast([np.random.default_rng(0).normal(size=6000)], 720).quantiles[0]
    assert np.ptp(noise[400:, [0, -1]], axis=1).mean() > 2.2


@pytest.mark.parametrize("shape", [0.5, 1.0])
def test_skewed_noise_keeps_its_median_and_its_outer_quantiles(shape):
    """The mean of a block lies above the median of its points."""
    noise = np.random.default_rng(0).gamma(shape, size=(8, 12000))
    history, future = noise[:, :-480], noise[:, -480 + 48 :, None]
    near, moved = (
        (future <= load().forecast(list(each), 480).quantiles[:, 48:]).mean(axis=(0, 1))
        for each in (history[:, -4096:], history)
    )
    np.testing.assert_allclose(moved[[4, 8]], [0.5, 0.9], atol=0.05)
    # Of means the lowest decile gains 0.36. Of medians it gains 0.13, as the whole band moves with
    # a median that had been too low.
    np.testing.assert_allclose(moved, near, atol=0.14)


def test_a_constant_goes_on_whatever_was_long_ago():
    history = 1e9 * np.random.default_rng(0).normal(size=8000)
    history[-2048:] = 3.0
    np.testing.assert_array_equal(load().forecast([history], 200).quantiles, 3.0)


def test_networks_that_take_no_look_from_farther_away_say_so():
    assert make_forecaster(**PUBLISHED_KIND).history_length == 64
    assert make_forecaster().history_length == 128
    assert from_farther(LONG[:, None], TINY) == {}


def test_a_network_that_was_made_for_channels_takes_no_look_from_farther_away():
    mixing = add_covariates(far_forecaster().network, targets=2, mix_channels=True)
    assert mixing.config.far_factors == ()
    with pytest.raises(ValueError, match="channels that are forecast apart"):
        replace(CONFIG, channels=2, mix_channels=True)


def test_looks_need_quantiles_to_weigh_by():
    for levels in ((), (0.5,)):
        with pytest.raises(ValueError, match="quantile levels"):
            replace(CONFIG, quantile_levels=levels)


@pytest.mark.parametrize("factors", [(1.5,), (1, 4), (4, 13), (4, 4), (8, 4), 4])
def test_factors_out_of_range_are_refused(factors):
    with pytest.raises(ValueError, match="far_factors"):
        replace(CONFIG, far_factors=factors)


def test_a_factor_that_reaches_no_farther_is_refused():
    with pytest.raises(ValueError, match="reach farther than the 128 points"):
        replace(TINY, far_factors=(2, 4))
