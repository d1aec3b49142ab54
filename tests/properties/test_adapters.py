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
