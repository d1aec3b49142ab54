import numpy as np

from ttm_estimators.forecasting.series import make_batch

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


def test_short_gaps_hold_the_value_before_them_within_the_context_and_before_it():
    history = np.random.default_rng(0).normal(size=2 * CONTEXT)
    gappy, held = history.copy(), history.copy()
    for gap in (20, 100):
        gappy[gap] = np.nan
        held[gap] = held[gap - 1]
    made, alone = batch(gappy), batch(held)
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
