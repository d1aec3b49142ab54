"""sktime, GluonTS and the core forecast the same, with the weights that ship."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.draws import HORIZONS, SERIES
from tests.properties.test_forecasts import assert_same, forecast, model

pytest.importorskip("sktime")
pytest.importorskip("gluonts")

from sktime.forecasting.base import ForecastingHorizon

from ttm_estimators import Covariates
from ttm_estimators.regression.calendar import calendar_features
from ttm_gluonts import TTMPredictor
from ttm_sktime import TTMForecaster

pytestmark = pytest.mark.filterwarnings("ignore::ttm_estimators.inputs.outliers.OutlierWarning")

LEVELS = [0.05, 0.5, 0.9]


@given(st.lists(SERIES, min_size=1, max_size=3), HORIZONS)
def test_sktime_and_gluonts_forecast_what_the_core_does(drawn, horizon):
    series = [one.values for one in drawn]
    expected = forecast(series, horizon, quantile_levels=LEVELS)

    predictor = TTMPredictor(horizon, model.network, [str(level) for level in LEVELS])
    entries = [
        {"start": pd.Period("2000-01-01", "h"), "target": values, "item_id": str(i)}
        for i, values in enumerate(series)
    ]
    for i, theirs in enumerate(predictor.predict(entries)):
        quantiles = np.stack([theirs.quantile(level) for level in LEVELS], axis=-1)
        assert_same(series[i], quantiles, expected[i])
        assert theirs.start_date == entries[i]["start"] + len(series[i])

    frames = [
        pd.DataFrame({"y": values}, pd.date_range("2000-01-01", periods=len(values), freq="h"))
        for values in series
    ]
    panel = pd.concat(frames, keys=range(len(series)), names=["series", "time"])
    fh = ForecastingHorizon(range(1, horizon + 1), freq="h")
    ours = TTMForecaster().fit(panel, fh=fh).predict_quantiles(alpha=LEVELS)
    ours = ours.to_numpy().reshape(expected.shape)
    for i, values in enumerate(series):
        assert_same(values, ours[i], expected[i])


def assert_front_ends_agree(series, price, times, *, calendar):
    """GluonTS, sktime and the core forecast the same with covariates of the same names."""
    horizon = len(times) - len(series[0])
    known = [pd.DataFrame({"price": one}) for one in price]
    if calendar:
        dates = calendar_features(times, "DE").reset_index(drop=True)
        known = [one.join(dates) for one in known]
    given = [Covariates(known=one) for one in known]
    core = model.forecast(series, horizon, covariates=given, quantile_levels=LEVELS)
    assert all(one.kept for one in core.effects)

    holidays = "DE" if calendar else None
    keys = [str(level) for level in LEVELS]
    predictor = TTMPredictor(
        horizon, model.network, keys, num_feat_dynamic_real=1, holidays=holidays
    )
    entries = [
        {"start": times.to_period()[0], "target": y, "feat_dynamic_real": x[None]}
        for y, x in zip(series, price, strict=True)
    ]
    for i, theirs in enumerate(predictor.predict(entries)):
        quantiles = np.stack([theirs.quantile(level) for level in LEVELS], axis=-1)
        assert_same(series[i], quantiles, core.quantiles[i])

    y = pd.concat([pd.DataFrame({"y": one}, times[: len(one)]) for one in series], keys=[0, 1])
    X = pd.concat([pd.DataFrame({"price": one}, times) for one in price], keys=[0, 1])
    fitted = TTMForecaster(holidays=holidays).fit(y, X=X.loc[y.index], fh=range(1, horizon + 1))
    ours = fitted.predict_quantiles(X=X.drop(y.index), alpha=LEVELS).to_numpy()
    for i, quantiles in enumerate(ours.reshape(core.quantiles.shape)):
        assert_same(series[i], quantiles, core.quantiles[i])


@pytest.mark.parametrize("freq", ["D", "h"])
@pytest.mark.parametrize("calendar", [False, True], ids=["known", "calendar"])
def test_sktime_and_gluonts_use_covariates_as_the_core_does(freq, calendar):
    random = np.random.default_rng(0)
    times = pd.date_range("2022-01-03", periods=900, freq=freq)
    price = random.normal(size=(2, 900))
    closed = calendar_features(times, "DE")["any holiday"].to_numpy()
    sales = 40 - 5 * price - 20 * closed + random.normal(size=price.shape)
    assert_front_ends_agree([*sales[:, :880]], [*price], times, calendar=calendar)
