import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables.timetable import DAY_NS, Timetable, find_timetable

HOUR = DAY_NS // 24


def hours(keep, weeks=5):
    every = pd.date_range("2024-01-01", periods=weeks * 7 * 24, freq="h")
    return every[[keep(time) for time in every]]


def opening(time):
    return time.weekday() < 5 and 9 <= time.hour <= 17


def test_opening_hours_go_on_over_nights_and_weekends():
    times = hours(opening)
    table = find_timetable(times, HOUR, gaps=False)
    assert table is not None
    positions = table.positions(times)
    assert (np.diff(positions) == 1).all()
    following = table.times(positions[-1] + np.arange(1, 11))
    assert list(following) == list(hours(opening, weeks=7)[len(times) :][:10])


def test_times_before_1970_and_far_ahead_have_places():
    table = Timetable((0, DAY_NS))
    times = pd.DatetimeIndex(["1900-01-01", "1900-01-02", "2199-12-30"])
    positions = table.positions(times)
    assert list(table.times(positions)) == list(times)
    assert table.positions(pd.DatetimeIndex(["1900-01-03"])) is None


def test_times_beyond_the_calendar_are_an_error():
    table = Timetable((0,))
    with pytest.raises(OverflowError):
        table.times(np.array([10**6]))


def test_less_than_three_weeks_are_no_timetable():
    assert find_timetable(hours(opening, weeks=2), HOUR, gaps=False) is None


def test_absent_times_are_allowed_only_where_gaps_are():
    times = hours(opening, weeks=6).delete([20, 21, 60])
    assert find_timetable(times, HOUR, gaps=False) is None
    found = find_timetable(times, HOUR, gaps=True)
    assert found is not None
    assert len(found.slots) == 5 * 9


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_hours_that_are_absent_at_random_are_no_timetable(share):
    every = pd.date_range("2024-01-01", periods=5 * 7 * 24, freq="h")
    for seed in range(20):
        kept = np.random.default_rng(seed).random(len(every)) > share
        assert find_timetable(every[kept], HOUR, gaps=True) is None


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        ((0, DAY_NS, 5 * DAY_NS), "Mon Tue Sat"),
        ((9 * HOUR, DAY_NS + 9 * HOUR), "Mon Tue at 09:00"),
        ((9 * HOUR, 10 * HOUR), "Mon from 09:00 to 10:00"),
        ((9 * HOUR, 10 * HOUR, DAY_NS + 10 * HOUR), "Mon Tue at 3 times a week"),
    ],
)
def test_a_timetable_is_named_in_words(slots, words):
    assert Timetable(slots).freqstr == words


def test_days_are_an_offset_of_pandas_and_hours_are_none():
    offset = Timetable((0, 2 * DAY_NS)).as_offset()
    assert list(pd.date_range("2024-01-01", periods=3, freq=offset).day) == [1, 3, 8]
    assert Timetable((0, HOUR)).as_offset() is None
