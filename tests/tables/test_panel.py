"""Series on their dates: zones, rounding, gaps and rhythm, short series beside long ones."""

import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.panel import Panel, read_panel
from ttm_estimators.tables.reading import Reading

BERLIN = "Europe/Berlin"
DAYS = pd.date_range("2024-01-01", periods=30)


def read(times: pd.DatetimeIndex | pd.DataFrame, **reading) -> Panel:
    frame = times if isinstance(times, pd.DataFrame) else table(times)
    return read_panel(Table(frame, "df"), Reading(**reading))


def table(times: pd.DatetimeIndex, **columns) -> pd.DataFrame:
    return pd.DataFrame({**columns, "date": times, "y": np.arange(len(times)) % 7.0})


def ahead(panel: Panel, steps: int = 1) -> list[list[pd.Timestamp]]:
    return [list(future) for future in panel.futures(steps)]


@pytest.mark.parametrize(
    ("zone", "alias"),
    [(BERLIN, "D"), (BERLIN, "h"), ("Asia/Kolkata", "h"), (None, "D"), (None, "h")],
)
def test_times_are_rounded_by_the_clock_on_the_wall(zone, alias):
    whole = pd.date_range("2024-10-26", periods=60, freq=alias, tz=zone)
    times = whole[:-1] + pd.to_timedelta(np.arange(59) % 7 - 3, unit="s")
    panel = read(times, round_time=alias)
    assert list(panel.series[0].times) == list(whole[:-1])
    assert ahead(panel) == [[whole[-1]]]


def test_days_of_another_zone_are_told_to_name_it():
    days = pd.date_range("2024-03-10", periods=40, tz=BERLIN)
    with pytest.raises(TableError, match=r"name the zone .* timezone='Europe/Berlin'"):
        read(days[:-1].tz_convert("UTC"))
    panel = read(days[:-1].tz_convert("UTC"), timezone=BERLIN)
    assert ahead(panel) == [[days[-1]]]


@pytest.mark.parametrize("name", ["hour", "hours", "interval"])
def test_hours_that_only_differ_between_series_are_no_time_of_day(name):
    rows = [table(DAYS, id=key, **{name: hour}) for key, hour in (("a", 8), ("b", 10))]
    panel = read(pd.concat(rows), value=["y"])
    assert ahead(panel) == [[pd.Timestamp("2024-01-31")]] * 2


def stretches(*rules) -> pd.DatetimeIndex:
    times = pd.DatetimeIndex(["2024-01-01"])
    for alias, count in rules:
        times = times.append(pd.date_range(times[-1], periods=count + 1, freq=alias)[1:])
    return times


@pytest.mark.parametrize(
    "rules", [(("30min", 300), ("h", 200)), (("D", 60), ("B", 60)), (("D", 100), ("2D", 60))]
)
def test_a_change_of_rhythm_at_the_end_is_no_gap(rules):
    with pytest.raises(TableError, match="mixed frequencies"):
        read(stretches(*rules), fill_gaps=True)


def test_a_weekend_without_rows_is_a_gap():
    days = pd.date_range("2024-01-01", periods=40)
    with pytest.raises(TableError, match="2024-01-06 is missing at frequency D"):
        read(days.delete([5, 6]))
    assert len(read(days.delete([5, 6]), fill_gaps=True).series[0].values) == 40


def test_few_weeks_do_not_tell_a_gap_from_a_time_that_never_occurs():
    days = pd.date_range("2024-01-01", periods=24)
    times = days[days.day_of_week != 6].delete(8)
    with pytest.raises(TableError, match=r"never has a row on Sunday.*freq='D'"):
        read(times, fill_gaps=True)
    assert ahead(read(times, fill_gaps=True, freq="D")) == [[pd.Timestamp("2024-01-25")]]
    hours = pd.date_range("2024-01-01", periods=24 * 25, freq="h")
    opening = hours[(hours.day_of_week < 5) & (hours.hour > 8) & (hours.hour < 17)].delete(50)
    with pytest.raises(TableError, match=r"never has a row on Monday at 00:00.*freq='h'"):
        read(opening, fill_gaps=True)


def test_a_forecast_never_has_the_same_date_twice():
    hours = pd.date_range("2024-02-01", periods=59 * 24, freq="h", tz=BERLIN)
    with pytest.raises(TableError, match=r"03:00:00\+02:00 would come twice"):
        read(hours[hours.hour < 6]).futures(6)


def test_opening_hours_over_an_hour_that_comes_twice_are_refused():
    hours = pd.date_range("2024-06-01", "2024-12-31", freq="h", tz=BERLIN)
    for fill_gaps in (False, True):
        with pytest.raises(TableError):
            read(hours[hours.hour < 6], fill_gaps=fill_gaps)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_short_series_that_ends_where_the_clock_moved_its_hour_goes_on_as_the_others(rows):
    local = pd.date_range("2024-03-01 02:30", periods=32)
    times = local.tz_localize(BERLIN, nonexistent="shift_forward")  # 2024-03-31 at 03:00
    whole, short = table(times[:31], id="a"), table(times[31 - rows : 31], id="b")
    assert ahead(read(pd.concat([whole, short]))) == [[times[31]]] * 2


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"date_format": "%Y"}, "column 'date' holds dates, not text: leave date_format= out"),
        ({"no_time": True, "timezone": BERLIN}, "rows are counted.*leave timezone= out"),
        ({"no_time": True, "time": ["date"]}, "rows are counted.*leave time= out"),
        ({"fill_gaps": "no"}, "fill_gaps must be true or false, got 'no'"),
        ({"round_time": pd.Timedelta("1min")}, "round_time must be text, got Timedelta"),
    ],
)
def test_options_of_no_use_or_of_another_type_are_refused(option, said):
    with pytest.raises(TableError, match=said):
        read(DAYS, **option)


def test_an_hour_that_comes_twice_in_rows_of_no_order_is_refused():
    hours = pd.date_range("2024-10-26", periods=60, freq="h", tz=BERLIN).tz_localize(None)
    shuffled = table(hours).sample(frac=1, random_state=0)
    with pytest.raises(TableError, match=r"2024-10-27 02:00:00 comes twice .* in no order"):
        read(shuffled, timezone=BERLIN)


def test_levels_of_an_index_are_ids():
    levels = pd.MultiIndex.from_product([[3], [7, 8], DAYS], names=["store", "item", "date"])
    frame = pd.DataFrame({"y": 1.5}, index=levels)
    from ttm_estimators.tables.files import index_levels_of, with_index

    panel = read_panel(Table(with_index(frame), "df", index_levels=index_levels_of(frame)))
    assert [series.name for series in panel.series] == ["3, 7", "3, 8"]


@pytest.mark.parametrize("month", [3, 10])
def test_a_night_in_which_clocks_change_is_told_to_name_the_zone(month):
    local = pd.date_range(f"2024-{month}-25", periods=24 * 8, freq="h", tz=BERLIN)
    naive = local.tz_localize(None)
    with pytest.raises(TableError, match="if the clock was changed there, give timezone="):
        read(naive)
    assert list(read(naive, timezone=BERLIN).series[0].times) == list(local)


def test_a_month_may_be_taken_for_the_date_of_its_only_row():
    days = ["2021-03-31", "2021-04-30", "2021-05-28", "2021-06-30", "2021-07-29"]
    with pytest.raises(TableError, match=r"if each month has one row.*round_time='MS'"):
        read(pd.DatetimeIndex(days))
    panel = read(pd.DatetimeIndex(days), round_time="MS")
    assert ahead(panel, 2) == [[pd.Timestamp("2021-08-01"), pd.Timestamp("2021-09-01")]]


def test_a_series_that_ends_without_values_is_told():
    frame = table(DAYS)
    frame.loc[27:, "y"] = np.nan
    told = "series 'y' ends in 3 rows without a value, which are a part of its history"
    assert read(frame).empty_ends == told
    assert read(table(DAYS)).empty_ends == ""


def test_a_column_was_chosen_twice():
    frame = table(DAYS, id="a")
    for reading in ({"id": ["id", "id"]}, {"time": ["date", "date"]}, {"value": ["id", "id"]}):
        with pytest.raises(TableError, match="was chosen twice"):
            read(frame, **reading)


def test_of_two_columns_with_names_of_ids_one_of_dicts_is_none():
    frame = table(DAYS, id=[{"a": i} for i in range(30)], series="a")
    panel = read(frame)
    assert panel.chosen.ids == ["series"]
    assert panel.left_out == "'id' (cells of dict)"


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", None])
def test_rows_from_new_to_old_are_counted_from_the_last_one_on(form):
    days = DAYS.delete(10)
    old = table(days if form is None else days.strftime(form))
    both = pd.concat([old.assign(id="a"), old.assign(id="b")], ignore_index=True)
    for frame in (old, both):
        panel = read(frame[::-1], no_time=True)
        assert all(list(one.values) == list(old["y"]) for one in panel.series)
        assert "from the last one on, as 'date' runs from new to old" in panel.took
        assert all(list(one.values) == list(old["y"]) for one in read(frame, no_time=True).series)
        assert "from new to old" not in read(frame, no_time=True).took


@pytest.mark.parametrize("rows", [4, len(DAYS)])
def test_counted_rows_that_run_both_ways_are_refused(rows):
    old = table(DAYS)[:rows]
    frame = pd.concat([old.assign(id="a"), old[::-1].assign(id="b")], ignore_index=True)
    said = "'date' runs from old to new in some series and from new to old in others: sort"
    with pytest.raises(TableError, match=said):
        read(frame, no_time=True)


def test_months_from_new_to_old_are_seen_whose_days_could_be_months():
    old = table(pd.date_range("2023-01-01", periods=12, freq="MS").strftime("%d/%m/%Y"))
    assert list(read(old[::-1], no_time=True).series[0].values) == list(old["y"])


def test_rows_from_new_to_old_are_seen_above_a_total():
    old = table(DAYS.strftime("%Y-%m-%d"))
    sheet = pd.concat([old[::-1], pd.DataFrame({"date": ["Total"], "y": [99.0]})])
    assert "from new to old" in read(sheet, no_time=True).took


@pytest.mark.parametrize("seed", range(5))
def test_dates_in_no_order_or_in_both_do_not_turn_rows_around(seed):
    old = table(DAYS)
    shuffled = np.random.default_rng(seed).permutation(DAYS)
    for frame in (old.assign(date=shuffled), old.assign(expires=DAYS[::-1])):
        assert list(read(frame, no_time=True).series[0].values) == list(old["y"])


def test_row_numbers_do_not_hide_that_dates_run_from_new_to_old():
    new = table(DAYS)[::-1].assign(index=range(30))
    assert list(read(new, no_time=True, value=["y"]).series[0].values) == list(new["y"][::-1])


def test_an_hour_that_comes_twice_does_not_turn_rows_around():
    hours = pd.date_range("2024-10-26", periods=60, freq="h", tz=BERLIN).tz_localize(None)
    for frame in (table(hours), table(hours)[::-1]):
        values = read(frame, no_time=True).series[0].values
        assert list(values) == list(table(hours)["y"])


def test_an_empty_column_of_dates_does_not_tell_an_order():
    for empty in (None, np.nan, pd.NaT):
        assert len(read(table(DAYS).assign(time=empty), no_time=True).series[0].values) == 30


def test_values_that_fall_do_not_turn_rows_around():
    falling = pd.DataFrame({"index": [9, 7, 6, 4, 3, 1], "y": [6.0, 5, 4, 3, 2, 1]})
    assert list(read(falling, no_time=True, value=["y"]).series[0].values) == [6, 5, 4, 3, 2, 1]


COUNTRIES = pd.DataFrame(
    {"Country": ["Chad", "Peru"], **{str(y): [1.0, 2] for y in range(1990, 2024)}}
)
MONTHS = pd.DataFrame({"month": range(1, 13), **{str(y): range(12) for y in (2022, 2023)}})


@pytest.mark.parametrize("options", [{}, {"no_time": True}])
@pytest.mark.parametrize("frame", [COUNTRIES, MONTHS, COUNTRIES.set_index("Country")])
@pytest.mark.parametrize("name", ["{}", "{}.0", "{0} [YR{0}]"])
def test_columns_of_years_are_to_be_turned_around(frame, options, name):
    frame = frame.rename(columns=lambda year: name.format(year) if year.isdecimal() else year)
    frame = frame.reset_index() if frame.index.name else frame
    with pytest.raises(TableError, match=r"columns such as '(1990|2022).* turn the table around"):
        read(frame, **options)


def test_numbers_of_shops_are_no_years_where_rows_have_dates():
    shops = pd.DataFrame({"date": DAYS, **{str(shop): np.arange(30.0) for shop in (2001, 2002)}})
    for options in ({}, {"no_time": True}):
        assert [one.name for one in read(shops, **options).series] == ["2001", "2002"]


def test_months_in_seconds_since_1970_are_told_how_to_be_read():
    months = pd.date_range("2020-01-01", periods=30, freq="MS")
    frame = table(months.as_unit("s").asi8)
    with pytest.raises(TableError, match=r"seconds since 1970, or parts of them, give .*'%s'"):
        read(frame)
    assert ahead(read(frame, date_format="%s")) == [[pd.Timestamp("2022-07-01", tz="UTC")]]
