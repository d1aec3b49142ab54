import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset
from sktime.forecasting.base import ForecastingHorizon

from tests.sktime.conftest import series
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
        pd.timedelta_range("1h", periods=12, freq="h"),
        pd.date_range("2024-03-28", periods=12, freq="D", tz="Europe/Berlin"),  # over a DST change
        pd.date_range("2024-03-30 20:00", periods=12, freq="h", tz="Europe/Berlin"),
        pd.date_range("2024-01-01", periods=12, freq="D", unit="s"),
    ],
    ids=["range", "integer", "timedelta", "days with time zone", "hours with time zone", "seconds"],
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
