import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sktime", reason="needs the extra sktime")

from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.model_evaluation import evaluate
from sktime.performance_metrics.forecasting import MeanAbsoluteScaledError
from sktime.performance_metrics.forecasting.probabilistic import PinballLoss
from sktime.split import ExpandingWindowSplitter

from ttm_tabpfn import TabPFNError, TabPFNForecaster


@pytest.fixture
def forecaster(checkpoint):
    return TabPFNForecaster(checkpoint, workers=1)


def series(length: int, start: str = "2020-01", freq: str = "M", level: float = 0.0) -> pd.Series:
    index = pd.period_range(start, periods=length, freq=freq)
    return pd.Series(level + np.random.default_rng(length).normal(size=length), index, name="y")


@pytest.fixture
def panel():
    """Two series of two variates, one of which ends a month earlier."""
    frames = {
        key: pd.DataFrame({"a": one, "b": one * 2 + 500})
        for key, one in {"z": series(20, level=100), "x": series(19, level=900)}.items()
    }
    return pd.concat(frames, names=["series", "month"])


def test_quantiles_are_those_of_the_gluonts_predictor(forecaster, checkpoint):
    pytest.importorskip("gluonts", reason="needs the extra gluonts")
    from ttm_tabpfn import TabPFNPredictor

    y = series(25)
    found = forecaster.fit(y).predict_quantiles(fh=[1, 3], alpha=[0.1, 0.5])
    predictor = TabPFNPredictor(3, checkpoint, workers=1, forecast_keys=["0.1", "0.5"])
    (forecast,) = predictor.predict([{"start": y.index[0], "target": y.to_numpy()}])
    np.testing.assert_allclose(found.to_numpy().T, forecast.forecast_array[:2, [0, 2]], rtol=1e-6)
    np.testing.assert_allclose(forecaster.predict(fh=[1, 3]), forecast.mean[[0, 2]], rtol=1e-6)


def test_every_series_of_a_panel_goes_on_from_its_own_end(forecaster, panel):
    panel = panel.drop(("x", panel.loc["x"].index[-1]))
    found = forecaster.fit(panel).predict(fh=[1, 3])
    assert list(found.index) == [
        (key, panel.loc[key].index[-1] + step) for key in ("z", "x") for step in (1, 3)
    ]
    assert list(found.columns) == ["a", "b"]
    for key in ("x", "z"):
        for column in ("a", "b"):
            alone = TabPFNForecaster(forecaster.model_path, workers=1).fit(panel.loc[key][column])
            expected = alone.predict(fh=[1, 3]).to_numpy()
            np.testing.assert_allclose(found.loc[key][column], expected, rtol=1e-6)


def test_an_absolute_horizon_may_lie_at_different_steps(forecaster, panel):
    date = pd.Period("2021-10", "M")
    panel = panel.drop(("x", panel.loc["x"].index[-1]))
    found = forecaster.fit(panel).predict(
        fh=ForecastingHorizon(pd.PeriodIndex([date]), is_relative=False)
    )
    assert list(found.index) == [("z", date), ("x", date)]
    alone = TabPFNForecaster(forecaster.model_path, workers=1).fit(panel.loc[["x"]])
    steps = (date - panel.loc["x"].index[-1]).n
    np.testing.assert_allclose(found.loc[["x"]], alone.predict(fh=[steps]), rtol=1e-6)


def test_covariates_of_the_past_and_ahead_are_used(forecaster):
    y = series(30)
    index = pd.period_range(y.index[0], periods=33, freq="M")
    X = pd.DataFrame({"w": np.sin(np.arange(33.0))}, index)
    plain = forecaster.fit(y).predict(fh=[1, 2, 3])
    known = forecaster.fit(y, X=X.iloc[:30]).predict(fh=[1, 2, 3], X=X.iloc[30:])
    other = forecaster.predict(fh=[1, 2, 3], X=X.iloc[30:] + 3)
    assert not np.allclose(plain, known)
    assert not np.allclose(known, other)


@pytest.mark.parametrize(("in_fit", "in_predict"), [(True, False), (False, True)])
def test_covariates_that_are_known_half_of_the_time_are_refused(forecaster, in_fit, in_predict):
    y = series(20)
    X = pd.DataFrame({"w": np.arange(22.0)}, pd.period_range(y.index[0], periods=22, freq="M"))
    forecaster.fit(y, X=X.iloc[:20] if in_fit else None)
    with pytest.raises(ValueError, match="give X to both or to neither"):
        forecaster.predict(fh=[1], X=X.iloc[20:] if in_predict else None)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2020-01-31", periods=20, freq="ME"),
        pd.date_range("2020-01-01", periods=20, freq="h", tz="Europe/Berlin"),
        pd.period_range("2020", periods=20, freq="Y"),
        pd.RangeIndex(5, 25),
    ],
    ids=["dates", "zone", "periods", "numbers"],
)
def test_dates_of_a_forecast_follow_those_of_the_data(forecaster, index):
    y = pd.Series(np.arange(20.0), index)
    found = forecaster.fit(y.iloc[:17]).predict(fh=[1, 2, 3])
    assert list(found.index) == list(index[17:])
    assert np.isfinite(found).all()


def test_missing_values_and_single_points_are_forecast(forecaster):
    y = series(20)
    y.iloc[[0, 7, 19]] = np.nan
    assert np.isfinite(forecaster.fit(y).predict(fh=[1, 2])).all()
    one = forecaster.fit(y.iloc[[5]]).predict(fh=[1, 2])
    np.testing.assert_allclose(one, y.iloc[5])


def test_an_update_continues_the_series(forecaster):
    y = series(25)
    expected = TabPFNForecaster(forecaster.model_path, workers=1).fit(y).predict(fh=[1, 2])
    found = forecaster.fit(y.iloc[:20]).update(y.iloc[20:]).predict(fh=[1, 2])
    pd.testing.assert_series_equal(found, expected)


def test_dates_without_a_frequency_are_refused_with_a_way_out(forecaster):
    y = pd.Series(
        [1.0, 2.0, 3.0, 4.0],
        pd.to_datetime(["2020-01-01", "2020-02-03", "2020-02-09", "2020-05-01"]),
    )
    with pytest.raises(ValueError, match=r"y.asfreq"):
        forecaster.fit(y).predict(fh=[1])


def test_evaluate_gives_point_and_quantile_scores(forecaster):
    y = series(24, level=10)
    found = evaluate(
        forecaster,
        ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=18, step_length=3),
        y,
        scoring=[MeanAbsoluteScaledError(sp=1), PinballLoss(alpha=[0.1, 0.5, 0.9])],
        error_score="raise",
    )
    assert len(found) == 2
    scores = found[["test_MeanAbsoluteScaledError", "test_PinballLoss"]]
    assert (scores > 0).all(axis=None)


def test_a_missing_checkpoint_is_refused_by_fit(checkpoint, tmp_path):
    with pytest.raises(TabPFNError, match="there is no TabPFN checkpoint"):
        TabPFNForecaster(tmp_path / "tabpfn-v3.5.safetensors").fit(series(20))


def test_the_checkpoint_and_its_version_are_facts_of_the_forecaster(forecaster, checkpoint):
    facts = forecaster.fit(series(20)).facts_
    assert (facts["model_path"], facts["model_version"]) == (str(checkpoint), "v3.5")
