"""Every calendar of :mod:`tests.tables.calendars` goes on at its true dates, or is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tables.calendars import CALENDARS, Calendar
from ttm_estimators.tables import TableError
from ttm_estimators.tables.rules import find_step
from ttm_estimators.tables.timetable import Timetable

SURE = [calendar for calendar in CALENDARS if calendar.sure]
UNSURE = [calendar for calendar in CALENDARS if not calendar.sure]


def frame(calendar: Calendar) -> pd.DataFrame:
    return pd.DataFrame({"date": calendar.history, "load": np.arange(len(calendar.history)) % 7.0})


def faults(calendars, forecast) -> list[str]:
    """Names of calendars that do not go on at their dates."""
    return [
        f"{calendar.name}: {found[:3]}, not {list(calendar.future)[:3]}"
        for calendar in calendars
        if (found := list(forecast(calendar))) != list(calendar.future)
    ]


def or_refused(forecast):
    """The true dates in place of a refusal."""

    def call(calendar: Calendar) -> pd.DatetimeIndex:
        try:
            return forecast(calendar)
        except ValueError:
            return calendar.future

    return call


@pytest.fixture
def by_frame(model):
    return lambda calendar: model.forecast_df(frame(calendar), max(1, len(calendar.future)))["date"]


@pytest.fixture
def by_command(run, folder, tmp_path):
    def forecast(calendar: Calendar) -> pd.DatetimeIndex:
        # Text has offsets, but not the name of a zone.
        kind = "csv" if calendar.history.tz is None else "parquet"
        data, output = tmp_path / f"data.{kind}", tmp_path / f"out.{kind}"
        table = frame(calendar)
        table.to_csv(data, index=False) if kind == "csv" else table.to_parquet(data)
        horizon = max(1, len(calendar.future))
        done = run("forecast", data, "--horizon", horizon, "--model", folder, "--output", output)
        if done.code:
            raise ValueError(done.err)
        dates = (pd.read_csv if kind == "csv" else pd.read_parquet)(output)["date"]
        return pd.DatetimeIndex(pd.to_datetime(dates))

    return forecast


@pytest.fixture
def by_sktime(folder: Path):
    pytest.importorskip("sktime")
    from ttm_sktime import TTMForecaster

    forecaster = TTMForecaster(folder)

    def forecast(calendar: Calendar) -> pd.DatetimeIndex:
        y = frame(calendar).set_index("date")["load"]
        return forecaster.fit(y).predict(fh=range(1, max(1, len(calendar.future)) + 1)).index

    return forecast


def has_an_offset_of_pandas(calendar: Calendar) -> bool:
    """Whether sktime can name the frequency: it can not name opening hours."""
    step = find_step(calendar.history)
    return not isinstance(step, Timetable) or step.as_offset() is not None


def test_there_are_hundreds_of_calendars():
    assert len(SURE) > 600
    assert sum(calendar.history.tz is not None for calendar in SURE) > 300


def test_a_frame_goes_on_at_the_dates_of_every_calendar(by_frame):
    assert not faults(SURE, by_frame)


def test_a_file_goes_on_at_the_dates_of_every_calendar(by_command):
    assert not faults(SURE, by_command)


def test_sktime_goes_on_at_the_dates_of_every_calendar(by_sktime):
    assert not faults(filter(has_an_offset_of_pandas, SURE), by_sktime)


def test_sktime_refuses_opening_hours(by_sktime):
    hours = [calendar for calendar in SURE if not has_an_offset_of_pandas(calendar)]
    assert len(hours) > 5
    for calendar in hours:
        with pytest.raises(ValueError, match="irregular"):
            by_sktime(calendar)


@pytest.mark.parametrize("door", ["by_frame", "by_command", "by_sktime"])
def test_what_no_simple_rule_tells_is_right_or_refused(door, request):
    assert not faults(UNSURE, or_refused(request.getfixturevalue(door)))


def test_two_rules_that_fit_equally_well_are_both_named():
    mondays = pd.DatetimeIndex(["2023-02-06", "2023-03-06", "2023-04-03", "2023-05-01"])
    with pytest.raises(TableError, match=r"freq='4W-MON' or freq='WOM-1MON'"):
        find_step(mondays)
