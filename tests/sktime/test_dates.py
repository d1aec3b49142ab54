import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset
from sktime.forecasting.base import ForecastingHorizon

from tests.sktime.conftest import series
from ttm_estimators.tables.steps import parse_step
from ttm_sktime import TTMForecaster
from ttm_sktime.dates import horizon_of, infer_frequency

ALIASES = [
    *("YE", "YS", "QE", "QS", "QE-JAN", "QS-FEB", "ME"),
    *("MS", "2MS", "BME", "BMS", "BQE", "BYE", "SME", "SMS"),
    *("W", "W-WED", "D", "10D", "B", "C", "h", "2h"),
    *("bh", "min", "15min", "s", "5s", "ms", "us"),
]
OLD = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "BM": "BME", "H": "h", "T": "min", "S": "s"}
PERIODS = ["Y", "Q", "M", "W", "W-WED", "D", "B", "h", "2h", "min", "15min", "s"]


@pytest.mark.parametrize("alias", ALIASES)
def test_dates_go_on_at_every_frequency_of_pandas(forecaster, alias):
    dates = pd.date_range("2024-01-31", periods=12, freq=alias)
    forecast = forecaster.fit(pd.Series(np.arange(9.0), dates[:9])).predict(fh=[1, 3])
    assert list(forecast.index) == [dates[9], dates[11]]


@pytest.mark.skipif(pd.__version__ >= "3", reason="pandas 3 has no old aliases")
@pytest.mark.filterwarnings("ignore:.*is deprecated")
@pytest.mark.parametrize("alias", OLD)
def test_old_aliases_mean_the_new_ones(forecaster, alias):
    dates = pd.date_range("2024-01-31", periods=12, freq=alias)
    assert dates.freq == to_offset(OLD[alias])
    forecast = forecaster.fit(pd.Series(np.arange(9.0), dates[:9])).predict(fh=[1, 3])
    assert list(forecast.index) == [dates[9], dates[11]]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # pandas will drop business periods
@pytest.mark.parametrize("alias", PERIODS)
def test_periods_go_on(forecaster, alias):
    periods = pd.period_range("2024-01-31", periods=12, freq=alias)
    forecast = forecaster.fit(pd.Series(np.arange(9.0), periods[:9])).predict(fh=[1, 3])
    assert list(forecast.index) == [periods[9], periods[11]]
    dated = forecaster.predict(fh=ForecastingHorizon(periods[[9, 11]], is_relative=False))
    pd.testing.assert_series_equal(dated, forecast)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(5, 17),
        pd.Index(np.arange(100, 112)),
        pd.RangeIndex(7, 127, 10),
        pd.timedelta_range("1h", periods=12, freq="h"),
        pd.date_range("2024-03-28", periods=12, freq="D", tz="Europe/Berlin"),  # over a DST change
        pd.date_range("2024-03-30 20:00", periods=12, freq="h", tz="Europe/Berlin"),
        pd.date_range("2024-01-01", periods=12, freq="D", unit="s"),
    ],
    ids=["range", "integer", "tens", "timedelta", "days with zone", "hours with zone", "seconds"],
)
def test_other_indices_go_on(forecaster, index):
    y = pd.Series(np.arange(9.0), index[:9])
    forecast = forecaster.fit(y).predict(fh=[1, 3])
    assert list(forecast.index) == [index[9], index[11]]
    assert forecast.index.dtype == index.dtype


@pytest.mark.parametrize("alias", ["ME", "QS", "W", "B", "15min", "YE"])
def test_a_frequency_that_is_not_given_is_inferred(forecaster, alias):
    dates = pd.date_range("2024-01-31", periods=24, freq=alias)
    y = pd.Series(np.arange(20.0), pd.DatetimeIndex(list(dates[:20])))
    assert y.index.freq is None
    assert list(forecaster.fit(y).predict(fh=[1, 4]).index) == [dates[20], dates[23]]


@pytest.mark.parametrize("rows", [[0, 1, 2, 5, 6, 9], [0, 3]], ids=["irregular", "two dates"])
def test_a_frequency_that_can_not_be_inferred_is_asked_for(forecaster, rows):
    y = series(10)
    y = pd.Series(y.to_numpy()[rows], pd.DatetimeIndex(list(y.index[rows])))
    with pytest.raises(ValueError, match=r"the frequency of y can not be inferred.*asfreq\('D'\)"):
        forecaster.fit(y)
    forecaster.fit(y, fh=ForecastingHorizon([1], freq="D"))
    known = forecaster.predict()
    assert known.index[0] == y.index[-1] + pd.Timedelta("1D")
    pd.testing.assert_series_equal(known, forecaster.fit(y.asfreq("D")).predict(fh=[1]))


@pytest.mark.parametrize("kind", ["dates", "periods", "numbers"])
def test_a_date_that_is_left_out_is_a_missing_value(forecaster, kind):
    y = series(40)
    if kind == "periods":
        y = y.to_period("D")
    elif kind == "numbers":
        y = y.reset_index(drop=True)
    y.iloc[[10, 30, 31]] = np.nan
    fh = ForecastingHorizon([1, 2], freq="D" if kind == "dates" else None)
    with_holes = forecaster.fit(y.dropna(), fh=fh).predict()
    pd.testing.assert_series_equal(with_holes, forecaster.fit(y).predict(fh=[1, 2]))


@pytest.mark.parametrize("kind", ["dates", "periods", "numbers", "timedeltas"])
def test_absolute_and_relative_horizons_agree(forecaster, kind):
    y = series(30)
    y.index = {
        "dates": y.index,
        "periods": y.index.to_period(),
        "numbers": pd.RangeIndex(30),
        "timedeltas": pd.timedelta_range("1D", periods=30),
    }[kind]
    relative = forecaster.fit(y).predict(fh=[2, 5])
    if kind == "timedeltas":
        absolute = forecaster.predict(fh=[pd.Timedelta("2D"), pd.Timedelta("5D")])
    else:
        absolute = forecaster.predict(fh=ForecastingHorizon(relative.index, is_relative=False))
    pd.testing.assert_series_equal(absolute, relative, check_freq=False)


@pytest.mark.parametrize("rows", [slice(None), [0, 1, 3, *range(5, 30)]], ids=["even", "holes"])
def test_whole_numbers_have_the_step_that_is_between_them(forecaster, rows):
    y = series(30).reset_index(drop=True).iloc[rows]
    tens = pd.Series(y.to_numpy(), y.index * 10)
    forecast = forecaster.fit(tens).predict(fh=[1, 3])
    assert list(forecast.index) == [300, 320]
    dated = forecaster.predict(fh=ForecastingHorizon([300, 320], is_relative=False))
    pd.testing.assert_series_equal(dated, forecast, check_freq=False)
    with pytest.raises(ValueError, match=r"fh holds 305, .* with the frequency 10"):
        forecaster.predict(fh=ForecastingHorizon([305], is_relative=False))
    assert list(forecast) == list(forecaster.fit(y).predict(fh=[1, 3]))


def test_whole_numbers_of_two_steps_in_a_panel_are_refused(forecaster):
    apart = [series(20).reset_index(drop=True), series(12).set_axis(pd.RangeIndex(0, 60, 5))]
    y = pd.concat(apart, keys=["a", "b"]).to_frame()
    with pytest.raises(ValueError, match=r"series 'b' of y has the frequency 5 and others 1"):
        forecaster.fit(y)


def test_a_date_off_the_frequency_is_refused(forecaster):
    forecaster.fit(series(30))
    with pytest.raises(ValueError, match=r"fh holds 2024-02-01 05:00:00.*with the frequency D"):
        forecaster.predict(fh=pd.DatetimeIndex(["2024-02-01 05:00"]))


@pytest.mark.parametrize("fh", [0, -1, [0, 1], [-3]])
def test_steps_that_are_no_future_are_refused(forecaster, fh):
    forecaster.fit(series(30))
    with pytest.raises(NotImplementedError, match="steps of at least 1"):
        forecaster.predict(fh=fh)
    with pytest.raises(NotImplementedError, match="steps of at least 1"):
        forecaster.predict_interval(fh=fh)


def test_two_dates_have_no_frequency_to_infer():
    assert infer_frequency(pd.DatetimeIndex(["2024-01-01", "2024-01-02"])) is None
    assert infer_frequency(pd.period_range("2024", periods=5, freq="D")) is None
    assert infer_frequency(pd.DatetimeIndex(["2024-01-01", "2024-01-08", "2024-01-15"])) == (
        to_offset("W-MON")
    )


def test_steps_and_dates_of_a_horizon_with_gaps_belong_together():
    steps, dates = horizon_of(
        ForecastingHorizon([1, 4, 9]), pd.DatetimeIndex(["2024-02-27"]), pd.offsets.Day()
    )
    assert list(steps) == [1, 4, 9]
    assert list(dates.day) == [28, 2, 7]


def test_the_horizon_may_come_with_fit(model):
    y = series(30)
    with_fit = TTMForecaster(model).fit(y, fh=[2, 3]).predict()
    pd.testing.assert_series_equal(with_fit, TTMForecaster(model).fit(y).predict(fh=[2, 3]))


ZONED = pd.date_range("2024-01-01", periods=40, tz="Europe/Berlin")


@pytest.mark.parametrize("zone", ["America/Santiago", "Atlantic/Azores", "America/Havana"])
@pytest.mark.parametrize("first", ["2024-03-01", "2024-08-15", "2023-10-05"])
def test_days_go_on_where_clocks_change_at_midnight(forecaster, zone, first):
    days = pd.date_range(first, periods=60)
    days = days.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(60, bool))
    for end in range(20, 50, 5):
        y = pd.Series(np.arange(float(end)), days[:end])
        assert list(forecaster.fit(y).predict(fh=range(1, 11)).index) == list(days[end : end + 10])


def test_a_horizon_in_another_zone_is_converted_and_one_without_is_refused(forecaster):
    forecaster.fit(pd.Series(np.arange(30.0), ZONED[:30]))
    forecast = forecaster.predict(fh=ZONED[30:32].tz_convert("UTC"))
    assert list(forecast.index) == list(ZONED[30:32])
    assert forecast.index.tz == ZONED.tz
    with pytest.raises(ValueError, match=r"fh holds .* without a time zone.*Europe/Berlin"):
        forecaster.predict(fh=ZONED[30:32].tz_localize(None))
    forecaster.fit(pd.Series(np.arange(30.0), ZONED[:30].tz_localize(None)))
    with pytest.raises(ValueError, match=r"but y has none: leave it out"):
        forecaster.predict(fh=ZONED[30:32])


def test_new_data_in_another_zone_are_converted_and_such_without_are_refused(forecaster):
    y = pd.Series(np.arange(40.0), ZONED)
    forecaster.fit(y[:30])
    expected = forecaster.update(y[30:]).predict(fh=[1, 2])
    forecaster.fit(y[:30])
    converted = forecaster.update(y[30:].tz_convert("UTC")).predict(fh=[1, 2])
    pd.testing.assert_series_equal(converted, expected)
    with pytest.raises(ValueError, match=r"the new y holds .* without a time zone"):
        forecaster.update(y[30:].tz_localize(None))


@pytest.mark.parametrize("rule", ["WOM-3FRI", "LWOM-FRI", "3WOM-3WED", "the 15th", "Mon-Sat"])
def test_dates_of_a_horizon_may_be_of_a_frequency_that_periods_can_not_have(forecaster, rule):
    steps = {
        "the 15th": pd.DateOffset(months=1, day=15),
        "Mon-Sat": pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat"),
    }
    dates = pd.date_range("2020-01-15", periods=40, freq=steps.get(rule) or parse_step(rule))
    y = pd.Series(np.arange(30.0), pd.DatetimeIndex(list(dates[:30])))
    relative = forecaster.fit(y).predict(fh=[1, 3])
    assert list(relative.index) == [dates[30], dates[32]]
    for absolute in (
        forecaster.predict(fh=dates[[30, 32]]),
        forecaster.fit(y, fh=dates[[30, 32]]).predict(),
    ):
        pd.testing.assert_series_equal(absolute, relative, check_freq=False)


def test_what_pandas_infers_is_not_taken_for_what_the_dates_are(forecaster):
    fridays = pd.date_range("2022-01-01", "2024-03-31", freq="W-FRI")
    last = fridays[(fridays + pd.Timedelta("7D")).month != fridays.month]
    forecast = forecaster.fit(pd.Series(np.arange(27.0), last)).predict(fh=[1, 2, 3])
    assert list(forecast.index.strftime("%Y-%m-%d")) == ["2024-04-26", "2024-05-31", "2024-06-28"]


@pytest.mark.parametrize("given_to", ["fit", "predict"])
@pytest.mark.parametrize("alias", ["MS", "ME", "D"])
def test_a_horizon_may_be_periods_where_the_data_has_dates_and_dates_where_it_has_periods(
    forecaster, alias, given_to
):
    dates = pd.date_range("2024-01-31", periods=15, freq=alias)
    periods = dates.to_period()
    for past, future, wanted in ((dates, periods, dates), (periods, dates, periods)):
        y, fh = pd.Series(np.arange(12.0), past[:12]), future[[12, 14]]
        fitted = forecaster.clone().fit(y, fh=fh if given_to == "fit" else None)
        forecast = fitted.predict() if given_to == "fit" else fitted.predict(fh)
        assert list(forecast.index) == list(wanted[[12, 14]])
