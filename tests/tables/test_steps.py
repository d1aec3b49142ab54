import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.steps import describe, follow, parse_step, positions, wall_clock

LAST, LARGEST = np.iinfo(np.int64).max, np.iinfo(np.uint64).max


@pytest.mark.parametrize("text", ["h", "15min", "W-FRI", "WOM-3WED", "LWOM-FRI", "2LWOM-MON", "C"])
def test_a_frequency_is_read_as_it_is_named(text):
    step = parse_step(text)
    assert parse_step(describe(step)) == step


@pytest.mark.parametrize(
    "text", ["106752D", "999999999999D", "99999999999999h", "1" + "0" * 30 + "D"]
)
def test_a_frequency_of_absurd_length_is_refused(text):
    with pytest.raises(TableError, match=r"longer than the dates|unknown frequency"):
        parse_step(text)


@pytest.mark.parametrize("text", ["100000D", "99999999YS", "100000000MS"])
def test_steps_that_leave_the_calendar_are_refused(text):
    with pytest.raises(TableError, match="3 steps after 2024-01-01"):
        follow(pd.DatetimeIndex(["2024-01-01"]), parse_step(text), 3)


@pytest.mark.parametrize(("last", "dtype"), [(LAST, np.int64), (LARGEST, np.uint64)])
def test_whole_numbers_never_wrap_around(last, dtype):
    times = pd.Index(np.array([last - 5, last - 4], dtype=dtype))
    assert [int(time) for time in follow(times, 1, 4)] == [last - 3, last - 2, last - 1, last]
    with pytest.raises(TableError, match=f"beyond {last}"):
        follow(times, 1, 5)


def test_whole_numbers_may_lie_as_far_apart_as_there_are():
    times = pd.Index(np.array([-(2**63), 0, 2**62], dtype=np.int64))
    assert positions(times, 2**62).tolist() == [0, 2, 3]
    assert positions(times, 3) is None


SANTIAGO = "America/Santiago"  # clocks go forward at midnight


def days(first, count, zone):
    dates = pd.date_range(first, periods=count)
    return dates.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(count, bool))


def test_a_day_that_begins_at_one_is_followed_by_one_that_begins_at_midnight():
    times = days("2024-08-20", 20, SANTIAGO)  # the last one is 2024-09-08, which begins at 01:00
    assert times[-1].hour == 1
    following = follow(times, pd.offsets.Day(), 2)
    assert [str(time) for time in following] == [
        "2024-09-09 00:00:00-03:00",
        "2024-09-10 00:00:00-03:00",
    ]
    assert positions(times, pd.offsets.Day()).tolist() == list(range(20))


def test_a_midnight_that_comes_twice_is_the_first_one():
    times = days("2024-10-25", 9, "America/Havana")  # up to the day before
    assert str(follow(times, pd.offsets.Day(), 1)[0]) == "2024-11-03 00:00:00-04:00"


def test_hours_are_elapsed_time_and_days_the_clock_on_the_wall():
    times = pd.DatetimeIndex(["2024-03-30 12:00"], tz="Europe/Berlin")
    assert str(follow(times, pd.offsets.Hour(24), 1)[0]) == "2024-03-31 13:00:00+02:00"
    assert str(follow(times, pd.offsets.Day(), 1)[0]) == "2024-03-31 12:00:00+02:00"


def test_a_day_that_a_zone_left_out_is_refused():
    times = days("2011-12-20", 10, "Pacific/Apia")
    with pytest.raises(TableError, match="2011-12-30 does not exist in Pacific/Apia"):
        follow(times, pd.offsets.Day(), 1)


def test_the_clock_on_the_wall_is_put_back_only_where_it_was_put_forward():
    times = days("2024-09-01", 14, SANTIAGO)
    assert (wall_clock(times).hour == 0).all()
    hourly = pd.date_range("2024-09-07", periods=48, freq="h", tz=SANTIAGO)
    assert wall_clock(hourly).equals(hourly.tz_localize(None))
