import numpy as np
import pytest

from ttm_benchmarks.demo.metrics import mase, seasonal_error, weighted_quantile_loss

NAN = np.nan


def test_seasonal_error_is_the_mean_absolute_seasonal_difference():
    # |3 - 1| = 2, |6 - 2| = 4, |3 - 3| = 0
    assert seasonal_error(np.array([1.0, 2.0, 3.0, 6.0, 3.0]), 2) == 2.0


def test_seasonal_error_leaves_pairs_with_a_missing_value_out():
    assert seasonal_error(np.array([1.0, NAN, 3.0, 6.0, 4.0]), 2) == 1.5


def test_mase_scales_every_window_by_its_own_history():
    truth = np.array([[1.0, 2.0], [10.0, 20.0]])
    point = np.array([[2.0, 2.0], [10.0, 0.0]])
    # 1/2, 0/2, 0/10, 20/10 on average
    assert mase(truth, point, np.array([2.0, 10.0])) == pytest.approx(2.5 / 4)


def test_mase_leaves_missing_truth_out():
    truth = np.array([[1.0, NAN]])
    assert mase(truth, np.array([[4.0, 7.0]]), np.array([2.0])) == 1.5


def test_weighted_quantile_loss_by_hand():
    truth = np.array([[4.0, -1.0]])
    quantiles = np.array([[[2.0, 5.0], [0.0, 1.0]]])
    # level 0.2: 0.2 * 2 + 0.8 * 1 = 1.2; level 0.5: 0.5 * 1 + 0.5 * 2 = 1.5; |4| + |-1| = 5
    expected = (2 * 1.2 / 5 + 2 * 1.5 / 5) / 2
    assert weighted_quantile_loss(truth, quantiles, (0.2, 0.5)) == pytest.approx(expected)


def test_weighted_quantile_loss_leaves_missing_truth_out():
    truth = np.array([[4.0, NAN]])
    quantiles = np.array([[[2.0], [9.0]]])
    assert weighted_quantile_loss(truth, quantiles, (0.5,)) == pytest.approx(2 * 1.0 / 4)
