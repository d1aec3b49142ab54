"""``Forecaster.detect``, on the weights that ship where it is promised what is found."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttm_estimators
from tests.properties.draws import KINDS
from tests.tiny import tiny_network
from ttm_estimators import Forecaster
from ttm_estimators.detection.calibration import MAX_FAULTY_POINTS
from ttm_estimators.detection.normal_scores import normal_scores

rng = np.random.default_rng(0)
NOISY = 10 + 3 * np.sin(np.arange(420) * np.pi / 12) + 0.3 * rng.normal(size=420)


@pytest.fixture(scope="module")
def shipped():
    return ttm_estimators.load()


@pytest.fixture(scope="module")
def tiny():
    return Forecaster(tiny_network(horizon=8, quantile_levels=(0.1, 0.5, 0.9)))


def with_faults():
    series = NOISY.copy()
    series[200] += 4
    series[250:255] = -999
    series[320:] -= 5
    return series


@pytest.fixture(scope="module")
def faulty(shipped):
    return shipped.detect(with_faults())[0]


def test_spikes_error_codes_and_the_first_points_of_a_new_level_are_flagged(faulty):
    flags = set(np.flatnonzero(faulty.flag).tolist())
    assert {200, *range(250, 255), 320} <= flags
    assert flags <= {200, *range(250, 255), *range(320, 320 + 2 * MAX_FAULTY_POINTS)}
    assert faulty.score[200] > 0
    assert (faulty.score[250:255] < 0).all()


def test_a_new_level_is_accepted(faulty):
    late = slice(360, None)
    assert not faulty.flag[late].any()
    assert np.abs(faulty.median[late] - with_faults()[late]).mean() < 1


def test_no_point_depends_on_a_later_one(shipped, faulty):
    start = shipped.detect(with_faults()[:253])[0]
    for name in ("score", "flag", "median", "low", "high"):
        whole, part = getattr(faulty, name)[:253], getattr(start, name)
        np.testing.assert_allclose(part, whole, rtol=1e-4, err_msg=name)


def test_the_score_is_that_of_the_forecast_of_the_points_before(shipped):
    found = shipped.detect(NOISY[:100])[0]
    for t in (64, 80, 99):
        forecast = shipped.forecast(NOISY[:t], 1)
        expected = normal_scores(NOISY[t : t + 1], forecast.quantiles[0], forecast.levels)
        np.testing.assert_allclose(found.score[t], expected[0], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found.median[t], forecast.point[0, 0], rtol=1e-4)


def test_a_flag_is_a_value_outside_of_low_and_high(faulty):
    with np.errstate(invalid="ignore"):
        outside = (with_faults() < faulty.low) | (with_faults() > faulty.high)
    assert np.array_equal(outside, faulty.flag)


@pytest.mark.parametrize("step", [1, 5])
def test_missing_points_and_the_warm_up_have_no_score(tiny, step):
    series = NOISY[:150].copy()
    series[[3, 90, 91, 149]] = np.nan
    found = tiny.detect(series, warm_up=20, step=step)[0]
    assert np.isnan(found.score[:21]).all()  # one of the first is missing
    scored = np.isfinite(found.score)
    assert scored[21:].sum() == 150 - 21 - 3
    assert not found.flag[~scored].any()


def test_a_gap_longer_than_all_that_the_network_sees_is_passed(tiny):
    series = np.concatenate([NOISY[:60], np.full(200, np.nan), NOISY[260:300]])
    found = tiny.detect(series, warm_up=20)[0]
    assert np.isfinite(found.score[260:]).all()


def test_the_score_does_not_depend_on_the_rate_and_a_higher_rate_flags_more(tiny):
    low, high = (tiny.detect(NOISY[:300], rate=rate)[0] for rate in (0.01, 0.2))
    assert np.array_equal(low.score, high.score, equal_nan=True)
    assert high.flag.sum() > low.flag.sum()


def test_what_is_far_out_is_missing_from_later_histories_only_for_a_while(shipped, monkeypatch):
    seen = []
    forecast = shipped.forecast

    def spy(histories, *steps, **options):
        seen.extend(history.copy() for history in histories)
        return forecast(histories, *steps, **options)

    monkeypatch.setattr(shipped, "forecast", spy)
    series = NOISY[:100].copy()
    series[70:] += 1000
    shipped.detect(series, warm_up=60)
    after = {len(history): history for history in seen}
    assert np.isnan(after[75][70:]).all()
    assert np.isfinite(after[99][70 : 70 + MAX_FAULTY_POINTS]).all()


def test_several_series_are_scored_each_by_itself(tiny):
    alone = tiny.detect(NOISY[100:200])[0]
    together = tiny.detect([NOISY[:80], NOISY[100:200]])
    assert [len(one.score) for one in together] == [80, 100]
    assert np.array_equal(together[1].score, alone.score, equal_nan=True)


def test_a_constant_series_is_flagged_where_it_changes(shipped):
    series = np.full(120, 7.0)
    series[100] = 7.5
    assert np.flatnonzero(shipped.detect(series)[0].flag).tolist() == [100]


@pytest.mark.parametrize(
    "series",
    [
        np.concatenate([np.zeros(2100), rng.poisson(3, 300)]),
        np.concatenate([np.round(20 + 0.01 * rng.normal(size=2100), 1), 20 + rng.normal(size=300)]),
    ],
    ids=["unused at first", "rounded at first"],
)
def test_a_sensor_that_was_constant_for_long_is_flagged_only_where_it_comes_alive(shipped, series):
    flag = shipped.detect(series.astype(float), step=6)[0].flag
    assert not flag[:2100].any()
    assert flag[2100:2150].sum() > MAX_FAULTY_POINTS / 2
    assert flag[2240:].sum() <= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1e-320}, "rate must be a number from 0.0001 to 0.5, got 1e-320"),
        ({"rate": float("nan")}, "rate must be a number from 0.0001 to 0.5, got nan"),
        ({"rate": 0}, "rate must be a number from 0.0001 to 0.5, got 0"),
        ({"rate": "much"}, "rate must be a number from 0.0001 to 0.5, got 'much'"),
        ({"step": 0}, "step must be at least 1, got 0"),
        ({"warm_up": 0}, "warm_up must be at least 1, got 0"),
    ],
)
def test_bad_parameters_are_refused(tiny, options, message):
    with pytest.raises(ValueError, match=message):
        tiny.detect(NOISY[:100], **options)


def test_channels_are_refused_by_name(tiny):
    with pytest.raises(ValueError, match=r"series 0 has shape \(50, 2\): give each channel"):
        tiny.detect([NOISY[:100].reshape(50, 2)])


@pytest.mark.parametrize(
    "changes", [{"quantile_levels": ()}, {"channels": 2, "mix_channels": True}]
)
def test_a_model_that_can_not_score_points_is_refused(changes):
    with pytest.raises(ValueError, match="detect needs a model with quantiles"):
        Forecaster(tiny_network(**changes)).detect(NOISY[:100])


def test_the_four_signatures_have_the_same_defaults():
    from ttm_estimators.command_line.detect import detect as command
    from ttm_estimators.detection import detect

    every = (detect, Forecaster.detect, Forecaster.detect_df, command)
    for name in ("rate", "warm_up", "step", "batch_size", "keep_outliers"):
        assert len({inspect.signature(one).parameters[name].default for one in every}) == 1


def test_a_detection_is_shown_as_one_line():
    found = ttm_estimators.load().detect(np.arange(200.0) % 7)[0]
    assert repr(found) == "Detection(200 points, 136 scored, 0 flagged at rate 0.001)"


def test_sparse_counts_are_soon_flagged_at_the_rate():
    counts = np.random.default_rng(0).poisson(0.1, 800).astype(float)
    found = ttm_estimators.load().detect(counts)[0]
    assert found.flag.sum() <= 7  # 12 if flags counted no more than half above what they passed


@pytest.mark.parametrize("code", [-999, 9999, 1e20])
@pytest.mark.parametrize("hours", [12, 24, 72])
def test_an_outage_of_any_length_is_flagged_and_hides_no_later_fault(shipped, code, hours):
    series = 20 + 5 * np.sin(np.arange(700) * np.pi / 12)
    series += np.random.default_rng(0).normal(0, 0.3, 700)
    series[300 : 300 + hours] = code
    series[450:455] = 9999
    series[600] = 60
    flag = shipped.detect(series, step=6)[0].flag
    assert flag[300 : 300 + hours].all()
    assert flag[450:455].all()
    assert flag[600]


def test_an_outage_is_scored_past_as_a_gap_is(shipped):
    code, gap = (NOISY[:280].copy() for _ in range(2))
    code[200:240], gap[200:240] = -999, np.nan
    found, expected = (shipped.detect(each, step=4)[0] for each in (code, gap))
    np.testing.assert_allclose(found.score[240:], expected.score[240:], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found.flag[240:], expected.flag[240:])


def test_a_code_that_an_unsure_forecast_takes_for_likely_is_flagged_where_none_is_negative(shipped):
    traffic = np.random.default_rng(0).gamma(0.5, 1e5, size=200)
    traffic[150] = -999
    found = shipped.detect(traffic)[0]
    assert abs(found.score[150]) < 2
    assert found.flag[150]
    assert found.low[150] == traffic[:150].min()


def test_kept_outliers_are_readings_like_others(shipped):
    series = NOISY.copy()
    series[100:120] = -999
    found = shipped.detect(series, step=6, keep_outliers=True)[0]
    assert found.median[119] < 0


@given(
    kind=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 2**32 - 1),
    fault=st.sampled_from([-999.0, 9999.0, 1e20, 60.0, 0.0]),
    run=st.sampled_from([1, 5, 30, 60]),
    rate=st.sampled_from([0.001, 0.01, 0.2]),
)
@settings(max_examples=20, deadline=None)
def test_a_flag_is_outside_of_low_and_high_whatever_the_series(kind, seed, fault, run, rate):
    random = np.random.default_rng(seed)
    series = KINDS[kind](random, 300).astype(float)
    series[len(series) // 2 :][:run] = fault
    series[-3] = 5 * fault
    found = ttm_estimators.load().detect(series, step=8, rate=rate, warm_up=20)[0]
    with np.errstate(invalid="ignore"):
        outside = (series < found.low) | (series > found.high)
    assert np.array_equal(outside, found.flag)
    assert (found.low <= found.high)[np.isfinite(found.score)].all()
    if fault in (-999.0, 9999.0, 1e20) and kind == "season" and run <= 30:
        assert found.flag[len(series) // 2 :][:run].all()
