import numpy as np
import pytest
import torch

from ttm_estimators.inputs.batch import (
    FORWARD_FILL_LIMIT_STEPS as LIMIT,
)
from ttm_estimators.inputs.batch import (
    MAX_GAP_STEPS,
    forward_fill,
    latest,
    make_batch,
)

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


def test_a_long_gap_is_filled_at_its_beginning_only():
    values = torch.arange(1.0, 101.0)[None, :, None]
    observed = torch.ones_like(values, dtype=torch.bool)
    observed[:, 10:90] = False
    filled, known = forward_fill(values * observed, observed, 100)
    assert known[0, :, 0].tolist() == [True] * (10 + LIMIT) + [False] * (80 - LIMIT) + [True] * 10
    assert (filled[0, 10 : 10 + LIMIT, 0] == 10.0).all()
    assert (filled[0, 10 + LIMIT : 90, 0] == 0.0).all()


@pytest.mark.parametrize("context", [1, 40, 99, 100, 300])
def test_both_sides_of_the_beginning_of_the_context_are_filled_apart(context):
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 100, 2)))
    observed = torch.rand(5, 100, 2, generator=torch.Generator().manual_seed(0)) < 0.3
    filled, known = forward_fill(values, observed, context)
    for part in (np.s_[:, :-context], np.s_[:, -context:]):
        alone = forward_fill(values[part], observed[part], 100)
        assert torch.equal(filled[part], alone[0])
        assert torch.equal(known[part], alone[1])


@pytest.mark.parametrize("missing", [64, MAX_GAP_STEPS, 2 * MAX_GAP_STEPS - 1])
def test_a_gap_is_forecast_step_by_step(missing):
    values = np.concatenate([np.arange(5.0), np.full(missing, np.nan)])
    history = latest(values[:, None], 64, 64, "series 0")
    assert history.gap == missing
    assert history.values[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("missing", [2 * MAX_GAP_STEPS, 9 * MAX_GAP_STEPS + 100])
def test_a_gap_that_is_absurd_costs_a_bounded_time_and_keeps_the_phase(missing):
    gap = latest(np.append(1.0, np.full(missing, np.nan))[:, None], 64, 64, "series 0").gap
    assert MAX_GAP_STEPS <= gap < 2 * MAX_GAP_STEPS
    for season in (7, 12, 24, 48, 96, 144, 168, 288, 672, 1440):
        assert (missing - gap) % season == 0


def test_a_series_with_a_value_in_the_context_has_no_gap():
    values = np.append(1.0, np.full(63, np.nan))[:, None]
    assert latest(values, 64, 64, "series 0").gap == 0
