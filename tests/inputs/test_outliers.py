import warnings

import numpy as np
import pandas as pd
import pytest

from tests.properties.draws import KINDS
from ttm_estimators import load
from ttm_estimators.inputs.outliers import (
    KeptCodesWarning,
    OutlierWarning,
    describe,
    find_outliers,
    warn_of_kept_codes,
    without_outliers,
)

RANDOM = np.random.default_rng(0)
HOURS = np.arange(744)
DAY = 20 + 5 * np.sin(2 * np.pi * HOURS / 24)
SENSOR = (DAY + 0.3 * RANDOM.normal(size=744))[:720]
CODES = (
    *(-999, 9999, -9999, 99999, -99999999, 999.9, -999.9, 65535, 32767, -32768, 2147483647),
    *(-999.25, -999.99, -9999.99, 6553.5, 3276.7, -3276.8, -888, -888.8, -1e4, 1e10),
)
FILL_VALUES = (
    *(-(2.0**63), 1e20, -1e20, np.float32(1e20), np.float32(9.96921e36), 1e30, -1e30),
    *(np.finfo(np.float32).max, np.float32(1.70141e38)),
)

model = load()


def spoilt(value, *back):
    values = SENSOR.copy()
    values[[-step for step in back]] = value
    return values


def places(values):
    return (np.flatnonzero(find_outliers(np.asarray(values, dtype=float))) - len(values)).tolist()


def error_of(values, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutlierWarning)
        return np.abs(model.forecast([values], 24, **options).point[0] - DAY[720:]).mean()


@pytest.mark.parametrize("back", [600, 30, 3])
@pytest.mark.parametrize("value", [-999, 9999, 65535])
def test_an_error_code_does_not_ruin_a_forecast(value, back):
    assert error_of(spoilt(value, back)) <= 0.15


@pytest.mark.parametrize("back", [600, 30, 3, 1])
def test_an_error_code_is_a_missing_value(back):
    assert error_of(spoilt(-999, back)) == error_of(spoilt(np.nan, back))


def test_without_the_rule_it_ruins_a_forecast():
    assert error_of(spoilt(-999, 3), keep_outliers=True) > 10


@pytest.mark.parametrize("code", [*CODES, *FILL_VALUES])
def test_error_codes_are_found_wherever_they_stand_and_in_runs(code):
    assert places(spoilt(code, 1)) == [-1]
    assert places(spoilt(code, 720)) == [-720]
    assert places(spoilt(code, *range(5, 20))) == list(range(-19, -4))
    assert places(spoilt(code, *range(1, 25))) == list(range(-24, 0))


def test_more_codes_than_a_day_of_hours_at_the_end_are_a_new_level():
    assert places(spoilt(65535, *range(1, 26))) == []


@pytest.mark.parametrize("code", FILL_VALUES)
@pytest.mark.parametrize("rest", [SENSOR, 0.01 * SENSOR, np.full(720, 5.0), np.zeros(720)])
def test_fill_values_are_no_level_however_many_they_are(code, rest):
    values = rest.copy()
    values[-700:] = code
    assert places(values) == list(range(-700, 0))


@pytest.mark.parametrize("value", [1e20, 1e30])
def test_what_is_no_larger_than_the_rest_is_no_fill_value(value):
    assert places(np.r_[value * SENSOR, np.full(30, value)]) == []


@pytest.mark.parametrize("value", [6553.5, 3276.7, -888, -1e4, 1e10])
def test_numbers_that_are_codes_here_and_there_have_to_lie_far_out(value):
    sales = np.abs(value) / 20 * (1 + RANDOM.uniform(size=500))
    sales[[100, 200, 201, 202, 300, -1]] = value
    assert places(sales) == []


@pytest.mark.parametrize("value", [65535.0, 6553.5, 1e10, -1e4, -999.0, 1e20])
def test_a_series_of_nothing_but_codes_is_kept(value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert places(np.full(300, value)) == []
        warn_of_kept_codes([np.full(300, value)], ["x"], stacklevel=1)


@pytest.mark.parametrize("length", [300, 896, 950, 3048, 3120])
@pytest.mark.parametrize("every", [7, 12, 24])
def test_codes_that_come_again_in_one_phase_are_found(length, every):
    values = RANDOM.normal(20, 1, size=length)
    values[::every] = -999
    assert len(places(values)) == len(values[::every])


def test_codes_on_both_sides_are_found():
    values = SENSOR.copy()
    values[::12], values[3::12] = 9999, -9999
    assert len(places(values)) == 120


def test_a_single_far_value_does_not_hide_codes():
    values = spoilt(-999, *range(300, 310))
    values[-100] = 1e7
    assert places(values) == [*range(-309, -299), -100]
    values[-1] = 1e7  # may be a new level
    assert places(values) == [*range(-309, -299)]


@pytest.mark.parametrize(
    "values",
    [
        np.full(300, 5.0),
        np.zeros(300),
        np.exp(np.linspace(0, 8, 300)),
        RANDOM.gamma(1, 1500, size=300),
        np.resize([1.0, 2.0], 12),
    ],
    ids=["constant", "zeros", "growth", "traffic", "counts"],
)
def test_a_negative_code_is_impossible_where_nothing_else_is_negative(values):
    spoilt = values.copy()
    spoilt[-5] = -999
    assert places(spoilt) == [-5]


@pytest.mark.parametrize("value", [-4000.0, 1e6, 999.25, -3e30])
def test_any_value_out_of_all_proportion_is_found_where_the_series_returns_after_it(value):
    assert places(spoilt(value, 100)) == [-100]
    assert places(spoilt(value, 100, 101, 300)) == [-300, -101, -100]
    assert places(spoilt(value, 1)) == []
    assert places(spoilt(value, *range(100, 104))) == []


@pytest.mark.parametrize("value", [-99, 99, 99.9, 99.99, 345.6, 500])
def test_prices_and_what_is_no_hundred_times_as_far_away_are_kept(value):
    assert places(spoilt(value, 30)) == []


def test_codes_and_other_values_are_found_beside_each_other():
    values = spoilt(-999, 30, 31)
    values[-200] = 65535
    values[-400] = 12345.6
    assert places(values) == [-400, -200, -31, -30]


@pytest.mark.parametrize("length", [12, 40, 5000, 30000])
def test_a_code_is_found_in_short_and_long_series(length):
    values = RANDOM.normal(20, 1, size=length)
    values[length // 2] = -999
    assert places(values) == [length // 2 - length]


def test_codes_may_be_a_fifth_of_the_others_and_no_half():
    values = SENSOR.copy()
    values[::6] = -999
    assert len(places(values)) == 120
    values[::3] = -999
    assert places(values) == []


def test_a_code_is_found_among_missing_values():
    values = spoilt(-999, 50)
    values[RANDOM.uniform(size=720) < 0.4] = np.nan
    values[-50] = -999
    assert places(values) == [-50]


def test_a_code_on_the_side_where_a_gauge_never_is_is_found():
    rain = np.where(RANDOM.uniform(size=1000) < 0.1, RANDOM.exponential(5, size=1000), 0.0)
    rain[400] = -999
    rain[500] = 9999
    assert places(rain) == [-600, -500]


@pytest.mark.parametrize("kind", KINDS)
def test_real_kinds_of_series_keep_all_that_is_theirs(kind):
    found = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        found += find_outliers(KINDS[kind](random, int(random.integers(1, 3000)))).any()
    assert found == 0


def promotions(random):
    sales = random.poisson(100, size=700).astype(float)
    sales[random.integers(0, 700, size=random.integers(1, 9))] *= random.uniform(3, 10)
    return sales


def one_day_of_fame(random):
    visits = random.normal(150, 15, size=700)
    visits[-random.integers(1, 700)] *= 20
    return visits


def prices(random):
    return random.choice([4.99, 9.99, 19.99, 99.99], size=300, p=[0.2, 0.5, 0.29, 0.01])


def flood(random):
    level = random.gamma(2, 5, size=800)
    level[-random.integers(1, 800)] = 1500
    return level


def epidemic(random):
    return np.r_[random.poisson(2, size=300), np.round(3 * 1.35 ** np.arange(30))].astype(float)


def new_level(random):
    shift = random.integers(1, 40)
    return np.r_[random.normal(10, 1, size=500), random.normal(2000, 1, size=shift)]


def first_sales(random):
    return np.r_[np.zeros(200), random.poisson(500, size=random.integers(1, 5))]


def weekly_job(random):
    load = random.normal(10, 1, size=1000)
    load[5::168] = 5000
    return load


def burst(random):
    requests = random.poisson(20, size=1000).astype(float)
    requests[400:404] = [9000, 25000, 14000, 3000]
    return requests


def heavy_tail(random):
    return random.standard_t(1.5, size=2000)


def nearly_always_zero(random):
    return np.where(random.uniform(size=800) < 0.01, random.integers(1, 500, size=800), 0.0)


def switched_off(random):
    power = random.normal(1000, 3, size=800)
    power[300:324] = 0.0
    return power


def percent(random):
    return np.clip(random.normal(99, 3, size=500), 0, 99.9)


@pytest.mark.parametrize(
    "kind",
    [
        promotions,
        one_day_of_fame,
        prices,
        flood,
        epidemic,
        new_level,
        first_sales,
        weekly_job,
        burst,
        heavy_tail,
        nearly_always_zero,
        switched_off,
        percent,
    ],
)
def test_what_is_large_and_real_is_kept(kind):
    assert [places(kind(np.random.default_rng(seed))) for seed in range(50)] == [[]] * 50


@pytest.mark.parametrize(
    "values", [[-999.0], [999.0, *[5.0] * 50], [1, -999], [*[5.0] * 50, 999.0], [0, 99999] * 9]
)
def test_what_leaves_nothing_to_judge_by_is_kept(values):
    assert places(values) == []


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (-3.0, 1e4), (1e9, -5e9)])
def test_what_is_impossible_stays_so_on_another_scale(scale, shift):
    assert places(scale * spoilt(4000.0, 30, 90) + shift) == [-90, -30]


def test_a_forecast_tells_which_readings_it_left_out():
    with pytest.warns(
        OutlierWarning, match=r"^3 readings are impossible .*, in 2 of 3 series, such as -999, "
    ):
        forecast = model.forecast([spoilt(-999, 30), SENSOR, spoilt(65535, 2, 5)], 3)
    assert [tuple(each) for each in forecast.outliers] == [
        (0, None, -30, -999.0),
        (2, None, -5, 65535.0),
        (2, None, -2, 65535.0),
    ]
    assert model.forecast([SENSOR], 3).outliers == ()


def test_channels_are_judged_by_themselves_and_the_given_array_stays_as_it_is():
    both = np.stack([SENSOR, spoilt(-999, 7)], axis=1)
    before = both.copy()
    with pytest.warns(OutlierWarning, match="number 7 from the end of series 0, channel 1: "):
        forecast = model.forecast([both], 3)
    np.testing.assert_array_equal(both, before)
    assert forecast.outliers == ((0, 1, -7, -999.0),)


def test_kept_outliers_are_not_told_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.forecast([spoilt(-999, 30)], 3, keep_outliers=True).outliers == ()


def test_only_the_history_that_a_forecast_depends_on_is_checked():
    values = np.r_[-999.0, np.tile(SENSOR, 40)]
    assert without_outliers(values, 0)[1] != []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.forecast([values], 3).outliers == ()


@pytest.mark.parametrize("gap", [1000, 3000])
def test_it_is_the_same_where_only_that_history_is_given(gap):
    values = np.tile(SENSOR, 40)
    values[:5000] += 600
    values[-1030] = values[-24_000] = 999
    gappy = np.r_[values, np.full(gap, np.nan)]
    with pytest.warns(OutlierWarning):
        whole, latest, beside = (
            model.forecast([one], 20).point[0].T
            for one in (
                gappy,
                gappy[-model.history_length :],
                np.stack([gappy, np.arange(len(gappy))], axis=1),
            )
        )
    np.testing.assert_allclose(latest, whole, atol=1e-4)
    np.testing.assert_allclose(beside[0], whole, atol=1e-4)


def test_one_reading_is_told_of_in_the_singular():
    _, outliers = without_outliers(spoilt(-999, 30), 0)
    assert describe(outliers, ["shop 'a'"], "give --keep-outliers") == (
        "1 reading is impossible by the rest of the series and taken as missing, in 1 of 1 series, "
        "such as -999, number 30 from the end of shop 'a': give --keep-outliers to keep it"
    )


def test_a_reading_is_called_by_its_time_where_that_is_known():
    days = pd.date_range("2024-01-01", periods=len(SENSOR))
    with pytest.warns(OutlierWarning, match=f"such as -999 at {str(days[-30])[:10]} in shop 'a':"):
        model.forecast(
            [SENSOR, spoilt(-999, 30)],
            3,
            names=["shop 'b'", "shop 'a'"],
            time_of=lambda number, step: days[step] if number else None,
        )


def test_codes_that_are_too_many_are_told_of_once():
    values = spoilt(-999, *range(1, 26))
    with pytest.warns(
        KeptCodesWarning,
        match=r"^series 'temp' ends in 25 readings of -999, taken as a new level \(and 1 more "
        r"series have such readings\): put NaN, or an empty cell, in place of those that stand "
        "for a missing value, or set keep_outliers=True$",
    ) as told:
        model.forecast([SENSOR, values, values], 3, names=["series 'a'", "series 'temp'", "'c'"])
    assert len(told) == 1


def test_codes_that_are_more_than_a_quarter_of_the_others_are_told_of():
    values = SENSOR.copy()
    values[::4] = 65535
    both = np.stack([SENSOR, values], axis=1)
    with pytest.warns(
        KeptCodesWarning,
        match="^series 0, channel 1 has 180 readings such as 65535 among 720, taken as its values",
    ):
        model.forecast([both], 3)


@pytest.mark.parametrize(
    "values", [SENSOR, spoilt(-999, *range(1, 25)), spoilt(1e20, *range(1, 400))]
)
def test_no_code_that_was_kept_is_told_of_where_there_is_none(values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutlierWarning)
        warnings.simplefilter("error", KeptCodesWarning)
        model.forecast([values], 3)


def test_codes_are_not_told_of_where_they_are_kept_on_purpose():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.forecast([spoilt(-999, *range(1, 26))], 3, keep_outliers=True)


@pytest.mark.parametrize("kind", KINDS)
def test_real_kinds_of_series_have_no_codes(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(20):
            random = np.random.default_rng(seed)
            values = KINDS[kind](random, int(random.integers(1, 3000)))
            warn_of_kept_codes([values], ["x"], stacklevel=1)
