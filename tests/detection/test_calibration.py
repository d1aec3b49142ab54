import numpy as np
import pytest

from ttm_estimators.detection.calibration import MAX_GROWTH, Calibration, thresholds

rng = np.random.default_rng(0)
POINTS = 10_000
DISTRIBUTIONS = {
    "normal": rng.normal(size=POINTS),
    "narrow": 0.2 * rng.normal(size=POINTS),
    "heavy tail": rng.standard_t(2, size=POINTS),
    "one side": rng.exponential(size=POINTS),
}


@pytest.mark.parametrize("rate", [0.01, 0.001])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_fraction_of_flags_is_the_nominal_rate_whatever_the_scores_are_distributed_like(
    name, rate
):
    scores = DISTRIBUTIONS[name]
    flagged = np.abs(scores) > thresholds(scores, rate)
    late = flagged[POINTS // 4 :]
    noise = 4 * np.sqrt(rate / len(late))
    assert abs(late.mean() - rate) < 0.35 * rate + noise


def test_a_threshold_depends_on_earlier_scores_only():
    scores = DISTRIBUTIONS["normal"][:3000]
    changed = np.concatenate([scores[:2000], 30 * scores[2000:]])
    ours, theirs = thresholds(scores, 0.01), thresholds(changed, 0.01)
    assert np.array_equal(ours[:2001], theirs[:2001])
    assert theirs[-1] > ours[-1]


def test_points_without_a_score_change_nothing():
    scores = DISTRIBUTIONS["normal"][:200]
    gappy = np.concatenate([scores[:100], np.full(50, np.nan), scores[100:]])
    assert thresholds(gappy, 0.01)[-1] == thresholds(scores, 0.01)[-1]


def test_a_huge_score_counts_as_little_more_than_the_threshold():
    calibration = Calibration(0.01)
    before = calibration.threshold
    assert calibration.add(38.0)
    assert calibration.threshold <= MAX_GROWTH * before


def test_a_threshold_is_passed_on_both_sides():
    calibration = Calibration(0.01)
    beyond = 2 * calibration.threshold
    assert calibration.add(beyond)
    assert calibration.add(-beyond)
    assert not calibration.add(0.0)
