import numpy as np
import pytest

from ttm_estimators.inputs.batch import MAX_GAP_STEPS, latest, make_batch

CONTEXT = 64


def batch(*histories):
    members = [(f"series {i}", np.asarray(x, float)[:, None]) for i, x in enumerate(histories)]
    return make_batch(members, CONTEXT, 2 * CONTEXT)


def test_a_constant_context_is_zero_whatever_was_before_it():
    before = np.random.default_rng(0).normal(size=CONTEXT)
    made = batch(np.r_[1e9 * before, np.full(CONTEXT, 3.0)], np.r_[before, before])
    np.testing.assert_array_equal(made.past_BTC[0], 0.0)
    assert made.scale_BC[0] == 0.0
    assert made.loc_BC[0] == 3.0
    assert made.past_BTC[1].std() > 0.9


def test_short_gaps_take_the_value_before_them_within_the_context_and_before_it():
    history = np.random.default_rng(0).normal(size=2 * CONTEXT)
    gappy, filled = history.copy(), history.copy()
    for gap in (20, 100):
        gappy[gap] = np.nan
        filled[gap] = filled[gap - 1]
    made, alone = batch(gappy), batch(filled)
    assert made.observed_BTC.all()
    shifted = made.past_BTC * made.scale_BC[:, None] + made.loc_BC[:, None]
    expected = alone.past_BTC * alone.scale_BC[:, None] + alone.loc_BC[:, None]
    np.testing.assert_allclose(shifted, expected, atol=1e-6)


def test_the_context_takes_no_value_from_before_it():
    history = np.random.default_rng(0).normal(size=2 * CONTEXT)
    history[CONTEXT : CONTEXT + 5] = np.nan
    assert not batch(history).observed_BTC[0, CONTEXT : CONTEXT + 5].any()


def test_histories_are_left_as_they_were():
    history = np.random.default_rng(0).normal(size=2 * CONTEXT)
    history[7] = np.nan
    given = history.copy()
    batch(given)
    np.testing.assert_array_equal(given, history)


@pytest.mark.parametrize("missing", [64, MAX_GAP_STEPS, 2 * MAX_GAP_STEPS - 1])
def test_a_gap_is_forecast_step_by_step(missing):
    values = np.concatenate([np.arange(5.0), np.full(missing, np.nan)])
    history = latest(values[:, None], 64, "series 0")
    assert history.gap == missing
    assert history.values[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("missing", [2 * MAX_GAP_STEPS, 9 * MAX_GAP_STEPS + 100])
def test_a_gap_that_is_absurd_costs_a_bounded_time_and_keeps_the_phase(missing):
    gap = latest(np.append(1.0, np.full(missing, np.nan))[:, None], 64, "series 0").gap
    assert MAX_GAP_STEPS <= gap < 2 * MAX_GAP_STEPS
    for season in (7, 12, 24, 48, 96, 144, 168, 288, 672, 1440):
        assert (missing - gap) % season == 0


def test_a_gap_at_the_end_is_no_history_however_short_it_is():
    values = np.append(np.arange(70.0), np.full(5, np.nan))[:, None]
    history = latest(values, 64, "series 0")
    assert (history.gap, history.values[:, 0].tolist()) == (5, [*range(6, 70)])
