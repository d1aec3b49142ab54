import numpy as np
import pandas as pd
import pytest

from tests.forecasting.conftest import make_forecaster
from tests.sktime.conftest import panel_of, series
from ttm_estimators import Covariates
from ttm_estimators.weights import save_network
from ttm_sktime import TTMForecaster

LEVELS = [0.05, 0.25, 0.5, 0.9]


@pytest.mark.parametrize("horizon", [5, 30], ids=["one pass", "roll-out"])
def test_sktime_and_the_core_forecast_the_same(model, core, horizon):
    members = {i: series(length, i) * 10.0**i for i, length in enumerate((90, 40, 7))}
    expected = core.forecast(
        [y.to_numpy() for y in members.values()], horizon, quantile_levels=LEVELS
    )
    forecaster = TTMForecaster(model).fit(panel_of(members))
    fh = range(1, horizon + 1)
    point = forecaster.predict(fh=fh).to_numpy().reshape(3, -1)
    quantiles = forecaster.predict_quantiles(fh=fh, alpha=LEVELS).to_numpy().reshape(3, -1, 4)
    np.testing.assert_allclose(point, expected.point, rtol=1e-6)
    np.testing.assert_allclose(quantiles, expected.quantiles, rtol=1e-6, atol=1e-6)


def test_levels_beyond_those_of_the_network_stay_within_bounds(model, core):
    y = series(60).clip(lower=0.0, upper=0.5)
    expected = core.forecast([y.to_numpy()], 9, quantile_levels=[0.01, 0.99]).quantiles[0]
    ours = TTMForecaster(model).fit(y).predict_quantiles(fh=range(1, 10), alpha=[0.01, 0.99])
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    assert ours.to_numpy().max() <= 0.5


def test_far_steps_of_long_series_are_the_same_everywhere(tmp_path):
    pytest.importorskip("gluonts")
    from gluonts.dataset.pandas import PandasDataset

    from ttm_gluonts import TTMPredictor

    far = make_forecaster(seasons_length=96, aggregation_factors=(2, 4))
    folder = str(save_network(far.network, tmp_path / "far", far.forecasting))
    y = series(300)
    expected = far.forecast([y.to_numpy()], 150).point[0]
    nearer = far.forecast([y.to_numpy()[-96:]], 150).point[0]
    assert np.abs(nearer[100:] - expected[100:]).max() > 1e-3
    ours = TTMForecaster(folder).fit(y.iloc[:200]).update(y.iloc[200:]).predict(fh=range(1, 151))
    predictor = TTMPredictor(prediction_length=150, model=folder)
    theirs = next(predictor.predict(PandasDataset(y.to_frame(), target="wave")))
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
    np.testing.assert_allclose(theirs.quantile(0.5), expected, rtol=1e-5)


def test_sktime_and_gluonts_forecast_the_same(model):
    pytest.importorskip("gluonts")
    from gluonts.dataset.pandas import PandasDataset

    from ttm_gluonts import TTMPredictor

    y = series(90)
    y.iloc[[3, 50, 89]] = np.nan
    keys = [str(level) for level in LEVELS]
    predictor = TTMPredictor(prediction_length=6, model=model, forecast_keys=keys)
    theirs = next(predictor.predict(PandasDataset(y.to_frame(), target="wave")))
    ours = TTMForecaster(model).fit(y).predict_quantiles(fh=range(1, 7), alpha=LEVELS)
    for level in LEVELS:
        np.testing.assert_allclose(ours[("wave", level)], theirs.quantile(level), atol=1e-6)
    assert ours.index[0] == theirs.start_date.to_timestamp()
    assert isinstance(ours.index, pd.DatetimeIndex)


@pytest.mark.parametrize("update", [False, True])
def test_x_is_regressed_on_in_all_of_a_long_history(model, core, update):
    random = np.random.default_rng(0)
    days = pd.date_range("2020-01-01", periods=1005, freq="D")
    X = pd.DataFrame({"price": random.normal(size=1005)}, days)
    X[:800] *= 3  # what is left out of the history would be missed
    y = (5 - 3 * X["price"] + random.normal(size=1005)).rename("sales")[:1000]
    given = [Covariates(known=X)]
    expected = core.forecast([y.to_numpy()], 5, covariates=given)
    assert expected.effects[0].kept
    latest = [Covariates(known=X[-core.history_length - 5 :])]
    nearer = core.forecast([y.to_numpy()[-core.history_length :]], 5, covariates=latest)
    assert np.abs(nearer.point - expected.point).max() > 1e-3
    first = 900 if update else 1000
    forecaster = TTMForecaster(model).fit(y[:first], X=X[:first])
    if update:
        forecaster.update(y[first:], X=X[first:1000])
    found = forecaster.predict(fh=range(1, 6), X=X[1000:])
    np.testing.assert_allclose(found, expected.point[0], rtol=1e-5)
