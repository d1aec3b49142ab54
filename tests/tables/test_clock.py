import datetime

import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.clock import (
    is_time_of_day,
    parts_of_date,
    read_parts,
    read_time_of_day,
)


@pytest.mark.parametrize(
    ("cells", "hours"),
    [
        (["00:00", "08:30", "23:59"], [0, 8.5, 23 + 59 / 60]),
        (["00:00-01:00", "23:00 - 00:00"], [0, 23]),
        (["12:00 AM", "1:30 pm", "12:15 PM"], [0, 13.5, 12.25]),
        (["24:00", "01:00"], [24, 1]),
        (["06:00:36", "06:00:00.5"], [6.01, 6 + 0.5 / 3600]),
        ([datetime.time(7, 45), datetime.time(0)], [7.75, 0]),
    ],
)
def test_times_of_a_day_are_read(cells, hours):
    column = pd.Series(cells)
    assert is_time_of_day(column)
    read = read_time_of_day(column) / pd.Timedelta("1h")
    assert list(read) == pytest.approx(hours)


def test_whole_numbers_are_hours_by_the_name_of_their_column_only():
    hours = pd.Series(range(24))
    assert is_time_of_day(hours.rename("Hour"))
    assert is_time_of_day((hours + 1).rename("hour ending"))
    assert not is_time_of_day(hours.rename("load"))
    assert not is_time_of_day((hours + 2).rename("hour"))


@pytest.mark.parametrize("cell", ["25:00", "12:60", "noon", "2024-01-01 12:00"])
def test_what_is_no_time_of_a_day_is_refused(cell):
    with pytest.raises(TableError, match="no time of a day"):
        read_time_of_day(pd.Series(["12:00", cell], name="time"))


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["Year", "Month", "load"], ["Year", "Month"]),
        (["day", "month", "year", "hour", "y"], ["year", "month", "day", "hour"]),
        (["year", "month", "hour"], ["year", "month"]),
        (["year", "quarter"], ["year", "quarter"]),
        (["year", "week"], ["year", "week"]),
        (["year", "load"], []),
        (["month", "day"], []),
    ],
)
def test_columns_with_parts_of_a_date_are_found(names, parts):
    assert parts_of_date(names) == parts


@pytest.mark.parametrize(
    ("columns", "date"),
    [
        ({"year": [2024], "month": [2]}, "2024-02-01"),
        ({"year": [2024], "quarter": [3]}, "2024-07-01"),
        ({"year": [2020], "week": [53]}, "2020-12-28"),
        ({"year": [2024], "month": [2], "day": [29], "hour": [13]}, "2024-02-29 13:00"),
    ],
)
def test_parts_make_a_date(columns, date):
    assert read_parts(pd.DataFrame(columns)).tolist() == [pd.Timestamp(date)]


@pytest.mark.parametrize(
    "columns", [{"year": [2024], "month": [13]}, {"year": [2024], "quarter": [5]}]
)
def test_parts_that_make_no_date_are_refused(columns):
    with pytest.raises(TableError, match="make no dates"):
        read_parts(pd.DataFrame(columns))
