import numpy as np
import pytest

from tests.forecasting.conftest import make_forecaster
from tests.inputs.test_aggregation import medians
from ttm_estimators import load
from ttm_estimators.forecasting import temporal_aggregation
from ttm_estimators.forecasting.temporal_aggregation import FULL_WEIGHT_STEP, UNCHANGED_STEPS

LONG = np.random.default_rng(0).normal(size=300).cumsum()

SPREAD = np.array([-1.0, 0.0, 1.0])


def combine(steps, blocks, median, pass_steps=720):
    return temporal_aggregation.combine(steps, blocks, median, pass_steps)


def aggregating_forecaster():
    return make_forecaster(aggregation_factors=(2, 4), horizon=200, seasons_length=96)


@pytest.mark.parametrize("horizon", [UNCHANGED_STEPS + 1, 95, 96, 99])
def test_what_block_medians_forecast_alike_stays(horizon):
    near = np.random.default_rng(0).normal(size=(2, horizon, 1, 3)).cumsum(axis=-1)
    far = []
    for block in (2, 12):
        whole = near[:, : horizon // block * block]
        far.append(np.median(whole.reshape(2, horizon // block, block, 1, 3), axis=2))
    moved = combine(near, {2: far[0][..., [1, 1, 1]] + SPREAD, 12: far[1][..., [1, 1, 1]]}, 1)
    np.testing.assert_allclose(moved, near, atol=1e-12)


def test_the_nearest_steps_stay_and_far_ones_have_the_whole_shift():
    near = np.zeros((1, 120, 1, 3)) + SPREAD
    moved = combine(near, {2: np.full((1, 60, 1, 3), 3.0) + SPREAD}, 1)
    np.testing.assert_allclose(np.diff(moved, axis=-1), 1.0)
    share = moved[0, :, 0, 1] / 3
    assert (share[:48] == 0).all()
    assert share[48] > 0
    assert share[71] == pytest.approx(0.25)
    assert share[94] < 0.5
    np.testing.assert_allclose(share[95:], 0.5)


def test_weights_are_one_over_the_squares_of_spreads():
    near = np.zeros((1, 120, 1, 3)) + 2 * SPREAD
    far = [np.full((1, 60, 1, 3), 1.0) + SPREAD, np.full((1, 30, 1, 3), 10.0) + 4 * SPREAD]
    moved = combine(near, dict(zip((2, 4), far, strict=True)), 1)
    weight = np.array([1 / 4, 1, 1 / 16])
    expected = weight @ [0.0, 1.0, 10.0] / weight.sum()
    np.testing.assert_allclose(moved[0, FULL_WEIGHT_STEP:, 0, 1], expected)


def test_a_line_goes_on_between_the_middles_of_blocks():
    step = np.arange(144.0)
    near = np.zeros((1, 144, 1, 3)) + SPREAD
    middles = step.reshape(12, 12).mean(axis=1)[None, :, None, None] + SPREAD
    moved = combine(near, {12: middles}, 1)[0, :, 0, 1]
    np.testing.assert_allclose(moved[FULL_WEIGHT_STEP:138], step[FULL_WEIGHT_STEP:138] / 2)
    np.testing.assert_allclose(moved[138:], 137.5 / 2)


def test_the_spread_is_that_of_the_outer_quantiles():
    near = np.zeros((1, 120, 1, 3)) + np.array([-1.0, 0.0, 5.0])
    far = np.full((1, 60, 1, 3), 1.0) + np.array([-2.0, 0.0, 1.0])
    moved = combine(near, {2: far}, 1)
    np.testing.assert_allclose(moved[0, FULL_WEIGHT_STEP:, 0, 1], (1 / 9) / (1 / 9 + 1 / 36))


def test_a_step_without_any_spread_stays():
    near = np.zeros((1, 120, 1, 3))
    near[:, 100:] += SPREAD
    moved = combine(near, {2: np.ones((1, 60, 1, 3)) + SPREAD}, 1)
    np.testing.assert_array_equal(moved[0, :100], 0.0)
    np.testing.assert_allclose(moved[0, 100:, 0, 1], 0.5)


def test_a_forecast_without_any_spread_has_the_weight_of_one_of_a_thousandth():
    near = np.zeros((1, 120, 1, 3)) + SPREAD
    far = np.ones((1, 60, 1, 3))
    moved, same = (
        combine(near, {2: each}, 1)[0, FULL_WEIGHT_STEP:, 0, 1]
        for each in (far, far + SPREAD / 1000)
    )
    np.testing.assert_array_equal(moved, same)
    np.testing.assert_allclose(moved, 1e6 / (1e6 + 1))


def test_one_block_is_enough():
    near = np.zeros((1, UNCHANGED_STEPS + 1, 1, 3)) + SPREAD
    moved = combine(near, {12: np.full((1, 1, 1, 3), 2.0) + SPREAD}, 1)
    assert moved[0, UNCHANGED_STEPS, 0, 1] == pytest.approx(1 / 48)
    assert np.isfinite(moved).all()


@pytest.mark.parametrize("size", [1e-290, 1e290])
def test_weights_are_the_same_at_any_size(size):
    near = np.zeros((1, 120, 1, 3)) + SPREAD
    far = np.full((1, 60, 1, 3), 3.0) + SPREAD / 2
    moved = combine(size * near, {2: size * far}, 1)
    np.testing.assert_allclose(moved / size, combine(near, {2: far}, 1), atol=1e-12)


def test_a_longer_horizon_begins_with_the_shorter_one():
    forecaster = make_forecaster(seasons_length=96, aggregation_factors=(2, 4))  # rolled out
    long = forecaster.forecast([LONG], 250).quantiles
    for horizon in (17, UNCHANGED_STEPS, 60, 180, 249):
        shorter = forecaster.forecast([LONG], horizon).quantiles
        np.testing.assert_allclose(shorter, long[:, :horizon], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("horizon", [1, 48, 49, 71, 72, 95, 150])
def test_within_one_pass_a_longer_horizon_begins_with_all_of_the_shorter_one(horizon):
    model = load()
    steps = np.arange(6000)
    week = np.sin(steps / 4) + (steps // 48 % 7) + np.random.default_rng(0).normal(size=6000)
    long = model.forecast([week], 300).quantiles[:, :horizon]
    shorter = model.forecast([week], horizon).quantiles
    np.testing.assert_allclose(shorter, long, atol=1e-4)


def test_a_forecast_is_combined_with_those_from_block_medians():
    model = aggregating_forecaster()
    near = model.forecast([LONG[-96:]], 120).quantiles[:, :, None]
    far = [
        model.forecast([history], 120 // f).quantiles[:, :, None]
        for f, history in zip((2, 4), medians(LONG), strict=True)
    ]
    moved = model.forecast([LONG], 120).quantiles[:, :, None]
    middle = slice(0, 116)  # where the last block of neither holds on
    expected = combine(near, dict(zip((2, 4), far, strict=True)), 2)
    np.testing.assert_allclose(moved[:, middle], expected[:, middle], rtol=1e-5, atol=1e-4)
    assert np.abs(moved - near).max() > 0.01


def test_nothing_is_aggregated_for_a_short_horizon(monkeypatch):
    taken = []
    monkeypatch.setattr(
        "ttm_estimators.forecasting.forecaster.aggregated",
        lambda values, config, factors: taken.extend(factors) or {},
    )
    model = aggregating_forecaster()
    model.forecast([LONG], UNCHANGED_STEPS)
    assert not taken
    model.forecast([LONG], UNCHANGED_STEPS + 1)
    assert taken


def test_far_steps_depend_on_what_the_network_does_not_see_at_once():
    forecaster = aggregating_forecaster()
    assert forecaster.history_length == 256
    other = LONG.copy()
    other[-200:-100] += 50.0  # beyond the latest 96 points
    one, two = forecaster.forecast([LONG, other], 200).quantiles
    np.testing.assert_allclose(one[:UNCHANGED_STEPS], two[:UNCHANGED_STEPS], rtol=1e-5, atol=1e-4)
    assert not np.allclose(one[UNCHANGED_STEPS + 20 :], two[UNCHANGED_STEPS + 20 :])


def test_what_lies_before_the_history_length_does_not_matter():
    forecaster = aggregating_forecaster()
    longer = np.r_[np.full(50, 1e6), LONG[-forecaster.history_length :]]
    one, two = (forecaster.forecast([x], 200).quantiles for x in (longer, longer[50:]))
    np.testing.assert_array_equal(one, two)


def test_short_and_long_histories_of_a_batch_do_not_depend_on_each_other():
    forecaster = aggregating_forecaster()
    panel = [LONG, LONG[-100:], np.r_[LONG, np.full(200, np.nan)], LONG[::-1]]
    together = forecaster.forecast(panel, 200).quantiles
    assert np.isfinite(together).all()
    for series, quantiles in zip(panel, together, strict=True):
        alone = forecaster.forecast([series], 200).quantiles[0]
        np.testing.assert_allclose(quantiles, alone, rtol=1e-5, atol=1e-4)


def test_quantiles_of_far_steps_do_not_cross():
    quantiles = aggregating_forecaster().forecast([LONG], 400).quantiles
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def test_combined_forecasts_keep_short_cycles_and_the_width_of_bands():
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
