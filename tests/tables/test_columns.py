"""What is taken for time, ids and values, and what is left out, from whole tables."""

import decimal

import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.files import Table, read_file
from ttm_estimators.tables.panel import Panel, read_panel
from ttm_estimators.tables.reading import Reading

DAYS = pd.date_range("2024-01-13", periods=20)
HOURS = pd.date_range("2024-01-13", periods=96, freq="h")


@pytest.fixture
def read(tmp_path):
    def write_and_read(frame: pd.DataFrame | str, **reading) -> Panel:
        path = tmp_path / "data.csv"
        text = frame if isinstance(frame, str) else frame.to_csv(index=False)
        path.write_text(text, encoding="utf-8")
        headless = reading.get("no_time", False)
        return read_panel(read_file(path, headless=headless), Reading(**reading))

    return write_and_read


def wide(cells) -> pd.DataFrame:
    return pd.DataFrame({"date": DAYS, "a": np.arange(20) ** 2, "b": list(cells)})


def hourly(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns).assign(load=np.arange(96.0) % 24)


CLOCKS = {
    "HH:MM": HOURS.strftime("%H:%M"),
    "HH:MM:SS": HOURS.strftime("%H:%M:%S"),
    "12 hours": HOURS.strftime("%I:%M %p"),
    "spans": [f"{time:%H:%M}-{time + pd.Timedelta('1h'):%H:%M}" for time in HOURS],
}


@pytest.mark.parametrize("date", ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y"])
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("names", [("date", "time"), ("Date", "Time"), ("day", "interval")])
def test_a_day_and_a_time_of_day_are_joined(read, date, clock, names):
    day, time = names
    panel = read(hourly(**{day: HOURS.strftime(date), time: CLOCKS[clock]}))
    assert list(panel.series[0].times) == list(HOURS)
    assert panel.time == day
    assert panel.took == f"time {day!r} and {time!r}, value 'load'"


@pytest.mark.parametrize(("name", "shift"), [("hour", 0), ("Hour", 0), ("hour", 1), ("HE", 1)])
def test_a_day_and_an_hour_are_joined(read, name, shift):
    panel = read(hourly(date=HOURS.date, **{name: HOURS.hour + shift}))
    assert list(panel.series[0].times) == list(HOURS + pd.Timedelta(hours=shift))


def test_days_and_hours_of_a_panel_are_joined(read):
    one = hourly(date=HOURS.date, hour=HOURS.hour)
    panel = read(pd.concat([one.assign(site="a"), one.assign(site="b")]))
    assert [series.name for series in panel.series] == ["a", "b"]
    assert all(list(series.times) == list(HOURS) for series in panel.series)


def test_columns_of_a_date_may_be_named(read):
    frame = hourly(when=HOURS.strftime("%Y-%m-%d"), at=CLOCKS["HH:MM"], other=HOURS[::-1].date)
    panel = read(frame, time=["when", "at"])
    assert list(panel.series[0].times) == list(HOURS)
    assert panel.left_out == "'other' (other dates)"


@pytest.mark.parametrize(
    ("names", "alias"),
    [(("year", "month"), "MS"), (("year", "quarter"), "QS"), (("year", "month", "day"), "D")],
)
def test_parts_of_dates_are_joined(read, names, alias):
    times = pd.date_range("2020-01-01", periods=24, freq=alias)
    frame = pd.DataFrame({name: getattr(times, name) for name in names}).assign(load=1.5)
    assert list(read(frame).series[0].times) == list(times)


def test_weeks_of_a_year_are_joined(read):
    times = pd.date_range("2020-01-06", periods=60, freq="W-MON")
    calendar = times.isocalendar()
    frame = pd.DataFrame({"year": calendar["year"], "week": calendar["week"], "load": 1.5})
    assert list(read(frame).series[0].times) == list(times)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["x"] * 20, "text"),
        (["x"] * 15 + ["5"] * 5, "15 of 20 cells such as 'x'"),
        ([True, False] * 10, "true or false"),
        ([None] * 20, "nothing in it"),
        (DAYS[::-1].strftime("%Y-%m-%d 12:00"), "other dates"),
    ],
)
def test_a_column_that_is_left_out_is_named_with_the_reason(read, cells, reason):
    panel = read(wide(cells), time=["date"])
    assert [series.name for series in panel.series] == ["a"]
    assert panel.left_out == f"'b' ({reason})"


@pytest.mark.parametrize(
    ("cells", "last"),
    [
        (["10,5"] * 20, 10.5),
        (["1,000.5"] * 20, 1000.5),
        (["12%"] * 20, 12),
        (["$3.50"] * 20, 3.5),
        (["-"] * 15 + ["5"] * 5, 5),
        (["n/k"] * 15 + ["5"] * 5, 5),
        ([" "] + ["5"] * 19, 5),
    ],
)
def test_a_column_of_numbers_in_another_spelling_is_forecast(read, cells, last):
    panel = read(wide(cells))
    assert [series.name for series in panel.series] == ["a", "b"]
    assert panel.series[1].values[-1] == last
    assert panel.left_out == ""


def test_a_column_of_doubtful_numbers_is_refused(read):
    with pytest.raises(TableError, match="'b' is not numeric as it stands: '1,000'"):
        read(wide(["1,000"] * 20))
    panel = read(wide(["1,000"] * 20), thousands=",")
    assert panel.series[1].values[-1] == 1000


def test_dots_are_doubtful_where_semicolons_part_fields(read):
    text = "date;load\n" + "".join(f"{day:%Y-%m-%d};1.{i:03}\n" for i, day in enumerate(DAYS, 10))
    with pytest.raises(TableError, match=r"'1.010' may have a decimal sign"):
        read(text)
    with pytest.raises(TableError, match=r"'1.010' may have a decimal sign"):
        read(text.split("\n", 1)[1], no_time=True)
    assert read(text, decimal=".").series[0].values[0] == 1.01
    assert read(text, thousands=".").series[0].values[0] == 1010
    assert read(text.replace(";", ",")).series[0].values[0] == 1.01


@pytest.mark.parametrize("actual", ["actual", "Actuals", "sales_actual", "Ist (EUR)", "observed"])
@pytest.mark.parametrize("shop", [[], ["id"]])
def test_a_target_that_may_be_the_plan_of_actuals_is_asked_about(read, actual, shop):
    numbers = np.arange(20.0)
    frame = pd.DataFrame({"date": DAYS, actual: numbers, "target": 100.0 + numbers})
    frame = frame.assign(**dict.fromkeys(shop, "a"))
    with pytest.raises(TableError, match="'target' could all be the value: choose with value="):
        read(frame)
    assert list(read(frame, value=[actual]).chosen.values) == [actual]
    assert list(read(frame, value=["target"]).chosen.values) == ["target"]


@pytest.mark.parametrize("other", ["price", "factual", "dist"])
def test_a_target_beside_other_numbers_is_the_value(read, other):
    frame = pd.DataFrame({"date": DAYS, "target": np.arange(20.0), other: 5.0})
    assert list(read(frame).chosen.values) == ["target"]


GROUPED = [f"{950 + 37 * i % 120:,}".replace(",", ".") for i in range(20)]


def parted(cells, separator="\t", quote="", **columns) -> str:
    table = pd.DataFrame({"day": DAYS.strftime("%d.%m.%Y"), "load": cells, **columns})
    rows = [list(table), *table.to_numpy().tolist()]
    return "".join(separator.join(f"{quote}{cell}{quote}" for cell in row) + "\n" for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        parted(GROUPED),
        parted(GROUPED, "|"),
        parted(GROUPED, ",", '"'),
        parted([f"{cell} €" for cell in GROUPED], ";"),
        parted([f"€\u00a0{cell}" for cell in GROUPED], ","),
        parted(["-", *GROUPED[1:]], ";"),
        parted([cell.replace(".", ",") for cell in GROUPED], ",", '"'),
    ],
    ids=["tabs", "bars", "quotes", "euros behind", "euros before", "a mark for missing", "commas"],
)
def test_thousands_that_may_be_decimals_are_asked_for_in_any_file(read, text):
    with pytest.raises(TableError, match=r"may have a decimal sign.*decimal= or thousands="):
        read(text)
    mark = "." if "1.024" in text else ","
    assert read(text, thousands=mark).series[0].values[2] == 1024
    assert read(text, decimal=mark).series[0].values[2] == 1.024


@pytest.mark.parametrize(
    "text",
    [
        parted(GROUPED, ","),
        parted(["-", *GROUPED[1:]], ","),
        parted([*GROUPED[:-1], "0.512"]),
        parted([*GROUPED[:-1], "12.5"], ";"),
        parted([*GROUPED[:-1], "1200"]),
        parted([f"{cell} %" for cell in GROUPED]),
    ],
    ids=["plain commas", "a mark for missing", "a zero", "two digits", "four digits", "percent"],
)
def test_decimals_that_are_clear_are_read(read, text):
    assert read(text).series[0].values[2] == 1.024


def test_text_and_covariates_of_doubtful_thousands_are_asked_for(read):
    frame = pd.DataFrame({"day": DAYS, "load": GROUPED, "y": 1.5})
    for options in ({"value": ["load"]}, {"known": ["load"]}, {"past": ["load"]}):
        with pytest.raises(TableError, match=r"'load' is not numeric as it stands: '1.024'"):
            read_panel(Table(frame, "df"), Reading(**options))
        with pytest.raises(TableError, match=r"'load' is not numeric as it stands: '1.024'"):
            read(parted(GROUPED, ";", y=[f"{i},5" for i in range(20)]), **options)


def test_decimals_of_three_digits_that_are_no_text_are_read():
    load = [decimal.Decimal(cell) for cell in GROUPED]
    panel = read_panel(Table(pd.DataFrame({"day": DAYS, "load": load}), "df"), Reading())
    assert panel.series[0].values[2] == 1.024


def test_a_sign_for_two_purposes_is_refused(read):
    with pytest.raises(TableError, match="',' can not be the decimal sign and part thousands"):
        read(wide(["1,5"] * 20), decimal=",", thousands=",")
    with pytest.raises(TableError, match="decimal ';;' is no single sign"):
        read(wide(["1,5"] * 20), decimal=";;")


@pytest.mark.parametrize("name", ["Index", "index", "hour", "week", "step"])
def test_a_value_with_the_name_of_a_time_or_an_id_is_forecast(read, name):
    squares = np.arange(20) ** 2 % 17 + 300
    panel = read(pd.DataFrame({"date": DAYS, name: squares, "b": 1.5}), time=["date"])
    assert [series.variable for series in panel.series] == [name, "b"]
    alone = read(pd.DataFrame({"date": DAYS, name: squares}))
    assert alone.series[0].values.tolist() == squares.tolist()


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("Index", range(20), "row numbers"),
        ("id", range(1, 21), "row numbers"),
        ("id", range(100, 140, 2), "an id of each row"),
        ("month", DAYS.month, "a part of the date"),
        ("day", DAYS.day, "a part of the date"),
        ("week", DAYS.isocalendar().week.to_numpy(), "a part of the date"),
    ],
)
def test_what_only_repeats_rows_or_dates_is_left_out_and_told(read, name, cells, reason):
    panel = read(pd.DataFrame({"date": DAYS, name: list(cells), "load": 1.5}))
    assert [series.name for series in panel.series] == ["load"]
    assert panel.left_out == f"{name!r} ({reason})"


SALES = pd.DataFrame(
    [
        {"id": 27 * i + 9 * s + f, "date": day, "store": s, "family": family, "sales": i + s + f}
        for i, day in enumerate(DAYS)
        for s in (1, 2, 3)
        for f, family in enumerate(("milk", "meat", "fruit"))
    ]
)


@pytest.mark.parametrize("columns", [list(SALES), ["date", "store", "family", "sales"]])
def test_ids_that_make_each_time_of_a_series_one_row_are_suggested(read, columns):
    with pytest.raises(TableError, match="tell series apart with id='family' id='store'"):
        read(SALES[columns])
    panel = read(SALES[columns], id=["store", "family"], value=["sales"])
    assert len(panel.series) == 9


def test_lists_of_many_names_are_cut_off(read):
    frame = pd.DataFrame({"date": DAYS, **{f"column {i}": "x" for i in range(200)}})
    with pytest.raises(TableError) as error:
        read(frame)
    assert "'column 6' and 193 more" in str(error.value)
    assert len(str(error.value)) < 250


def test_names_with_blanks_are_in_quotes(read):
    with pytest.raises(TableError, match="no time column among 'my date', 'y'"):
        read("my date, y\na,1\nb,2\n")


def test_dates_in_the_header_are_told_to_be_turned(read):
    with pytest.raises(
        TableError, match=r"'2024-01' are times: each row holds a series or a year.*melt"
    ):
        read("id,2024-01,2024-02\na,1,2\nb,3,4\n")


@pytest.mark.parametrize("others", [{}, {"price": np.repeat([3, 4, 5, 6, 7], 8)}])
def test_the_only_values_are_no_id(read, others):
    days = DAYS.repeat(2)
    frame = pd.DataFrame({"date": days, "kwh": [0, 10] * 10 + [5, 15] * 10, **others})
    with pytest.raises(TableError, match=r"add them up or drop one, or name the columns .* id=$"):
        read(frame[["date", "kwh"]])
    frame["shop"] = [1, 2] * 20
    with pytest.raises(TableError, match=r"tell series apart with id='shop'$"):
        read(frame)


@pytest.mark.parametrize("year", ["{}", "FY{}"])
@pytest.mark.parametrize("name", ["Fiscal Year", "Haushaltsjahr", "FY"])
def test_a_year_is_no_id_of_its_periods(read, name, year):
    years = [year.format(2021 + i // 12) for i in range(36)]
    frame = pd.DataFrame({name: years, "Period": [1 + i % 12 for i in range(36)], "rev": range(36)})
    with pytest.raises(TableError, match=f"make one date of '{name}' and 'Period', such as"):
        read(frame)
    assert len(read(frame, id=[name]).series) == 3


def test_rows_are_counted_where_there_is_no_time(read):
    for text in ("4,1\n5,2\n6,3\n", "a,b\n4,1\n5,2\n6,3\n"):
        panel = read(text, no_time=True)
        assert [series.values.tolist() for series in panel.series] == [[4, 5, 6], [1, 2, 3]]
        assert panel.time == "step"
        assert panel.futures(2)[0].tolist() == [3, 4]
        assert panel.took.startswith("time by counting rows, values ")


def test_times_of_a_sensor_are_rounded(read):
    random = np.random.default_rng(0)
    minutes = pd.date_range("2024-01-01", periods=60, freq="min")
    times = minutes + pd.to_timedelta(random.integers(-3, 4, 60), unit="s")
    panel = read(pd.DataFrame({"date": times, "y": 1.0}), round_time="1min")
    assert list(panel.series[0].times) == list(minutes)
    for size in ("MS", "x"):
        with pytest.raises(TableError):
            read(pd.DataFrame({"date": times, "y": 1.0}), round_time=size)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([b"x"] * 20, "cells of bytes"),
        ([[1, 2]] * 20, "cells of list"),
        ([{"a": 1}] * 20, "cells of dict"),
        (pd.to_timedelta(np.arange(20), unit="h"), "cells of Timedelta"),
    ],
)
def test_cells_that_are_no_text_and_no_number_are_left_out_or_refused(cells, reason):
    frame = pd.DataFrame({"date": DAYS, "a": 1.5, "b": cells})
    assert read_panel(Table(frame, "df")).left_out == f"'b' ({reason})"
    for role in ("id", "value", "time"):
        with pytest.raises(TableError, match="'b'"):
            read_panel(Table(frame, "df"), Reading(**{role: ["b"]}))


def test_a_usual_name_of_a_value_wins_over_other_numbers(read):
    panel = read(pd.DataFrame({"ds": DAYS, "y": 1.5, "cap": 9.5}))
    assert [series.name for series in panel.series] == ["y"]
    assert panel.left_out == "'cap' (not the value)"


def test_a_decimal_sign_tells_the_other_one(read):
    panel = read(wide(["1.206,91", "5,0"] * 10), decimal=",")
    assert panel.series[1].values[:2].tolist() == [1206.91, 5]


@pytest.mark.parametrize(
    "names",
    [
        ["jan", "Feb", "March", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        [f"d_{day}" for day in range(1, 201)],
    ],
)
def test_times_in_the_header_are_told_to_be_turned(read, names):
    frame = pd.DataFrame({"place": ["a", "b", "c"], **dict.fromkeys(names, 1.5)})
    with pytest.raises(TableError, match=r"are times: each row holds a series or a year.*melt"):
        read(frame)


@pytest.mark.parametrize(
    ("names", "cells"),
    [(("year", "quarter"), ["Q1", "Q2", "Q3"]), (("year", "month"), ["Jan", "Feb", "March"])],
)
def test_parts_of_dates_may_have_names(read, names, cells):
    frame = pd.DataFrame({names[0]: 2024, names[1]: cells, "load": 1.5})
    months = [1, 4, 7] if "quarter" in names else [1, 2, 3]
    assert list(read(frame).series[0].times.month) == months
    with pytest.raises(TableError, match="'x' in row 2 is no"):
        read(frame.replace({cells[1]: "x"}))


def shops(**columns) -> pd.DataFrame:
    frame = pd.DataFrame({"date": list(DAYS) * 3, "shop": np.repeat([*"abc"], len(DAYS))})
    return frame.assign(load=np.arange(len(frame)) + 0.5, **columns)


IN_SHOPS = np.repeat([0, 1, 2], len(DAYS))


@pytest.mark.parametrize(
    ("column", "cells", "why"),
    [
        ("unit", "kWh", "the same in all rows"),
        ("id", "k", "the same in all rows"),
        ("id", 7, "the same in all rows"),
        ("region", np.array([*"nns"])[IN_SHOPS], "not needed to tell series apart"),
        ("code", np.array([*"xyz"])[IN_SHOPS], "not needed to tell series apart"),
        ("weather", np.array(["sun", "rain"] * 30), "not needed to tell series apart"),
        ("order", [f"o{row}" for row in range(60)], "not needed to tell series apart"),
    ],
)
def test_a_column_that_does_not_tell_series_apart_is_no_id_and_told(read, column, cells, why):
    panel = read(shops(**{column: cells}))
    assert [series.name for series in panel.series] == [*"abc"]
    assert panel.chosen.ids == ["shop"]
    assert panel.id_note == f"took 'shop' as the id, not {column!r} ({why})"
    assert panel.left_out == ""  # is told once


def test_columns_that_only_together_tell_series_apart_are_ids(read):
    frame = pd.concat([shops(kind=kind, unit="kWh") for kind in "xy"])
    panel = read(frame)
    assert panel.chosen.ids == ["shop", "kind"]
    assert len(panel.series) == 6
    panel = read(frame.rename(columns={"shop": "item_id"}))
    assert panel.chosen.ids == ["item_id", "kind"]


def test_columns_that_tell_series_apart_in_more_than_one_way_are_refused(read):
    half = np.where(np.arange(60) % 20 < 10, "old", "new")
    frame = shops()
    with pytest.raises(TableError, match="'shop', 'part' could all identify the series"):
        read(frame.assign(part=frame["shop"] + half))


def flipped(cells, rng):
    """One of two cells for each day, and in the second shop the other one."""
    first = rng.integers(0, 2, len(DAYS))
    return np.array(cells)[np.r_[first, 1 - first]]


def two_shops(**columns) -> pd.DataFrame:
    frame = shops().head(2 * len(DAYS)).rename(columns={"shop": "place"})
    return frame.assign(**columns)


@pytest.mark.parametrize("slips", [0, 1])
def test_text_that_varies_in_a_series_never_becomes_its_id_alone(read, slips):
    """Such as the weather of two places, with a row that has the wrong place, and without."""
    frame = two_shops(weather=flipped(["sun", "rain"], np.random.default_rng(0)))
    frame.iloc[:slips, frame.columns.get_loc("place")] = "b"
    with pytest.raises(TableError, match="'place', 'weather' could all identify the series"):
        read(frame)


def test_a_usual_name_is_not_left_out_for_text_that_tells_rows_apart_by_chance(read):
    rng = np.random.default_rng(0)
    frame = pd.concat([two_shops(kind=kind) for kind in "xy"]).rename(columns={"place": "item_id"})
    shelves = np.stack([rng.permutation(["top", "mid", "low", "floor"]) for _ in DAYS], axis=1)
    with pytest.raises(TableError, match="'item_id', 'kind', 'shelf' could all identify"):
        read(frame.assign(shelf=shelves.ravel()))


def test_a_single_series_is_not_split_by_a_usual_name_that_varies(read):
    frame = shops(id="k", item=np.array([*"pq"] * 30)).head(len(DAYS)).drop(columns="shop")
    with pytest.raises(TableError, match="'id', 'item' could all identify the series"):
        read(frame)


def test_a_row_that_comes_twice_is_told_though_a_column_is_constant(read):
    frame = shops(unit="kWh")
    with pytest.raises(TableError, match="series 'a' has two rows for 2024-01-13"):
        read(pd.concat([frame, frame.head(1)]))


SPELLINGS = {
    "decimal commas": "{},5",
    "percent": "{}%",
    "dollars": "${}.00",
    "euros": "{},5 €",
    "blanks between thousands": "{} 500",
    "doubtful thousands": "{},500",
    "marks for missing": "{}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_numbers_in_any_spelling_are_no_ids(spelling):
    sales = [SPELLINGS[spelling].format(i % 20 + 1 + 30 * (i // 20)) for i in range(60)]
    if spelling == "marks for missing":
        sales[5] = "-"
    frame = shops().drop(columns="load").assign(sales=sales)
    thousands = "," if spelling == "doubtful thousands" else None
    panel = read_panel(Table(frame, "df"), Reading(thousands=thousands))
    assert panel.chosen.ids == ["shop"]
    assert list(panel.chosen.values) == ["sales"]
    frame["shop"] = np.repeat([1, 2, 3], len(DAYS))  # numbers that are ids have to be named
    for columns in (["date", "shop", "sales"], ["date", "sales", "shop"]):
        with pytest.raises(TableError, match=r"same 'date': tell series apart with id='shop'$"):
            read_panel(Table(frame[columns], "df"))


def test_decimal_commas_are_told_what_decimal_points_are(read):
    frame = shops(shop=np.repeat([1, 2, 3], len(DAYS)))
    said = []
    for options in ({}, {"sep": ";", "decimal": ","}):
        with pytest.raises(TableError) as error:
            read(frame.to_csv(index=False, **options))
        said.append(str(error.value))
    assert said == ["several rows have the same 'date': tell series apart with id='shop'"] * 2


def test_a_row_that_comes_twice_is_told_of_decimal_commas(read):
    frame = pd.DataFrame({"date": DAYS, "load": np.arange(20) + 0.5})
    twice = pd.concat([frame, frame.tail(1)])
    with pytest.raises(TableError, match="series 'load' has two rows for 2024-02-01"):
        read(twice.to_csv(index=False, sep=";", decimal=","))


@pytest.mark.parametrize("columns", [["load"], ["load", "heat"]])
def test_decimal_commas_over_a_change_of_the_clock_are_one_series(read, columns):
    hours = pd.date_range("2024-10-20", periods=400, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"zeit": hours.strftime("%d.%m.%Y %H:%M")})
    for name in columns:
        frame[name] = np.arange(400) / 8
    panel = read(frame.to_csv(index=False, sep=";", decimal=","), timezone="Europe/Berlin")
    assert [one.variable for one in panel.series] == columns
    assert list(panel.series[0].times.tz_convert("UTC")) == list(hours.tz_convert("UTC"))


@pytest.mark.parametrize("kind", ["object", "string", "category"])
def test_digits_as_text_may_be_ids(kind):
    frame = shops(shop=np.repeat(["1", "2", "10"], len(DAYS)))
    frame["shop"] = frame["shop"].astype(kind)
    for name in ("shop", "item_id"):
        panel = read_panel(Table(frame.rename(columns={"shop": name}), "df"))
        assert panel.chosen.ids == [name]


@pytest.mark.parametrize("empty", [slice(20, 40), slice(5, 6)])
def test_a_column_with_empty_cells_is_no_id(read, empty):
    frame = shops(name=np.array([*"xyz"])[IN_SHOPS])
    frame.iloc[empty, frame.columns.get_loc("name")] = None
    panel = read(frame)
    assert panel.chosen.ids == ["shop"]
    assert panel.left_out == "'name' (text)"


@pytest.mark.parametrize("load", [np.arange(120) + 0.5, np.arange(120) // 2])
def test_an_empty_cell_of_a_column_that_is_needed_as_an_id_is_named(read, load):
    frame = pd.concat([shops(kind=kind) for kind in "xy"]).assign(load=load)
    frame.iloc[20:40, frame.columns.get_loc("shop")] = None
    frame.iloc[80:100, frame.columns.get_loc("shop")] = None
    with pytest.raises(TableError, match="column 'shop' is empty in row 21"):
        read(frame)
