import numpy as np
import pytest

from ttm_benchmarks.gift_eval.picture import LABEL_HEIGHT, spread


def test_names_that_are_apart_stay_at_their_points():
    assert spread([0.1, 0.5, 0.9]) == [0.1, 0.5, 0.9]


@pytest.mark.parametrize("heights", [[0.5] * 9, [0.97, 0.98, 0.99], list(np.linspace(0, 1, 30))])
def test_names_keep_their_order_and_a_line_between_them_within_the_axes(heights):
    found = spread(heights)
    assert np.diff(found).min() >= LABEL_HEIGHT - 1e-9
    assert found[0] >= 0
    assert found[-1] <= 1


def test_more_names_than_lines_come_closer():
    found = spread([0.5] * 100)
    assert np.diff(found).min() == pytest.approx(0.01)
    assert found[0] >= -1e-9
