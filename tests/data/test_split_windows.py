import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import TINY
from ttm_estimators.data.split_windows import Cuts, every_cut, last_cut, make_windows, split
from ttm_estimators.inputs.covariates import Joined


def ramp(points, offset=0.0):
    values = np.arange(points, dtype=float)[:, None] + offset
    return Joined(values, values[:0], (), ())


@given(st.integers(3, 400), st.integers(1, 60), st.floats(0.01, 0.99))
def test_no_future_of_training_reaches_into_one_of_validation(points, horizon, share):
    (training,), (validation,) = split([ramp(points)], horizon, share)
    assert len(training.series.values_TC) == validation.first
    assert training.points >= 1 <= validation.points
    assert validation.first + validation.points - 1 < points
    assert training.first + training.points - 1 < validation.first


@given(st.integers(3, 400), st.integers(1, 60))
def test_validation_has_a_whole_horizon_where_the_series_has_three(points, horizon):
    _, (validation,) = split([ramp(points)], horizon, 0.01)
    known = points - (validation.first + validation.points - 1)
    assert known == horizon or points < 3 * horizon


def test_series_of_two_points_are_left_out():
    assert split([ramp(2), ramp(1), ramp(0)], 5, 0.2) == ([], [])
    assert len(every_cut([ramp(2), ramp(1)], 5)) == len(last_cut([ramp(2), ramp(1)], 5)) == 1


def test_windows_hold_what_comes_before_and_after_their_cut():
    series = ramp(100)
    windows = make_windows([Cuts(series, 70, 2)], TINY, 12, max_windows=9, seed=0)
    assert windows.past.shape == (2, 128, 1)  # with what cycles are looked for in
    assert windows.future.shape == (2, 12, 1)
    past, future = windows.past[..., 0].numpy(), windows.future[..., 0].numpy()
    step = past[:, -1] - past[:, -2]
    expected = past[:, -1:] + step[:, None] * np.arange(1, 13)
    np.testing.assert_allclose(future, expected, rtol=1e-4)


def test_many_windows_are_drawn_at_random_without_repeats():
    cuts = every_cut([ramp(200), ramp(300, 1e4)], 12)
    one, same, other = (
        make_windows(cuts, TINY, 12, max_windows=50, seed=s).past for s in (0, 0, 1)
    )
    assert len(one) == 50
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_windows_of_a_series_that_begin_within_two_horizons_are_of_one_block():
    cuts = [Cuts(ramp(100), 40, 25), Cuts(ramp(100, 9.0), 40, 25)]
    for channels in (True, False):
        both = [
            one._replace(series=one.series._replace(origin=0 if channels else i))
            for i, one in enumerate(cuts)
        ]
        block = make_windows(both, TINY, 5, max_windows=99, seed=0).block.numpy()
        of_one = np.repeat([0, 1, 2], [10, 10, 5])
        np.testing.assert_array_equal(block, np.r_[of_one, of_one + (0 if channels else 3)])


def test_nothing_is_to_be_learnt_from_the_future_of_a_constant():
    constant = Joined(np.r_[np.ones(80), np.arange(20)][:, None], np.empty((0, 0)), (), ())
    windows = make_windows([Cuts(constant, 80, 1)], TINY, 12, max_windows=9, seed=0)
    assert windows.future.isnan().all()
    assert not windows.past.isinf().any()


@pytest.mark.parametrize(
    ("history", "half", "expected"),
    [(5, True, (8, 20)), (15, True, (15, 13)), (64, True, (18, 10)), (64, False, (28, 0))],
)
def test_short_histories_can_be_left_out(history, half, expected):
    assert Cuts(ramp(40), 8, 20).after(history, half=half)[1:] == expected


def window_of(past, future):
    """The window of a series that is cut behind ``past``."""
    series = Joined(np.r_[past, future][:, None], np.empty((0, 0)), (), ())
    windows = make_windows([Cuts(series, len(past), 1)], TINY, 12, max_windows=9, seed=0)
    return windows.past[0, :, 0], windows.future[0, :, 0]


def test_a_short_series_is_cut_in_half_and_its_future_is_padded():
    windows = make_windows(every_cut([ramp(4)], 12), TINY, 12, max_windows=9, seed=0)
    assert (~windows.past.isnan()).sum() == (~windows.future.isnan()).sum() == 2


def test_nothing_is_learnt_from_a_history_that_is_all_missing():
    assert window_of(np.full(9, np.nan), np.arange(12.0))[1].isnan().all()


def test_a_gap_is_filled_in_the_past_as_in_a_forecast_and_missing_in_the_future():
    past, future = np.arange(64.0), np.arange(64.0, 76)
    past[:2] = past[3] = future[2] = np.nan
    past_T, future_H = window_of(past, future)
    assert past_T.isnan().nonzero().flatten().tolist() == [0, 1]
    assert past_T[3] == past_T[2]
    assert future_H.isnan().nonzero().flatten().tolist() == [2]


def test_a_large_level_leaves_small_changes_intact():
    small = np.sin(np.arange(76))
    plain, lifted = (window_of((small + a)[:64], (small + a)[64:]) for a in (0.0, 1e8))
    torch.testing.assert_close(plain, lifted, atol=1e-6, rtol=0)
