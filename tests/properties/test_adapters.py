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


@pytest.mark.parametrize("freq", ["D", "h"])
@pytest.mark.parametrize("holidays", [None, "DE"])
def test_sktime_and_gluonts_use_covariates_as_the_core_does(freq, holidays):
    random = np.random.default_rng(0)
    horizon, starts = 20, (0, 300)
    times = [pd.date_range("2022-03-28", periods=900, freq=freq)[start:] for start in starts]
    prices = [pd.DataFrame({"price": random.normal(size=len(each))}, each) for each in times]
    series = []
    for price in prices:
        closed = calendar_features(price.index, "DE")["holiday=any"]
        sales = 40 - 5 * price["price"] - 20 * closed + random.normal(size=len(price))
        series.append(sales.to_numpy()[:-horizon])

    known = prices
    if holidays is not None:
        known = [one.join(calendar_features(one.index, holidays)) for one in prices]
    given = [Covariates(known=one) for one in known]
    core = model.forecast(series, horizon, covariates=given, quantile_levels=LEVELS)
    assert all(one.kept for one in core.effects)

    keys = [str(level) for level in LEVELS]
    declared = {"num_feat_dynamic_real": 1, "holidays": holidays}
    entries = [
        {"start": one.index.to_period()[0], "target": y, "feat_dynamic_real": one.to_numpy().T}
        for y, one in zip(series, prices, strict=True)
    ]
    theirs = TTMPredictor(horizon, model.network, keys, **declared).predict(entries)
    for y, their, expected in zip(series, theirs, core.quantiles, strict=True):
        quantiles = np.stack([their.quantile(level) for level in LEVELS], axis=-1)
        assert_same(y, quantiles, expected)

    y = pd.concat(
        [
            pd.DataFrame({"y": y}, one.index[:-horizon])
            for y, one in zip(series, prices, strict=True)
        ],
        keys=[0, 1],
    )
    X = pd.concat(prices, keys=[0, 1])
    fitted = TTMForecaster(holidays=holidays).fit(y, X=X.loc[y.index], fh=range(1, horizon + 1))
    ours = fitted.predict_quantiles(X=X.drop(y.index), alpha=LEVELS).to_numpy()
    for y, found, expected in zip(
        series, ours.reshape(core.quantiles.shape), core.quantiles, strict=True
    ):
        assert_same(y, found, expected)
