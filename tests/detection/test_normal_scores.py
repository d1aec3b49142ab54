import numpy as np
import pytest

from ttm_estimators.detection.normal_scores import MAX_SCORE, normal_scores, scores_of, values_at
from ttm_estimators.forecasting.quantile_levels import interpolate

LEVELS = (0.1, 0.2, 0.5, 0.8, 0.9)
QUANTILES = np.array([[-3.0, -1.0, 0.5, 1.0, 4.0]])


def score(value, quantiles=QUANTILES):
    return normal_scores(np.array([value]), np.asarray(quantiles, dtype=float), LEVELS)[0]


@pytest.mark.parametrize("level", [0.1, 0.15, 0.3, 0.5, 0.77, 0.9])
def test_a_quantile_has_the_normal_score_of_its_level(level):
    value = float(interpolate(QUANTILES, LEVELS, (level,))[0, 0])
    assert score(value) == pytest.approx(scores_of([level])[0])


@pytest.mark.parametrize("wanted", [-7.0, -1.0, 0.0, 0.3, 1.2816, 9.0])
def test_values_at_scores_have_these_scores(wanted):
    value = values_at(np.array([wanted]), QUANTILES, LEVELS)[0]
    assert score(value) == pytest.approx(wanted)


def test_a_value_that_is_several_quantiles_is_no_further_out_than_it_must_be():
    assert score(0.0, [[0, 0, 0, 1, 2]]) == 0.0
    assert score(0.0, [[0, 0, 1, 2, 3]]) == pytest.approx(scores_of([0.2])[0])
    assert score(3.0, [[0, 1, 2, 3, 3]]) == pytest.approx(scores_of([0.8])[0])


def test_any_value_beside_a_distribution_of_no_width_is_as_far_out_as_can_be():
    assert score(5.0, [[5, 5, 5, 5, 5]]) == 0.0
    assert score(5.1, [[5, 5, 5, 5, 5]]) == MAX_SCORE
    assert score(4.9, [[5, 5, 5, 5, 5]]) == -MAX_SCORE


def test_what_is_missing_has_no_score():
    assert np.isnan(score(np.nan))
    assert np.isnan(score(1.0, [[np.nan] * 5]))
