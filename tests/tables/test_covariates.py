"""Known columns and a calendar beside them, on the weights that ship."""

import numpy as np
import pandas as pd
import pytest

from ttm_estimators import Covariates
from ttm_estimators.example import FILES
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.regression.calendar import calendar_features
from ttm_estimators.tables import TableError, TableWarning
from ttm_estimators.tables.covariates import roles_of

HORIZON = 28
KNOWN = ["price", "promotion"]
NUMBERS = ["median", *(f"0.{k}" for k in range(1, 10))]


@pytest.fixture(scope="module")
def sales():
    """The example: histories up to four weeks before their end, and the weeks left out."""
    history = pd.read_csv(FILES[0], parse_dates=["date"])
    ahead = history["date"] >= history["date"].max() - pd.Timedelta(days=HORIZON - 1)
    return history[~ahead].reset_index(drop=True), history[ahead].reset_index(drop=True)


def arrays(frame, column):
    return [part[column].to_numpy(float) for _, part in frame.groupby("shop")]


def test_known_columns_help_at_once(shipped, sales):
    past, ahead = sales
    plain = shipped.forecast_df(past, HORIZON, value="sales")
    driven = shipped.forecast_df(
        past, HORIZON, known=KNOWN, future_df=ahead.drop(columns="sales"), value="sales"
    )
    without, within = (
        np.abs(result["median"] - ahead["sales"]).mean() for result in (plain, driven)
    )
    assert within < 0.8 * without


def test_rows_after_the_end_and_a_future_table_give_the_same_numbers(shipped, sales):
    past, ahead = sales
    ahead = ahead.drop(columns="sales")
    joined = pd.concat([past, ahead], ignore_index=True)
    in_rows = shipped.forecast_df(joined, HORIZON, known=KNOWN, value="sales")
    beside = shipped.forecast_df(past, HORIZON, known=KNOWN, value="sales", future_df=ahead)
    pd.testing.assert_frame_equal(in_rows, beside)
    assert list(in_rows["date"][:HORIZON]) == list(ahead["date"][:HORIZON])


def test_what_a_future_table_has_beside_is_warned_of(shipped, sales):
    past, ahead = sales
    ahead = ahead.drop(columns="sales")
    expected = shipped.forecast_df(past, HORIZON, known=KNOWN, value="sales", future_df=ahead)
    closed = pd.concat([ahead, ahead[:HORIZON].assign(shop="closed")])
    with pytest.warns(TableWarning, match="future_df has rows of 'closed', df none") as told:
        found = shipped.forecast_df(past, HORIZON, known=KNOWN, value="sales", future_df=closed)
    pd.testing.assert_frame_equal(found, expected)
    assert told[0].filename == __file__


def test_the_numbers_are_those_of_arrays(shipped, sales):
    past, ahead = sales
    joined = pd.concat([past, ahead.drop(columns="sales")], ignore_index=True)
    covariates = [
        Covariates(known=part[KNOWN].reset_index(drop=True)) for _, part in joined.groupby("shop")
    ]
    expected = shipped.forecast(arrays(past, "sales"), HORIZON, covariates=covariates)
    result = shipped.forecast_df(joined, HORIZON, known=KNOWN, value="sales")
    np.testing.assert_allclose(result["median"], expected.point.ravel(), rtol=1e-6)
    np.testing.assert_allclose(result[NUMBERS[1:]], expected.quantiles.reshape(-1, 9), rtol=1e-6)


def test_a_calendar_is_that_of_arrays_side_by_side_with_known_columns(shipped, sales):
    past, ahead = sales
    joined = pd.concat([past, ahead.drop(columns="sales")], ignore_index=True)
    covariates = []
    for _, part in joined.groupby("shop"):
        calendar = calendar_features(pd.DatetimeIndex(part["date"]))
        columns = [part[KNOWN].reset_index(drop=True), calendar.reset_index(drop=True)]
        covariates.append(Covariates(known=pd.concat(columns, axis=1)))
    expected = shipped.forecast(arrays(past, "sales"), HORIZON, covariates=covariates)
    result = shipped.forecast_df(joined, HORIZON, known=KNOWN, calendar=True, value="sales")
    np.testing.assert_allclose(result["median"], expected.point.ravel(), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:series end on different dates")
def test_series_that_end_on_other_days_do_not_learn_of_each_other(shipped):
    random = np.random.default_rng(0)
    frames = []
    for name, days in (("early", 120), ("late", 150)):
        price = random.normal(size=days + HORIZON)
        sales = 10 - 3 * price + 0.5 * random.normal(size=len(price))
        sales[days:] = np.nan
        times = pd.date_range("2024-01-01", periods=len(price))
        frames.append(pd.DataFrame({"shop": name, "ds": times, "y": sales, "price": price}))
    options = {"known": "price", "time": "ds", "value": "y"}
    together = shipped.forecast_df(pd.concat(frames), HORIZON, id="shop", **options)
    for frame in frames:
        alone = shipped.forecast_df(frame, HORIZON, id="shop", **options)
        its = together[together["shop"] == frame["shop"][0]]
        np.testing.assert_allclose(its["median"], alone["median"], atol=1e-3)


def test_holidays_imply_a_calendar(shipped, sales):
    pytest.importorskip("holidays", reason="holidays need the extra of that name")
    past, _ = sales
    both, alone = (
        shipped.forecast_df(past, HORIZON, calendar=calendar, holidays="DE", value="sales")
        for calendar in (True, False)
    )
    pd.testing.assert_frame_equal(both, alone)


def test_a_calendar_is_told_by_the_clock_of_the_zone(shipped):
    """A load at noon of Sundays, by the clock of Berlin through the change to summer."""
    times = pd.date_range("2025-01-06", periods=24 * 7 * 14, freq="h", tz="Europe/Berlin")
    noon = (times.day_of_week == 6) & (times.hour == 12)
    load = 5 + np.random.default_rng(0).normal(0, 0.1, len(times)) + 20 * noon
    frame = pd.DataFrame({"time": times, "load": load})[: -24 * 7]
    utc = frame.assign(time=frame["time"].dt.tz_convert("UTC"))
    local = shipped.forecast_df(frame, 24 * 7, calendar=True)
    named = shipped.forecast_df(utc, 24 * 7, calendar=True, timezone="Europe/Berlin")
    pd.testing.assert_frame_equal(local[NUMBERS], named[NUMBERS])


def test_without_covariates_the_numbers_stay(shipped, sales):
    past, _ = sales
    expected = shipped.forecast(arrays(past, "sales"), HORIZON)
    result = shipped.forecast_df(past, HORIZON, value="sales")
    assert (result["median"].to_numpy() == expected.point.ravel()).all()


@pytest.mark.parametrize("calendar", [False, True])
def test_missing_future_values_name_covariates_and_steps(shipped, sales, calendar):
    past, ahead = sales
    for future, steps in ((None, "1 to 28"), (ahead.drop(columns="sales")[:10], "11 to 28")):
        one = past[past["shop"] == "north"]
        with pytest.raises(
            TableError,
            match=f"series 'north' has no future values of the covariates 'price', 'promotion' for "
            f"the steps {steps} of 28",
        ):
            shipped.forecast_df(
                one, HORIZON, known=KNOWN, future_df=future, calendar=calendar, id="shop"
            )


def test_true_and_false_count_as_one_and_zero(shipped, sales):
    found = []
    for kind in (int, bool):
        past, ahead = (part.assign(promotion=part["promotion"].astype(kind)) for part in sales)
        options = {"known": "promotion", "value": "sales", "future_df": ahead}
        found.append(shipped.forecast_df(past, HORIZON, **options))
    pd.testing.assert_frame_equal(*found)


def test_a_covariate_of_words_is_told_how_to_become_numbers(shipped, sales):
    past, ahead = (part.assign(weather="sun") for part in sales)
    said = "'weather' is not numeric: 'sun' in row 1: give a .* 0 and 1, such as 'weather=sun'"
    with pytest.raises(TableError, match=said):
        shipped.forecast_df(past, HORIZON, known="weather", value="sales", future_df=ahead)


def test_a_column_that_is_not_there_is_named(shipped, sales):
    with pytest.raises(TableError, match="df has no column 'cost', only 'shop', 'date'"):
        shipped.forecast_df(sales[0], HORIZON, known="cost", value="sales")


def test_a_future_without_named_covariates_is_told(shipped, sales):
    past, ahead = sales
    with pytest.warns(TableWarning, match="future_df is not used: name its covariates with known="):
        shipped.forecast_df(past, HORIZON, value="sales", future_df=ahead, calendar=True)


def test_a_column_with_the_name_of_a_part_of_the_calendar_is_refused(shipped, sales):
    past, ahead = (part.rename(columns={"price": "weekday"}) for part in sales)
    options = {"known": "weekday", "calendar": True, "value": "sales", "future_df": ahead}
    with pytest.raises(ValueError, match="'north' has the covariate 'weekday', and so has the cal"):
        shipped.forecast_df(past, HORIZON, **options)


OWN = Roles(known=["price"], static={"size": ["large"]})


def test_covariates_of_fine_tuning_stand_and_others_are_refused():
    assert roles_of(OWN, []) is roles_of(OWN, ["price"]) is OWN
    with pytest.raises(TableError, match="with 'price' as known in the future, not 'promo"):
        roles_of(OWN, ["promotion"])
    with pytest.raises(TableError, match="with no covariates as known in the future"):
        roles_of(Roles(past=["visits"]), ["price"])
    with pytest.raises(
        TableError, match=r"with 'price', 'size', and no calendar can join .*: leave"
    ):
        roles_of(OWN, [], calendar=True)
    assert roles_of(Roles(), ["price"]) == Roles(known=["price"])
