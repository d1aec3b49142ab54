import numpy as np
import pandas as pd
import pytest

from ttm_estimators.regression.calendar import calendar_features


def test_days_have_weekdays_and_month_ends_and_no_hours():
    times = pd.date_range("2024-02-26", periods=60)
    features = calendar_features(times)
    assert features.index.equals(times)
    assert {name.split("=")[0] for name in features} == {"weekday", "month end"}
    weekdays = features.filter(like="weekday=")
    np.testing.assert_array_equal(weekdays.sum(axis=1), 1.0)
    assert features.loc["2024-02-27", "weekday=Tue"] == 1.0
    assert features.loc["2024-02-29", "month end=last 1"] == 1.0
    assert features.loc["2024-03-01", "month end=day 1"] == 1.0


def test_hours_count_by_the_clock_of_their_zone():
    times = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Berlin")
    features = calendar_features(times)
    assert features["hour=2"].sum() == 2  # the clock is put forward on the 31st
    assert features.iloc[0]["hour=0"] == 1.0


@pytest.mark.parametrize(
    "times",
    [
        pd.period_range("2024-01", periods=14, freq="M"),
        pd.date_range("2024-01-01", periods=14, freq="MS"),
        pd.date_range("2024-01-31", periods=14, freq="ME"),
    ],
)
def test_months_have_their_days_however_they_are_dated(times):
    features = calendar_features(times, "DE")
    assert features["days"].tolist()[:3] == [31.0, 29.0, 31.0]
    assert features["days"].iloc[-1] == 28.0
    assert features["working days"].iloc[0] == 23.0
    assert features["holiday=any"].tolist()[:5] == [1.0, 0.0, 1.0, 1.0, 3.0]


def test_public_holidays_have_their_days_and_those_around_them():
    times = pd.date_range("2023-12-20", "2024-01-03")
    features = calendar_features(times, "DE")
    assert features.loc["2023-12-25", "holiday=Christmas Day"] == 1.0
    found = features.index[features["holiday=any"] == 1.0].strftime("%m-%d").tolist()
    assert found == ["12-25", "12-26", "01-01"]
    assert features.index[features["holiday=before"] == 1.0].strftime("%m-%d").tolist() == [
        "12-24",
        "12-31",
    ]
    assert features.index[features["holiday=after"] == 1.0].strftime("%m-%d").tolist() == [
        "12-27",
        "01-02",
    ]


def test_holidays_of_several_countries_count_apart():
    times = pd.date_range("2024-07-01", "2024-07-31")
    features = calendar_features(times, ["us", "FR", "US"])
    assert features.index[features["holiday=US any"] == 1.0].day.tolist() == [4]
    assert features.index[features["holiday=FR any"] == 1.0].day.tolist() == [14]
    assert "holiday=any" not in features


def test_a_country_may_be_written_small():
    times = pd.date_range("2024-12-20", "2025-01-03")
    pd.testing.assert_frame_equal(calendar_features(times, "de"), calendar_features(times, "DE"))


@pytest.mark.parametrize("holidays", [True, [], ["DE", 1], {"DE"}])
def test_holidays_that_are_no_text_are_refused(holidays):
    with pytest.raises(TypeError, match=r"holidays must be the code of a country, .* got "):
        calendar_features(pd.date_range("2024-01-01", periods=9), holidays)


def test_an_hour_of_a_holiday_is_one():
    times = pd.date_range("2024-12-24", periods=72, freq="h")
    features = calendar_features(times, "US-CA")
    assert features["holiday=any"].sum() == 24


def test_columns_that_never_differ_are_left_out():
    assert list(calendar_features(pd.date_range("2024-06-10", periods=1))) == []
    assert len(calendar_features(pd.DatetimeIndex([]), "DE")) == 0
    businesses = calendar_features(pd.bdate_range("2024-01-01", periods=100))
    assert "weekday=Sat" not in businesses


@pytest.mark.parametrize("country", ["XX", "US-XX"])
def test_an_unknown_country_is_refused(country):
    with pytest.raises(ValueError, match=f"no holidays of '{country}' are known: give a country"):
        calendar_features(pd.date_range("2024-01-01", periods=9), country)
