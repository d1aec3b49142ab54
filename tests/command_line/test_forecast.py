from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import ttm_estimators
from ttm_estimators.command_line import app

HORIZON = 5
ROWS = 40

Forecast = Callable[..., pd.DataFrame]


@pytest.fixture
def forecast(run, model: Path, tmp_path: Path) -> Forecast:
    """Write a table, forecast it, read the result."""

    def write_and_forecast(
        frame: pd.DataFrame | str, *options: object, kind: str = "csv", horizon: int = HORIZON
    ) -> pd.DataFrame:
        data, output = tmp_path / f"data.{kind}", tmp_path / f"forecast.{kind}"
        if isinstance(frame, str):
            data.write_text(frame, encoding="utf-8")
        elif kind == "csv":
            frame.to_csv(data, index=False)
        else:
            frame.to_parquet(data, index=False)
        arguments = [data, "--horizon", horizon, "--model", model, "--output", output]
        outcome = run("forecast", *arguments, *options)
        assert outcome.code == 0, outcome.err
        return pd.read_csv(output) if kind == "csv" else pd.read_parquet(output)

    return write_and_forecast


def values(rows: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=rows)
    return 20 + 5 * np.sin(np.arange(rows) / 3) + noise


def single(times: pd.Index, name: str = "load") -> pd.DataFrame:
    return pd.DataFrame({"date": times, name: values(len(times))})


def panel(**times: pd.Index) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame({"item_id": name, "date": index, "load": values(len(index), seed)})
        for seed, (name, index) in enumerate(times.items())
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    "alias",
    [
        "s",
        "15min",
        "h",
        "6h",
        "D",
        "2D",
        "B",
        "W",
        "W-WED",
        "MS",
        "ME",
        "BME",
        "QS",
        "QE",
        "QE-NOV",
        "YS",
        "YS-JUL",
        "YE",
    ],
)
def test_dates_go_on_at_the_frequency_of_the_data(forecast, alias, kind):
    times = pd.date_range("2021-01-31", periods=ROWS + HORIZON, freq=alias)
    result = forecast(single(times[:ROWS]), kind=kind)
    assert list(pd.to_datetime(result["date"])) == list(times[ROWS:])


@pytest.mark.parametrize(
    "days",
    [["2020-01-15", "2020-02-15"], ["2020-06-15", "2021-06-15"], ["2020-01-05", "2020-04-05"]],
)
def test_the_same_day_of_every_month_quarter_or_year_goes_on(forecast, days):
    first, second = pd.to_datetime(days)
    months = 12 * (second.year - first.year) + second.month - first.month
    times = [first + pd.DateOffset(months=months * i) for i in range(ROWS + HORIZON)]
    result = forecast(single(pd.DatetimeIndex(times[:ROWS])))
    assert list(pd.to_datetime(result["date"])) == times[ROWS:]


@pytest.mark.parametrize(
    ("history", "following"),
    [
        ("2024-12-30 2025-01-30 2025-02-28", "2025-03-30 2025-04-30"),
        ("2025-01-30 2025-02-28 2025-03-30", "2025-04-30 2025-05-30"),
        ("2024-07-15 2024-08-15 2024-09-15", "2024-10-15 2024-11-15"),
        ("2021-07-15 2022-07-15 2023-07-15", "2024-07-15 2025-07-15"),
        ("2022-02-28 2023-02-28 2024-02-28", "2025-02-28 2026-02-28"),
        ("2023-07-01 2023-08-01 2023-09-01", "2023-10-01 2023-11-01"),
        ("2023-01-01 2023-02-01 2023-03-04", "2023-04-04 2023-05-05"),  # 31 days
        ("2023-01-30 2023-03-01 2023-03-31", "2023-04-30 2023-05-30"),  # 30 days
    ],
)
def test_a_few_months_or_years_go_on_at_their_day(forecast, history, following):
    result = forecast(single(pd.DatetimeIndex(history.split())), horizon=2)
    assert list(result["date"]) == following.split()


def test_a_gap_in_months_of_a_late_day_is_filled(forecast):
    times = [pd.Timestamp("2023-10-30") + pd.DateOffset(months=i) for i in range(ROWS + 1)]
    frame = single(pd.DatetimeIndex(times[:ROWS])).drop(index=[9, 20])
    result = forecast(frame, "--fill-gaps", horizon=1)
    assert pd.to_datetime(result["date"]).tolist() == times[-1:]


def test_short_series_keep_their_own_day_of_the_month(forecast):
    times = {
        day: pd.DatetimeIndex(
            [pd.Timestamp(f"2024-01-{day}") + pd.DateOffset(months=i) for i in range(rows)]
        )
        for day, rows in ((30, 12), (15, 1), (20, 2))
    }
    result = forecast(panel(**{str(day): index for day, index in times.items()}), horizon=1)
    assert list(result["date"]) == ["2025-01-30", "2024-02-15", "2024-03-20"]


@pytest.mark.parametrize(("first", "step"), [(1980, 1), (0, 10), (-5, 2), (99_990, 1)])
def test_whole_number_times_go_on(forecast, first, step):
    result = forecast(pd.DataFrame({"year": first + step * np.arange(ROWS), "gdp": values(ROWS)}))
    assert list(result["year"]) == [first + step * (ROWS + i) for i in range(HORIZON)]


@pytest.mark.parametrize(
    ("alias", "written"),
    [("MS", "%Y%m"), ("D", "%Y%m%d"), ("h", "%Y%m%d%H"), ("15min", "%Y%m%d%H%M")],
)
def test_whole_numbers_that_are_dates_are_read_as_dates(forecast, alias, written):
    times = pd.date_range("2024-01-20", periods=ROWS + HORIZON, freq=alias)
    compact = times.strftime(written).astype(int)
    result = forecast(single(compact[:ROWS]))
    assert list(pd.to_datetime(result["date"])) == list(times[ROWS:])


@pytest.mark.parametrize(
    ("given", "alias"),
    [
        ("H", "h"),
        ("h", "h"),
        ("T", "min"),
        ("15T", "15min"),
        ("M", "ME"),
        ("ME", "ME"),
        ("Q", "QE"),
        ("A", "YE"),
        ("Y", "YE"),
        ("D", "D"),
        ("W-FRI", "W-FRI"),
        ("B", "B"),
    ],
)
def test_one_row_goes_on_at_the_given_frequency_in_its_old_or_new_spelling(forecast, given, alias):
    times = pd.date_range("2021-01-04", periods=1 + HORIZON, freq=alias)
    result = forecast(single(times[:1]), "--freq", given)
    assert list(pd.to_datetime(result["date"])) == list(times[1:])


@pytest.mark.parametrize(
    ("given", "alias"), [("W", "W-MON"), ("M", "MS"), ("Q", "QS-FEB"), ("Y", "YS"), ("MS", "BME")]
)
def test_a_given_frequency_follows_the_anchor_of_the_dates(forecast, given, alias):
    times = pd.date_range("2021-01-04", periods=ROWS + HORIZON, freq=alias)
    result = forecast(single(times[:ROWS]), "--freq", given)
    assert list(pd.to_datetime(result["date"])) == list(times[ROWS:])


def test_a_given_frequency_wins_where_the_dates_leave_a_choice(forecast):
    monday_to_friday = pd.date_range("2024-01-01", periods=5)
    result = forecast(single(monday_to_friday), "--freq", "B", horizon=1)
    assert list(result["date"]) == ["2024-01-08"]


def test_a_single_series_has_time_median_and_the_quantiles_of_the_model(forecast):
    result = forecast(single(pd.date_range("2024-01-01", periods=ROWS)))
    assert list(result.columns) == ["date", "median", "0.1", "0.5", "0.9"]
    assert len(result) == HORIZON


def test_a_long_panel_has_its_id_column_and_keeps_the_order_of_the_file(forecast):
    days = pd.date_range("2024-01-01", periods=ROWS)
    result = forecast(panel(zebra=days, ant=days))
    assert list(result.columns) == ["item_id", "date", "median", "0.1", "0.5", "0.9"]
    assert list(result["item_id"]) == ["zebra"] * HORIZON + ["ant"] * HORIZON


def test_a_wide_table_has_one_series_for_each_numeric_column(forecast):
    days = pd.date_range("2024-01-01", periods=ROWS)
    wide = pd.DataFrame({"date": days, "north": values(ROWS), "note": "fine", "south": 1.0})
    result = forecast(wide)
    assert list(result.columns) == ["variable", "date", "median", "0.1", "0.5", "0.9"]
    assert list(result["variable"]) == ["north"] * HORIZON + ["south"] * HORIZON
    assert (result.loc[result["variable"] == "south", "median"] == 1.0).all()


def test_the_layouts_of_the_same_series_give_the_same_forecast(forecast):
    days = pd.date_range("2024-01-01", periods=ROWS)
    a, b = values(ROWS, 1), values(ROWS, 2)
    wide = forecast(pd.DataFrame({"date": days, "a": a, "b": b}))
    long = forecast(
        pd.DataFrame(
            {"item_id": ["a"] * ROWS + ["b"] * ROWS, "date": [*days, *days], "y": [*a, *b]}
        )
    )
    numbers = ["median", "0.1", "0.5", "0.9"]
    np.testing.assert_allclose(wide[numbers], long[numbers])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_file_has_what_the_library_forecasts(forecast, model, kind):
    frame = panel(
        a=pd.date_range("2024-01-01", periods=ROWS), b=pd.date_range("2024-01-01", periods=9)
    )
    frame.loc[3, "load"] = np.nan
    result = forecast(frame, "--quantiles", "0.2,0.8", kind=kind)
    series = [part["load"].to_numpy() for _, part in frame.groupby("item_id")]
    expected = ttm_estimators.load(model).forecast(series, HORIZON, quantile_levels=(0.2, 0.8))
    np.testing.assert_allclose(result["median"], expected.point.ravel())
    np.testing.assert_allclose(result[["0.2", "0.8"]], expected.quantiles.reshape(-1, 2))


def test_every_series_of_a_panel_goes_on_from_its_own_end(forecast):
    times = pd.date_range("2024-01-01", periods=ROWS + HORIZON, freq="h")
    result = forecast(panel(a=times[:ROWS], b=times[5 : ROWS - 10], c=times[:1], d=times[7:9]))
    starts = result.groupby("item_id")["date"].first()
    assert list(pd.to_datetime(starts)) == [times[ROWS], times[ROWS - 10], times[1], times[9]]


def test_series_of_a_panel_may_be_anchored_on_different_days(forecast):
    mondays = pd.date_range("2024-01-01", periods=ROWS, freq="W-MON")
    fridays = pd.date_range("2024-01-01", periods=ROWS - 9, freq="W-FRI")
    result = forecast(panel(a=mondays, b=fridays, c=fridays[:1]))
    weekdays = pd.to_datetime(result["date"]).dt.day_name().groupby(result["item_id"]).unique()
    assert {name: list(days) for name, days in weekdays.items()} == {
        "a": ["Monday"],
        "b": ["Friday"],
        "c": ["Friday"],
    }


def test_a_week_of_business_days_in_a_business_day_panel_skips_the_weekend(forecast):
    days = pd.bdate_range("2024-01-01", periods=ROWS)
    result = forecast(panel(a=days, b=days[:5]))
    assert result.loc[result["item_id"] == "b", "date"].iloc[0] == "2024-01-08"


def test_rows_may_come_in_any_order(forecast):
    frame = panel(
        a=pd.date_range("2024-01-01", periods=ROWS), b=pd.date_range("2024-01-01", periods=ROWS - 5)
    )
    expected = forecast(frame).set_index(["item_id", "date"]).sort_index()
    shuffled = forecast(frame.sample(frac=1, random_state=0)).set_index(["item_id", "date"])
    pd.testing.assert_frame_equal(shuffled.sort_index(), expected)


def test_ids_stay_as_they_are_written(forecast, tmp_path):
    times = [f"2024-01-0{day}" for day in range(1, 8)]
    rows = [f"{name},{time},{len(time)}" for name in ("007", "NA", "1e5") for time in times]
    forecast("\n".join(["item_id,date,load", *rows]), horizon=1)
    lines = (tmp_path / "forecast.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["007", "NA", "1e5"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_numeric_ids_stay_numbers(run, model, tmp_path, kind):
    data, output = tmp_path / f"data.{kind}", tmp_path / "forecast.parquet"
    frame = panel(a=pd.date_range("2024-01-01", periods=ROWS)).assign(item_id=7)
    frame.to_csv(data, index=False) if kind == "csv" else frame.to_parquet(data, index=False)
    assert run("forecast", data, "--horizon", 2, "--model", model, "--output", output).code == 0
    assert pd.read_parquet(output)["item_id"].tolist() == [7, 7]


def test_several_id_and_value_columns_may_be_named(forecast):
    days = pd.date_range("2024-01-01", periods=8)
    frame = pd.concat(
        pd.DataFrame({"shop": shop, "product": product, "day": days, "sold": 1.0, "price": 2.0})
        for shop in ("x", "y")
        for product in (1, 2)
    )
    options = ["--id", "shop", "--id", "product", "--value", "sold", "--value", "price"]
    result = forecast(frame, "--time", "day", *options, horizon=1)
    assert list(result.columns[:4]) == ["shop", "product", "variable", "day"]
    assert len(result) == 2 * 2 * 2
    assert result.groupby("variable")["median"].first().to_dict() == {"price": 2.0, "sold": 1.0}


def test_named_columns_win_over_usual_names(forecast):
    days = pd.date_range("2024-01-01", periods=ROWS)
    frame = pd.DataFrame({"date": days - pd.Timedelta("1D"), "seen": days, "y": 1.0, "load": 2.0})
    result = forecast(frame, "--time", "seen", "--value", "load")
    assert list(result.columns[:2]) == ["seen", "median"]
    assert (result["median"] == 2.0).all()


def test_an_empty_value_is_missing_and_does_not_move_the_dates(forecast):
    frame = single(pd.date_range("2024-01-01", periods=ROWS))
    frame.loc[[3, ROWS - 1], "load"] = np.nan
    result = forecast(frame)
    assert result["date"].iloc[0] == "2024-02-10"
    assert result.notna().all(axis=None)


def test_absent_dates_become_missing_values_when_gaps_are_filled(forecast):
    frame = single(pd.bdate_range("2024-01-01", periods=ROWS))
    absent, empty = frame.drop(index=[4, 20]), frame.copy()
    empty.loc[[4, 20], "load"] = np.nan
    pd.testing.assert_frame_equal(forecast(absent, "--fill-gaps"), forecast(empty))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize("alias", ["h", "15min", "D", "B", "MS"])
def test_time_zones_survive_a_change_of_the_clock(forecast, zone, alias):
    periods = {"h": 24 * 6, "15min": 4 * 24 * 6}.get(alias, 20)
    times = pd.date_range("2024-03-26", periods=periods, freq=alias, tz=zone)
    result = forecast(single(times[:-HORIZON]), kind="parquet")
    assert list(result["date"]) == list(times[-HORIZON:])
    assert str(result["date"].dt.tz) == zone


def test_a_constant_offset_in_a_csv_survives(forecast):
    times = pd.date_range("2024-01-01", periods=ROWS + HORIZON, freq="h", tz="+05:30")
    result = forecast(single(times[:ROWS]))
    assert result["date"].tolist() == [str(time) for time in times[ROWS:]]


def test_changing_offsets_in_a_csv_become_utc(forecast):
    times = pd.date_range("2024-03-30", periods=ROWS + HORIZON, freq="h", tz="Europe/Berlin")
    result = forecast(single(times[:ROWS]))
    assert result["date"].tolist() == [str(time) for time in times[ROWS:].tz_convert("UTC")]


@pytest.mark.parametrize(
    ("first", "second", "following"),
    [
        ("2019Q3", "2019Q4", "2020-04-01"),
        ("2019-Q3", "2019-Q4", "2020-04-01"),
        ("Nov 2019", "Dec 2019", "2020-02-01"),
        ("November 2019", "December 2019", "2020-02-01"),
    ],
)
def test_quarters_and_months_are_read(forecast, first, second, following):
    third = first.replace("Q3", "Q1").replace("Nov", "Jan").replace("ember", "uary")
    rows = [f"{first},1", f"{second},2", f"{third.replace('2019', '2020')},3"]
    assert list(forecast("\n".join(["when,load", *rows]), horizon=1)["when"]) == [following]


@pytest.mark.parametrize("hour", [0, 12, 13])
def test_hours_of_am_and_pm_are_read(forecast, hour):
    times = pd.date_range(f"2023-01-01 {hour}:00", periods=ROWS + 1, freq="12h")
    result = forecast(single(times[:ROWS].strftime("%m/%d/%Y %I:%M %p")), horizon=1)
    assert pd.to_datetime(result["date"])[0] == times[-1]


@pytest.mark.parametrize("name", ["ts", "TS"])
def test_a_usual_name_tells_the_time_from_other_whole_numbers(forecast, name):
    frame = pd.DataFrame({name: range(ROWS), "load": range(ROWS)})
    assert list(forecast(frame, horizon=1)[name]) == [ROWS]


@pytest.mark.parametrize(
    "written", ["%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%d %B %Y", "%Y-%m-%dT%H:%MZ"]
)
def test_dates_are_read_as_they_are_written(forecast, written):
    times = pd.date_range("2024-01-20", periods=ROWS + 1)
    result = forecast(single(times[:ROWS].strftime(written)), horizon=1)
    assert pd.to_datetime(result["date"])[0].tz_localize(None) == times[-1]


def test_the_date_format_settles_which_number_is_the_month(forecast):
    text = "date,load\n01/02/2024,1\n02/02/2024,2\n03/02/2024,3\n"
    days_first = forecast(text, "--date-format", "%d/%m/%Y", horizon=1)
    months_first = forecast(text, "--date-format", "%m/%d/%Y", "--freq", "MS", horizon=1)
    assert (days_first["date"][0], months_first["date"][0]) == ("2024-02-04", "2024-04-02")


def test_a_date_format_reads_whole_numbers_that_lost_a_zero(forecast):
    text = "date,load\n01112024,1\n02112024,2\n03112024,3\n"
    assert list(forecast(text, "--date-format", "%d%m%Y", horizon=1)["date"]) == ["2024-11-04"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_fields_may_be_parted_as_spreadsheets_do(forecast, separator):
    text = "\ufeffdate,load\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"
    assert list(forecast(text.replace(",", separator), horizon=1)["date"]) == ["2024-01-04"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["when", None])
def test_a_pandas_index_of_dates_is_the_time(run, model, tmp_path, kind, name):
    data, output = tmp_path / f"data.{kind}", tmp_path / "forecast.csv"
    frame = pd.DataFrame({"load": values(ROWS)}, index=pd.date_range("2024-01-01", periods=ROWS))
    frame = frame.rename_axis(index=name)
    frame.to_csv(data) if kind == "csv" else frame.to_parquet(data)
    assert run("forecast", data, "--horizon", 1, "--model", model, "--output", output).code == 0
    assert pd.read_csv(output)[name or "time"].tolist() == ["2024-02-10"]


def test_row_numbers_that_pandas_wrote_are_no_series(forecast):
    frame = single(pd.date_range("2024-01-01", periods=ROWS))
    assert list(forecast(frame.to_csv()).columns[:2]) == ["date", "median"]


def test_quantiles_are_columns_in_the_order_asked_for(forecast):
    frame = single(pd.date_range("2024-01-01", periods=ROWS))
    result = forecast(frame, "--quantiles", "0.95,0.025,0.5")
    assert list(result.columns) == ["date", "median", "0.95", "0.025", "0.5"]
    assert (result["0.025"] <= result["0.5"]).all()
    assert (result["0.5"] <= result["0.95"]).all()


def test_batch_size_changes_nothing(forecast):
    frame = panel(**{name: pd.date_range("2024-01-01", periods=ROWS) for name in "abcde"})
    pd.testing.assert_frame_equal(forecast(frame), forecast(frame, "--batch-size", 2))


def test_an_earlier_output_is_replaced(forecast, tmp_path):
    (tmp_path / "forecast.csv").write_text("old")
    forecast(single(pd.date_range("2024-01-01", periods=ROWS)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "forecast.csv"]


def test_without_output_the_first_rows_and_how_to_save_are_shown(run, model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    data = tmp_path / "data.csv"
    panel(**{"[red]": days, "b": days}).to_csv(data, index=False)
    code, out, err = run("forecast", data, "--horizon", 30, "--model", model)
    assert (code, err) == (0, "")
    for text in ("[red]", "2024-02-10", "median", "0.1", "0.9", "12 of 60 rows", "--output"):
        assert text in out
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_of_many_quantiles_the_table_shows_the_outer_ones(run, model, tmp_path):
    data = tmp_path / "data.csv"
    single(pd.date_range("2024-01-01", periods=ROWS)).to_csv(data, index=False)
    levels = "0.05,0.2,0.5,0.8,0.95"
    out = run("forecast", data, "--horizon", 3, "--model", model, "--quantiles", levels).out
    assert "0.05" in out
    assert "0.95" in out
    assert "2 of 5 quantiles" in out


@pytest.mark.parametrize(
    ("options", "where", "frequency"),
    [
        (["--no-time", "--value", "load"], "row 30, counted from 0,", "1 row"),
        (["--time", "year"], "year 1930", "1 in 'year'"),
    ],
)
def test_rows_and_whole_numbers_are_told_in_words(run, model, tmp_path, options, where, frequency):
    load = np.sin(np.arange(80.0))
    load[30] = -999
    frame = pd.DataFrame({"year": range(1900, 1980), "load": load})
    frame.to_csv(tmp_path / "data.csv", index=False)
    outcome = run("forecast", tmp_path / "data.csv", "--horizon", 3, "--model", model, *options)
    assert f"such as -999 at {where} in series 'load'" in outcome.err
    assert f"3 steps of series 'load', frequency {frequency}, model" in outcome.out


@pytest.mark.parametrize("command", [["forecast"], ["explain", "--calendar"]])
def test_what_was_read_is_told_before_what_is_impossible_in_it(
    run, model, tmp_path, monkeypatch, command
):
    frame = single(pd.date_range("2024-01-01", periods=ROWS))
    frame.loc[20, "load"] = -999
    frame.to_csv(tmp_path / "data.csv", index=False)
    lines = []
    monkeypatch.setattr("typer.echo", lambda message="", **_: lines.append(message))
    assert run(*command, tmp_path / "data.csv", "--horizon", 3, "--model", model).code == 0
    assert lines[0].startswith("Read ")
    assert lines[1].startswith("warning: 1 reading is impossible")


def test_an_impossible_reading_is_told_of_by_the_name_of_its_series(run, model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    frame = panel(north=days, south=days)
    frame.loc[(frame.item_id == "south") & (frame.date == days[-3]), "load"] = -999
    spoilt, output = tmp_path / "spoilt.csv", tmp_path / "forecast.csv"
    frame.to_csv(spoilt, index=False)
    arguments = ["forecast", spoilt, "--horizon", HORIZON, "--model", model, "--output", output]
    outcome = run(*arguments)
    assert outcome.code == 0
    assert outcome.err == (
        "warning: 1 reading is impossible by the rest of the series and taken as missing, in 1 of "
        f"2 series, such as -999 at {str(days[-3])[:10]} in series 'south': give --keep-outliers "
        "to keep it\n"
    )
    missing = pd.read_csv(output)
    assert run(*arguments, "--keep-outliers").err == ""
    assert pd.read_csv(output)["median"].min() < missing["median"].min() - 10


def test_codes_that_a_series_ends_in_are_told_of(run, model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    frame = panel(north=days, south=days)
    frame.loc[(frame.item_id == "south") & (frame.date > days[-26]), "load"] = -999
    frame.to_csv(tmp_path / "spoilt.csv", index=False)
    arguments = ["forecast", tmp_path / "spoilt.csv", "--horizon", HORIZON, "--model", model]
    assert run(*arguments).err == (
        "warning: series 'south' ends in 25 readings of -999, taken as a new level: put NaN, or an "
        "empty cell, in place of those that stand for a missing value, or give --keep-outliers\n"
    )
    assert run(*arguments, "--keep-outliers").err == ""


def test_what_was_taken_for_what_and_what_was_left_out_is_told(run, model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    data, output = tmp_path / "data.csv", tmp_path / "forecast.csv"
    panel(a=days, b=days).assign(note="fine", share="10,5").to_csv(data, index=False)
    options = ["--value", "load", "--value", "share"]
    for chosen, told in (
        (options, "values 'load', 'share' (',' as the decimal sign); left out: 'note' (not named)"),
        (options[:2], "value 'load'; left out: 'note' (not named), 'share' (not named)"),
    ):
        arguments = [data, "--horizon", 1, "--model", model, "--output", output, *chosen]
        out = run("forecast", *arguments).out
        assert out.splitlines()[0] == f"Read {data}: time 'date', id 'item_id', {told}"


def test_dates_of_a_zone_come_back_as_they_were_written(forecast):
    local = pd.date_range("2024-03-20", periods=ROWS + HORIZON, tz="Europe/Berlin")
    for times in (local, local.tz_localize(None)):
        result = forecast(single(times[:ROWS]), "--timezone", "Europe/Berlin")
        assert result["date"].tolist() == [
            str(time).removesuffix(" 00:00:00") for time in times[ROWS:]
        ]


def test_a_day_of_25_hours_is_read_by_its_zone(forecast):
    local = pd.date_range("2024-10-26", periods=ROWS + HORIZON, freq="h", tz="Europe/Berlin")
    naive = local.tz_localize(None)
    result = forecast(single(naive[:ROWS]), "--timezone", "Europe/Berlin")
    assert result["date"].tolist() == [str(time) for time in naive[ROWS:]]


def test_a_day_and_a_time_of_day_become_one_date(forecast):
    times = pd.date_range("2024-01-20", periods=ROWS + 1, freq="h")
    frame = pd.DataFrame({"date": times.date, "time": times.strftime("%H:%M"), "load": 1.5})[:ROWS]
    for options in ((), ("--time", "date", "--time", "time")):
        result = forecast(frame, *options, horizon=1)
        assert result["date"].tolist() == [str(times[-1])]
        assert "variable" not in result


def test_a_file_of_numbers_only_is_counted(forecast):
    result = forecast("1,10\n2,11\n3,12\n", "--no-time", horizon=2)
    assert list(result.columns[:3]) == ["variable", "step", "median"]
    assert result["step"].tolist() == [3, 4, 3, 4]


def test_signs_of_numbers_may_be_given(forecast):
    rows = "date;load\n2024-01-01;1.500\n2024-01-02;1.500\n2024-01-03;1.500\n"
    assert forecast(rows, "--thousands", ".", horizon=1)["median"][0] == 1500
    assert forecast(rows, "--decimal", ".", horizon=1)["median"][0] == 1.5


def test_times_may_be_rounded(forecast):
    times = pd.date_range("2024-01-01", periods=ROWS, freq="min") + pd.Timedelta("1s")
    jittery = times.to_series(index=range(ROWS))
    jittery[::3] -= pd.Timedelta("3s")
    result = forecast(single(jittery), "--round-time", "1min", horizon=1)
    assert result["date"].tolist() == ["2024-01-01 00:40:00"]


def test_a_table_may_come_on_standard_input(model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    output = tmp_path / "forecast.csv"
    arguments = ["forecast", "-", "--horizon", "1", "--model", model, "--output", output]
    done = CliRunner().invoke(
        app, [str(one) for one in arguments], input=single(days).to_csv(index=False)
    )
    assert done.exit_code == 0
    assert pd.read_csv(output)["date"].tolist() == ["2024-02-10"]


def test_a_covariate_that_one_series_never_had_is_told_in_one_line(run, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS + HORIZON + 20)
    shops = [
        pd.DataFrame({"shop": name, "day": days, "sales": values(len(days)), "price": price})
        for name, price in (("a", values(len(days), seed=1)), ("b", np.nan))
    ]
    frame = pd.concat(shops)
    frame.loc[frame["day"] > days[-1 - HORIZON], "sales"] = np.nan
    frame.to_csv(tmp_path / "data.csv", index=False)
    outcome = run("forecast", tmp_path / "data.csv", "--horizon", HORIZON, "--known", "price")
    assert outcome.code == 0, outcome.err
    told = [line for line in outcome.err.splitlines() if "price" in line]
    assert len(told) == 1
    assert told[0].startswith("warning: series 'b' has no value of price in its history")


def test_what_is_drawn_is_told_by_its_name(run, model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    data, plot = tmp_path / "data.csv", tmp_path / "plot.png"
    panel(north=days, south=days).to_csv(data, index=False)
    arguments = ["forecast", data, "--horizon", HORIZON, "--model", model, "--plot", plot]
    for options, name in (((), "north"), (("--plot-series", "south"), "south")):
        told = run(*arguments, *options).out
        assert f"Wrote {plot}: 5 steps of series '{name}' (one of 2, see --plot-series)" in told
    single(days).to_csv(data, index=False)
    assert f"Wrote {plot}: 5 steps of series 'load', model tiny" in run(*arguments).out


def test_an_impossible_reading_does_not_flatten_the_picture(run, model, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    seen, save = [], Figure.savefig

    def listening(figure, *arguments, **options):
        (axes,) = figure.axes
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        seen.append((axes.get_ylim(), "beyond the axis" in names))
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", listening)
    frame = single(pd.date_range("2024-01-01", periods=ROWS))
    frame.loc[[20, ROWS - 1], "load"] = -999
    frame.to_csv(tmp_path / "data.csv", index=False)
    arguments = ["forecast", tmp_path / "data.csv", "--horizon", 5, "--model", model]
    for options in ((), ("--keep-outliers",)):
        assert run(*arguments, "--plot", tmp_path / "a.png", *options).code == 0
    ((low, _), marked), ((raw, _), unmarked) = seen
    assert low > -200
    assert marked
    assert raw < -999
    assert not unmarked


def test_what_was_taken_as_the_id_is_one_line_on_standard_error(run, model, tmp_path):
    days = pd.date_range("2024-01-01", periods=ROWS)
    frame = panel(a=days, b=days).rename(columns={"item_id": "shop"}).assign(unit="kWh")
    frame.to_csv(tmp_path / "data.csv", index=False)
    code, _, err = run("forecast", tmp_path / "data.csv", "--horizon", 3, "--model", model)
    assert code == 0
    assert err == (
        "Note: took 'shop' as the id, not 'unit' (the same in all rows); choose with --id\n"
    )


def test_absent_times_are_counted_and_a_series_that_they_are_most_of_is_warned_of(
    run, model, tmp_path
):
    data = tmp_path / "data.csv"
    single(pd.date_range("2024-01-01", periods=ROWS)).drop(index=[5, 9]).to_csv(data, index=False)
    arguments = ["forecast", data, "--horizon", 3, "--model", model, "--fill-gaps"]
    told = "Note: 2 absent times in 1 series are taken as missing, not as 0\n"
    outcome = run(*arguments)
    assert told in outcome.out
    assert outcome.err == ""
    outcome = run(*arguments, "--freq", "12h")
    assert outcome.err == (
        "warning: series 'load' has only 38 of 79 times, and all others are taken as missing, "
        "not as 0: add rows of 0 if nothing happened then, or give its own --freq if they never "
        "occur\n"
    )


@pytest.mark.parametrize("columns", ["30", "60"])
def test_no_cell_is_cut_in_a_narrow_terminal(run, model, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    name = "a shop of a rather long name"
    panel(**{name: pd.date_range("2024-01-01", periods=ROWS)}).to_csv(tmp_path / "data.csv")
    out = run("forecast", tmp_path / "data.csv", "--horizon", 3, "--model", model).out
    assert "…" not in out
