"""Series with gaps, and panels. Whole calendars are in :mod:`tests.tables.test_calendars`."""

import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.frequency import find_steps
from ttm_estimators.tables.rules import find_step
from ttm_estimators.tables.steps import describe, follow, parse_step, positions


def last_fridays(first, last):
    fridays = pd.date_range(first, last, freq="W-FRI")
    return fridays[(fridays + pd.Timedelta("7D")).month != fridays.month]


def names(*series, **options):
    members = [(f"s{i}", times) for i, times in enumerate(series)]
    return [describe(step) for step in find_steps(members, **options)]


def test_an_alias_of_pandas_counts_only_if_it_makes_the_dates_that_are_there():
    times = last_fridays("2022-01-01", "2024-03-31")
    assert pd.infer_freq(times) == "WOM-4FRI"
    assert names(times) == ["LWOM-FRI"]


@pytest.mark.parametrize("alias", ["WOM-3WED", "3WOM-3WED", "W-THU", "BME", "QS-FEB", "MS", "B"])
def test_gaps_are_told_at_the_frequency_of_the_rest_and_filled_on_request(alias):
    whole = pd.date_range("2015-01-01", periods=60, freq=parse_step(alias))
    times = whole.delete([20, 41])
    with pytest.raises(TableError, match=f"has gaps: {whole[20].date()} is missing .*fill_gaps"):
        find_steps([("s", times)])
    (step,) = find_steps([("s", times)], gaps=True)
    assert positions(times, step)[-1] == 59
    assert list(follow(times, step, 2)) == list(
        pd.date_range(whole[-1], periods=3, freq=whole.freq)[1:]
    )


def test_filling_gaps_of_opening_days_never_makes_a_day_that_never_occurs():
    days = pd.date_range("2024-01-01", periods=90)
    times = days[days.day_of_week != 6].delete([10, 31, 32])
    with pytest.raises(TableError, match="2024-01-12 is missing at frequency Mon Tue Wed"):
        find_steps([("s", times)])
    (step,) = find_steps([("s", times)], gaps=True)
    future = follow(times, step, 30)
    assert 6 not in future.weekday


def test_a_frequency_that_is_given_wins_over_opening_days():
    days = pd.date_range("2024-01-01", periods=90)
    times = days[days.day_of_week != 6]
    assert names(times, given=parse_step("D"), gaps=True) == ["D"]
    with pytest.raises(TableError, match="has the frequency Mon Tue Wed Thu Fri Sat, not D"):
        names(times, given=parse_step("D"))


def test_a_sensor_with_jitter_is_told_to_round():
    random = np.random.default_rng(0)
    minutes = pd.date_range("2024-01-01", periods=60, freq="min")
    times = minutes + pd.to_timedelta(random.integers(-3, 4, 60), unit="s")
    with pytest.raises(TableError, match="round the times with round_time='min'"):
        names(times)


def test_every_series_of_a_panel_keeps_its_own_anchor():
    found = names(
        pd.date_range("2020-01-01", periods=40, freq="W-MON"),
        pd.date_range("2020-01-01", periods=30, freq="W-FRI"),
        pd.DatetimeIndex(["2020-01-08"]),
    )
    assert found == ["W-MON", "W-FRI", "W-WED"]


def test_thousands_of_series_are_found_as_each_alone():
    starts = pd.date_range("2020-01-01", periods=50, freq="MS")
    series = [
        pd.date_range(start, periods=3 + i % 30, freq="MS").delete(1 if i == 7 else [])
        for i, start in enumerate(starts)
    ]
    with pytest.raises(TableError, match="series 's7' has gaps"):
        names(*series)
    del series[7]
    assert names(*series) == ["MS"] * 49


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_dates_have_no_frequency(count):
    assert find_step(pd.date_range("2024-01-01", periods=count)) is None


def test_a_part_of_a_table_has_the_frequency_of_another_part():
    sundays = pd.date_range("2024-01-07", periods=2, freq="W-SUN")
    days = pd.date_range("2024-01-01", periods=9)
    weekly = ("elsewhere", pd.offsets.Week(weekday=0))
    assert find_steps([("a", sundays)], usual=weekly) == [pd.offsets.Week(weekday=6)]
    with pytest.raises(TableError, match="series 'b' has D and series 'elsewhere' W-MON"):
        find_steps([("b", days)], usual=weekly)


def test_days_of_sales_without_the_others_are_told_to_need_rows_of_0():
    sold = pd.Timestamp("2024-01-01") + pd.to_timedelta([0, 2, 7, 10, 16, 18, 21, 25], unit="D")
    with pytest.raises(TableError, match="or add rows of 0 for days on which nothing happened"):
        find_steps([("a", sold)], None)
    weekly = pd.date_range("2024-01-01", periods=9, freq="7D").to_series()
    weekly.iloc[4] += pd.Timedelta("1D")
    with pytest.raises(TableError, match="not evenly spaced") as error:
        find_steps([("a", pd.DatetimeIndex(weekly))], None)
    assert "rows of 0" not in str(error.value)
