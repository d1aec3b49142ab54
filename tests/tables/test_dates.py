import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.dates import read_times

DAYS = pd.date_range("2024-01-20", periods=20)
BERLIN = "Europe/Berlin"


def read(cells, dtype=None, **options):
    return read_times(pd.Series(cells, dtype=dtype, name="when"), **options)


@pytest.mark.parametrize(
    ("cells", "dates"),
    [
        (["2020/01", "2020/02"], ["2020-01-01", "2020-02-01"]),
        (["2020M01", "2020M12"], ["2020-01-01", "2020-12-01"]),
        (["2020-W01", "2020-W53"], ["2019-12-30", "2020-12-28"]),
        (["2020W01"], ["2019-12-30"]),
        (["2020Q1", "2020Q4"], ["2020-01-01", "2020-10-01"]),
        (["13.01.2024 00:00 - 13.01.2024 01:00"], ["2024-01-13 00:00"]),
        (["2024-01-01 5:00", "2024-01-01 06:00"], ["2024-01-01 05:00", "2024-01-01 06:00"]),
    ],
)
def test_dates_are_read_as_people_write_them(cells, dates):
    assert list(read(cells).index) == list(pd.DatetimeIndex(dates))


@pytest.mark.parametrize(("text", "likely"), [("FY1980", "FY%Y"), ("Jan-23", "%b-%y")])
def test_a_date_that_is_not_understood_is_told_a_format(text, likely):
    with pytest.raises(TableError, match=f"'{text}' in row 1 is not .*date_format='{likely}'"):
        read([text])
    assert len(read([text], date_format=likely).index) == 1


@pytest.mark.parametrize("zone", [BERLIN, "America/Santiago", "Asia/Kolkata"])
@pytest.mark.parametrize("alias", ["D", "W", "MS"])
def test_local_dates_with_offsets_that_change_need_the_name_of_their_zone(zone, alias):
    local = pd.date_range("2024-03-01 12:00", periods=60, freq=alias, tz=zone)
    text = [str(date) for date in local]
    if zone != "Asia/Kolkata":
        with pytest.raises(TableError, match=r"offsets from UTC change.*timezone='Europe/Berlin'"):
            read(text)
    stamps = read(text, timezone=zone)
    assert list(stamps.index) == list(local)
    assert str(stamps.restored(stamps.index)[-1]) == text[-1]


def test_hours_with_offsets_that_change_are_given_in_utc_and_it_is_said():
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz=BERLIN)
    stamps = read([str(hour) for hour in hours])
    assert list(stamps.index) == list(hours)
    assert str(stamps.index.tz) == "UTC"
    assert "offsets from UTC change" in stamps.notes[0]


def test_a_naive_hour_that_comes_twice_is_read_in_its_order():
    hours = pd.date_range("2024-10-26", periods=60, freq="h", tz=BERLIN)
    naive = hours.tz_localize(None)
    for order in (slice(None), slice(None, None, -1)):
        stamps = read(naive[order], timezone=BERLIN)
        assert list(stamps.index) == list(hours[order])
    twice = pd.concat([pd.Series(naive), pd.Series(naive)], ignore_index=True)
    groups = np.repeat([0, 1], 60)
    stamps = read_times(twice.rename("when"), timezone=BERLIN, groups=groups)
    assert list(stamps.index) == [*hours, *hours]


def test_naive_dates_with_a_zone_go_back_naive():
    stamps = read(DAYS, timezone=BERLIN)
    assert stamps.index.tz is not None
    assert stamps.restored(stamps.index).equals(DAYS)


def test_dates_of_another_zone_go_back_in_their_own():
    local = pd.date_range("2024-03-20", periods=20, tz=BERLIN)
    stamps = read(local.tz_convert("UTC"), timezone=BERLIN)
    assert (stamps.index.hour == 0).all()
    assert str(stamps.restored(stamps.index).tz) == "UTC"


def test_an_hour_that_a_zone_leaves_out_is_refused():
    hours = pd.date_range("2024-03-31", periods=6, freq="h")
    with pytest.raises(TableError, match="2024-03-31 02:00:00 does not exist in Europe/Berlin"):
        read(hours, timezone=BERLIN)


@pytest.mark.parametrize(
    ("cells", "options", "said"),
    [
        (["2024-01-01 00:00+01:00", "2024-01-01 01:00"], {}, "'2024-01-01 01:00' in row 2 has no"),
        (["2024-01-01", "2024-01-02"], {"timezone": "Mars"}, "unknown time zone 'Mars'"),
        ([1, 2, 3], {"timezone": BERLIN}, "whole numbers, which have no zone"),
        ([2**64, 2**64 + 1], {}, "beyond those of 64 bits"),
        ([1.5, 2.0], {}, "neither dates nor whole numbers"),
        ([True, False], {}, "neither dates nor whole numbers"),
    ],
)
def test_what_can_not_be_read_is_named(cells, options, said):
    with pytest.raises(TableError, match=said):
        read(cells, **options)


DATES = pd.Series(DAYS)
KINDS = {
    "seconds": DATES.astype("datetime64[s]"),
    "microseconds in a zone": DATES.dt.tz_localize(BERLIN).dt.as_unit("us"),
    "months": pd.Series(pd.period_range("2024-01", periods=20, freq="M")),
    "weeks to Saturdays": pd.Series(pd.period_range("2024-01", periods=20, freq="W-SAT")),
    "days of Arrow": DATES.dt.date.astype(pd.ArrowDtype(pa.date32())),
    "stamps of Arrow": DATES.astype(pd.ArrowDtype(pa.timestamp("ms"))),
    "stamps of Arrow in a zone": DATES.dt.tz_localize(BERLIN).astype(
        pd.ArrowDtype(pa.timestamp("us", tz=BERLIN))
    ),
    "nullable years": pd.Series(range(2000, 2020), dtype="Int64"),
    "years of Arrow": pd.Series(range(2000, 2020), dtype="int32[pyarrow]"),
    "short numbers": pd.Series(range(20), dtype="int16"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_dates_go_back_with_the_type_that_they_had(kind):
    column = KINDS[kind]
    back = pd.Series(read(column).restored(read(column).index))
    pd.testing.assert_series_equal(back, column, check_names=False)


def test_days_of_python_go_back_as_such():
    days = [datetime.date(2024, 1, day) for day in range(1, 9)]
    stamps = read(days)
    assert list(stamps.restored(stamps.index)) == days


def test_numbers_that_outgrow_their_type_get_a_larger_one():
    stamps = read(np.arange(250, 256, dtype=np.uint8))
    assert list(stamps.restored(pd.Index([256, 257]))) == [256, 257]


def test_a_period_tells_its_frequency_alone():
    assert list(read(pd.period_range("2024Q2", periods=1, freq="Q")).frequency.month) == [
        *(4, 7, 10, 1)
    ]


@pytest.mark.parametrize("first", ["3000-01-01", "2024-01-01"])
def test_written_dates_that_nanoseconds_do_not_reach_are_refused(first):
    with pytest.raises(TableError, match=r"'[39].*' in row [12] is (not understood|no date)"):
        read([first, "9999-12-31"])


def test_offsets_that_change_are_read_in_a_format_that_is_given():
    stamps = read(
        ["01.01.2024 00:00 +0100", "01.07.2024 00:00 +0200"], date_format="%d.%m.%Y %H:%M %z"
    )
    assert list(stamps.index.astype(str)) == [
        "2023-12-31 23:00:00+00:00",
        "2024-06-30 22:00:00+00:00",
    ]


def test_dates_that_are_finer_than_their_type_are_given_as_finer_or_refused():
    quarters = pd.date_range("2024-01-01", periods=3, freq="15min", unit="ns")
    coarse = read(pd.Series(pd.to_datetime(["2024-01-01"])).astype("datetime64[s]"))
    assert coarse.restored(quarters + pd.Timedelta("1us")).dtype == "datetime64[ns]"
    days = read(pd.Series(DAYS).dt.date.astype(pd.ArrowDtype(pa.date32())))
    assert list(days.restored(quarters)) == list(quarters)
    hours = read(pd.period_range("2024-01-01", periods=2, freq="h"))
    with pytest.raises(TableError, match="finer than periods of h"):
        hours.restored(quarters)


@pytest.mark.parametrize(
    "quarter", ["2015 Q1", "2015Q1", "2015-q1", "Q1 2015", "Q1/2015", "1Q2015"]
)
def test_quarters_are_read_in_every_spelling(quarter):
    third = quarter.replace("Q1", "Q3").replace("q1", "q3").replace("1Q", "3Q")
    assert [str(date.date()) for date in read([quarter, third]).index] == [
        "2015-01-01",
        "2015-07-01",
    ]


@pytest.mark.parametrize(
    ("cell", "options", "said"),
    [
        ("2024-01-01T00:00+01:00Z", {}, "has two offsets"),
        ("2024-01-01T00:00+99:00", {}, r"\+99:00 is no offset"),
        ("2024-01-01T00:00+05:99", {}, r"\+05:99 is no offset"),
        ("2024-01-01", {"date_format": "%Y-%Y-%d"}, "can not be read as '%Y-%Y-%d'"),
    ],
)
def test_offsets_and_formats_that_are_none_are_refused(cell, options, said):
    with pytest.raises(TableError, match=said):
        read([cell], **options)


@pytest.mark.parametrize("year", ["{0}-{2:02d}", "{0}/{2:02d}", "{0}\u2013{2:02d}", "{0}/{1}"])
def test_years_that_end_in_the_next_one_are_no_months(year):
    cells = [year.format(first, first + 1, (first + 1) % 100) for first in range(1995, 2020)]
    for some in (cells, cells[6:17]):  # 2001-02 to 2011-12 could all be months
        stamps = read(some)
        assert list(stamps.index.year) == [int(cell[:4]) for cell in some]
        assert (stamps.index.dayofyear == 1).all()
        assert stamps.notes == ("the year in which each begins",)


def test_months_are_no_years_that_end_in_the_next_one():
    assert list(read(["2001-02", "2001-03"]).index.month) == [2, 3]


@pytest.mark.parametrize("name", ["Week", "yearweek", "Kalenderwoche", "KW", "Semaine", "yyyyww"])
@pytest.mark.parametrize("week", ["2024-{:02d}", "2024/{:02d}", "{:02d}/2024", "2024{:02d}"])
def test_weeks_are_not_read_as_months(name, week):
    cells = [week.format(i) for i in range(1, 12)]
    column = pd.Series(cells if "/" in week or "-" in week else list(map(int, cells)), name=name)
    with pytest.raises(TableError, match="write weeks as 2024-W05"):
        read_times(column)
    assert len(read_times(column.rename("month"), "%m/%Y" if week[0] == "{" else None).index) == 11


def test_dates_of_weeks_are_read():
    for cells in (["2024-01-01", "2024-01-08"], [20240101, 20240108], ["2024-W01", "2024-W02"]):
        assert [date.day for date in read_times(pd.Series(cells, name="week")).index] == [1, 8]


@pytest.mark.parametrize("form", ["%y%m%d", "%d%m%y"])
def test_whole_numbers_with_years_of_two_digits_do_not_count_on(form):
    days = pd.date_range("2009-12-20", periods=31)
    numbers = [int(day.strftime(form)) for day in days]
    with pytest.raises(TableError, match=f"seem to be dates.* date_format='{form}'$"):
        read(numbers)
    assert list(read(numbers, date_format=form).index) == list(days)


@pytest.mark.parametrize("first", [1, 1000, 10100, 100_000, 240_101, 500_000])
def test_whole_numbers_that_leave_the_calendar_count(first):
    assert list(read(range(first, first + 200)).index) == list(range(first, first + 200))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_seconds_since_1970_are_times_where_it_is_said(unit):
    days = pd.date_range("2024-03-20", periods=20, tz=BERLIN)
    numbers = days.tz_convert("UTC").tz_localize(None).as_unit(unit).asi8
    stamps = read(numbers, date_format="%s", timezone=BERLIN)
    assert list(stamps.index) == list(days)
    assert list(stamps.restored(stamps.index)) == list(days)
    assert str(read(numbers, date_format="%s").index.tz) == "UTC"
    assert list(read(numbers).index) == list(numbers)


def test_numbers_that_are_no_seconds_since_1970_are_refused():
    with pytest.raises(TableError, match=r"such as 5 are no seconds since 1970"):
        read([5, 6, 7], date_format="%s")


def test_an_abbreviated_zone_is_left_out_and_told_or_checked():
    hours = pd.date_range("2024-01-01", periods=5, freq="h")
    text = list(hours.strftime("%Y-%m-%d %H:%M EST"))
    stamps = read(text)
    assert list(stamps.index) == list(hours)
    assert stamps.notes == ("local times, without EST",)
    with pytest.raises(TableError, match="00:00 EST' in row 1 is not by the clock of UTC"):
        read(text, timezone="UTC")
    assert list(read(text, timezone="America/New_York").index.tz_localize(None)) == list(hours)


def test_abbreviated_zones_that_change_need_the_name_of_their_zone():
    hours = pd.date_range("2024-11-02", periods=60, freq="h", tz="America/New_York")
    text = list(hours.strftime("%Y-%m-%d %H:%M %Z"))
    with pytest.raises(TableError, match="several zones, such as EDT and EST: name the time zone"):
        read(text)
    assert list(read(text, timezone="America/New_York").index) == list(hours)


def test_greenwich_mean_time_is_utc():
    assert str(read(["2024-01-01 00:00 GMT", "2024-01-01 01:00 GMT"]).index.tz) == "UTC"
