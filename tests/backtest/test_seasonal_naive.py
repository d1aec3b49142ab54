import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset

from ttm_estimators.backtest.seasonal_naive import naive_forecast, season_of, seasonal_naive
from ttm_estimators.tables.steps import last_week_of_month
from ttm_estimators.tables.timetable import Timetable

NAN = np.nan
Z90 = 1.2815515655446004


def test_it_repeats_the_last_season():
    history = np.array([9.0, 9.0, 9.0, 9.0, 1.0, 2.0, 3.0])
    point, _ = seasonal_naive(history, 5, 3, (0.5,))
    np.testing.assert_array_equal(point, [1, 2, 3, 1, 2])


def test_a_missing_value_is_taken_from_the_season_before():
    history = np.array([7.0, 8.0, 1.0, 2.0, 3.0, NAN])
    point, quantiles = seasonal_naive(history, 4, 2, (0.1, 0.9))
    np.testing.assert_array_equal(point, [3, 2, 3, 2])
    assert np.isfinite(quantiles).all()


def test_bands_are_normal_and_grow_with_the_root_of_the_seasons_ahead():
    history = np.array([0.0, 0.0, 1.0, 1.0, 3.0, 3.0])
    point, quantiles = seasonal_naive(history, 5, 2, (0.1, 0.5, 0.9))
    # Seasonal differences 1, 1, 2, 2 have the mean square 2.5.
    deviation = np.sqrt(2.5 * np.array([1, 1, 2, 2, 3]))
    np.testing.assert_allclose(quantiles[:, 1], point)
    np.testing.assert_allclose(quantiles[:, 2], 3 + Z90 * deviation)
    np.testing.assert_allclose(quantiles[:, 0], 3 - Z90 * deviation)


def test_missing_pairs_do_not_count_in_the_width():
    history = np.array([0.0, NAN, 2.0, 5.0, 0.0, 5.0])
    _, quantiles = seasonal_naive(history, 1, 2, (0.9,))
    # Observed pairs: 0 to 2, 2 to 0, 5 to 5.
    np.testing.assert_allclose(quantiles[0, 0], 0 + Z90 * np.sqrt(8 / 3))


@pytest.mark.parametrize(
    "history", [[1.0, NAN, 3.0, NAN], [1.0, 2.0], [1.0]], ids=["phase", "one season", "short"]
)
def test_when_there_is_nothing_to_repeat_or_to_measure_it_says_so(history):
    with pytest.raises(ValueError, match="too few observed values"):
        seasonal_naive(np.array(history), 2, 2, (0.5,))


@pytest.mark.parametrize(
    ("freq", "season"),
    [
        *(("s", 3600), ("15min", 96), ("h", 24), ("2h", 12), ("5h", 1), ("D", 7), ("2D", 1)),
        *(("B", 5), ("W-WED", 52), ("2W", 26), ("MS", 12), ("BME", 12), ("SMS", 24)),
        *(("QS-NOV", 4), ("YS", 1), ("WOM-3WED", 12)),
    ],
)
def test_a_season_is_a_day_of_hours_a_week_of_days_or_a_year(freq, season):
    assert season_of(to_offset(freq)) == season


def test_seasons_of_other_steps():
    assert season_of(1) == 1
    assert season_of(pd.DateOffset(months=3)) == 4
    assert season_of(last_week_of_month(1, 4)) == 12
    assert season_of(pd.offsets.CustomBusinessDay(weekmask="Mon Tue Sat")) == 3
    assert season_of(Timetable((0, 86_400 * 10**9))) == 2


def test_a_history_that_is_too_short_for_its_season_gets_the_last_value():
    forecast = naive_forecast(np.array([3.0, 5.0, 4.0]), 2, 7, (0.5, 0.9))
    np.testing.assert_array_equal(forecast[:, :2], 4.0)
    assert (forecast[:, 2] > 4).all()


def test_a_history_of_single_values_between_gaps_gets_the_last_value():
    forecast = naive_forecast(np.array([NAN, 3.0, NAN, 5.0, NAN]), 3, 2, (0.9,))
    np.testing.assert_array_equal(forecast[:, 0], 5.0)
    assert np.isfinite(forecast).all()
