import pandas as pd
import pytest

from ttm_estimators.regression.calendar import calendar_features
from ttm_estimators.tables import TableError
from ttm_estimators.tables.calendar import calendars
from ttm_estimators.tables.files import Table
from ttm_estimators.tables.panel import read_panel
from ttm_estimators.tables.reading import Reading

HORIZON = 30


def read(frame: pd.DataFrame, **reading):
    return read_panel(Table(frame, "df"), Reading(**reading))


def hours(**reading):
    """Two weeks of hours from Sunday, 6 October 2024, 22:00 in UTC, midnight in Berlin."""
    times = pd.date_range("2024-10-06 22:00", periods=14 * 24, freq="h", tz="UTC")
    return read(pd.DataFrame({"time": times, "y": 1.0}), **reading)


def of(panel, horizon=HORIZON, holidays=None):
    return calendars(panel, panel.futures(horizon), holidays)


def test_a_calendar_reaches_from_the_first_date_to_the_end_of_the_future():
    (found,) = of(hours())
    assert list(found.index) == list(
        pd.date_range("2024-10-06 22:00", periods=14 * 24 + HORIZON, freq="h", tz="UTC")
    )


def test_hours_and_weekdays_are_those_of_the_zone_that_is_named():
    (utc,) = of(hours())
    (local,) = of(hours(timezone="Europe/Berlin"))
    assert utc["hour=22"].iloc[0] == utc["weekday=Sun"].iloc[0] == 1
    assert local["hour=0"].iloc[0] == local["weekday=Mon"].iloc[0] == 1


def test_local_hours_follow_the_change_of_the_clock():
    (local,) = of(hours(timezone="Europe/Berlin"), horizon=14 * 24)
    midnights = local.index[local["hour=0"] == 1]
    assert set(midnights.tz_convert("UTC").hour) == {22, 23}  # before and after 27 October
    assert (local["hour=2"] == 1).sum() == 28 + 1  # the hour that comes twice


def test_dates_without_a_zone_are_local_already():
    days = pd.date_range("2024-01-01", periods=60)
    (plain,) = of(read(pd.DataFrame({"time": days, "y": 1.0})))
    (zoned,) = of(read(pd.DataFrame({"time": days.tz_localize("Asia/Tokyo"), "y": 1.0})))
    assert (plain.to_numpy() == zoned.to_numpy()).all()


def test_series_of_the_same_dates_share_a_calendar_and_others_have_their_own():
    days = pd.date_range("2024-01-01", periods=60)
    frames = [
        pd.DataFrame({"unique_id": name, "ds": days[first:], "y": 1.0})
        for name, first in (("a", 0), ("b", 0), ("c", 7))
    ]
    panel = read(pd.concat(frames, ignore_index=True))
    a, b, c = of(panel)
    assert a is b
    expected = calendar_features(panel.series[2].times.append(panel.futures(HORIZON)[2]))
    pd.testing.assert_frame_equal(c, expected)


def test_holidays_are_those_of_the_country():
    pytest.importorskip("holidays", reason="holidays need the extra of that name")
    days = pd.date_range("2024-06-01", periods=60)
    panel = read(pd.DataFrame({"time": days, "y": 1.0}))
    german, american = (of(panel, 80, holidays=country)[0] for country in ("DE", "US"))
    assert german.at[pd.Timestamp("2024-10-03"), "holiday=any"] == 1
    assert american.at[pd.Timestamp("2024-07-04"), "holiday=any"] == 1
    assert german.at[pd.Timestamp("2024-07-04"), "holiday=any"] == 0


def test_a_country_may_be_written_small():
    pytest.importorskip("holidays", reason="holidays need the extra of that name")
    panel = read(pd.DataFrame({"time": pd.date_range("2024-06-01", periods=60), "y": 1.0}))
    for small, code in (("de", "DE"), ("us-ca", "US-CA"), ("Germany", "DE")):
        small_frame, frame = (of(panel, holidays=country)[0] for country in (small, code))
        pd.testing.assert_frame_equal(small_frame, frame)


def test_an_unknown_country_is_one_line():
    pytest.importorskip("holidays", reason="holidays need the extra of that name")
    panel = read(pd.DataFrame({"time": pd.date_range("2024-06-01", periods=9), "y": 1.0}))
    with pytest.raises(TableError, match=r"no holidays of 'Germny'.* similar are 'DE'") as error:
        of(panel, holidays="Germny")
    assert "\n" not in str(error.value)
    with pytest.raises(TableError, match=r"holidays must be the code .* got True: .*holidays='DE'"):
        of(panel, holidays=True)


@pytest.mark.parametrize(
    ("frame", "reading", "said"),
    [
        (pd.DataFrame({"year": range(1950, 2010), "y": 1.0}), {}, "'year' holds numbers"),
        (pd.DataFrame({"y": [1.0, 2, 3]}), {"no_time": True}, "rows are counted"),
    ],
)
def test_without_dates_there_is_no_calendar(frame, reading, said):
    with pytest.raises(TableError, match=f"need dates, but {said}: leave calendar= and holidays="):
        of(read(frame, **reading))


def test_dates_of_a_single_hour_have_no_calendar():
    times = pd.date_range("2024-06-01 10:00", periods=100, freq="s")
    with pytest.raises(TableError, match=r"from 2024-06-01 10:00:00 to .* have nothing of a cal"):
        of(read(pd.DataFrame({"time": times, "y": 1.0})))
