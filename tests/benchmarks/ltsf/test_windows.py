import numpy as np
import pytest

from ttm_benchmarks.ltsf.protocol import Borders
from ttm_benchmarks.ltsf.windows import (
    PointScores,
    iterate_windows,
    persistence,
    window_count,
)

VALUES = np.stack([np.arange(20.0), -np.arange(20.0)], axis=1)
SPLIT = Borders(train_end=8, test_start=12, test_end=19)


def collect(at_once: int, context: int = 5):
    parts = list(iterate_windows(VALUES, SPLIT, context=context, horizon=3, at_once=at_once))
    histories = [history for part, _ in parts for history in part]
    return histories, np.concatenate([futures for _, futures in parts])


def test_every_window_in_the_test_part_comes_once_with_stride_1():
    _, futures = collect(at_once=2)
    expected = [[t, t + 1, t + 2] for t in range(12, 17)]
    np.testing.assert_array_equal(futures[..., 0], expected)
    np.testing.assert_array_equal(futures[..., 1], -np.array(expected))


def test_the_context_ends_where_the_window_begins_and_reaches_back_over_the_border():
    histories, futures = collect(at_once=2)
    for history, future in zip(histories, futures, strict=True):
        np.testing.assert_array_equal(history[:, 0], future[0, 0] + np.arange(-5, 0))
    assert histories[0][0, 0] < SPLIT.test_start


def test_where_the_data_begin_a_context_is_shorter():
    histories, _ = collect(at_once=2, context=14)
    assert [len(history) for history in histories] == [12, 13, 14, 14, 14]


@pytest.mark.parametrize("at_once", [1, 3, 5, 100])
def test_batches_change_nothing(at_once):
    histories, futures = collect(at_once)
    expected_histories, expected_futures = collect(2)
    np.testing.assert_array_equal(histories, expected_histories)
    np.testing.assert_array_equal(futures, expected_futures)


def test_windows_are_views_and_take_no_memory():
    histories, futures = next(iterate_windows(VALUES, SPLIT, context=5, horizon=3, at_once=5))
    assert np.shares_memory(futures, VALUES)
    assert all(np.shares_memory(history, VALUES) for history in histories)


def test_a_horizon_beyond_the_test_part_is_refused():
    with pytest.raises(ValueError, match="7 rows, fewer than the horizon 8"):
        window_count(SPLIT, 8)


def test_scores_by_hand_over_two_batches():
    scores = PointScores()
    scores.add(np.array([[[1.0], [2.0]]]), np.array([[[1.0], [4.0]]]))  # errors 0, 2
    scores.add(np.array([[[0.0], [0.0]]]), np.array([[[-1.0], [3.0]]]))  # errors -1, 3
    assert scores.mse == (0 + 4 + 1 + 9) / 4
    assert scores.mae == (0 + 2 + 1 + 3) / 4


def test_forecasts_of_another_shape_are_refused_not_broadcast():
    with pytest.raises(ValueError, match="shape"):
        PointScores().add(np.zeros((2, 3, 1)), np.zeros((2, 3)))


def test_persistence_repeats_the_last_value_of_each_channel():
    point = persistence([VALUES[:4], VALUES[:7]], 2)
    np.testing.assert_array_equal(point, [[[3, -3]] * 2, [[6, -6]] * 2])
