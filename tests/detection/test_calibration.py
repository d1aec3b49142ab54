import numpy as np
import pytest

from ttm_estimators.detection.calibration import (
    MAX_FAULTY_POINTS,
    MAX_GROWTH,
    Calibration,
    thresholds,
)

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


@pytest.mark.parametrize("rate", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("stuck", [0.0, 1e-9])
def test_scores_of_a_stuck_sensor_do_not_flag_all_that_follows(rate, stuck):
    before = 2100
    scores = np.concatenate([stuck * rng.normal(size=before), rng.normal(size=7000)])
    flagged = np.abs(scores) > thresholds(scores, rate)
    change = flagged[before : before + MAX_FAULTY_POINTS]
    assert change.all()
    late = flagged[before + 2000 :].mean()
    assert abs(late - rate) < 0.35 * rate + 4 * np.sqrt(rate / 5000)


def test_flags_that_normal_points_lie_between_raise_a_threshold_of_nothing_too():
    scores = np.concatenate([np.zeros(3000), np.tile([0.0, 1.0, -1.0], 100)])
    flagged = np.abs(scores) > thresholds(scores, 0.001)
    assert flagged[3001:3003].all()
    assert not flagged[3020:].any()


def test_of_flags_in_a_row_the_first_alone_counts_until_they_are_too_many_for_a_fault():
    calibration = Calibration(0.001)
    before = calibration.threshold
    found = []
    for _ in range(MAX_FAULTY_POINTS + 3):
        assert calibration.add(38.0)
        found.append(calibration.threshold)
    assert len(set(found[:MAX_FAULTY_POINTS])) == 1
    assert found[-1] > before


@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_a_series_that_is_far_out_again_and_again_is_soon_flagged_at_the_rate(rate):
    scores = np.where(rng.random(2000) < 0.1, 30 + rng.random(2000), 0.1)
    flagged = np.abs(scores) > thresholds(scores, rate)
    assert flagged.sum() <= 2 * rate * len(scores) + 3


def test_two_faults_do_not_hide_a_third():
    scores = rng.normal(size=1500)
    scores[[700, 900]], scores[1400] = 38.0, 20.0
    assert (np.abs(scores) > thresholds(scores, 0.001))[[700, 900, 1400]].all()


def test_scores_of_a_long_outage_leave_a_threshold_that_the_largest_score_passes():
    scores = np.concatenate([rng.normal(size=500), np.full(100, 38.0), rng.normal(size=500)])
    assert (thresholds(scores, 0.001) < 38).all()
