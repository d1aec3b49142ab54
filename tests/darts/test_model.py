from itertools import chain

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("darts", reason="needs the extra darts: make darts")

from darts import TimeSeries
from darts.metrics import mae, mql
from darts.models.forecasting.forecasting_model import ForecastingModel
from darts.utils.timeseries_generation import linear_timeseries, sine_timeseries

from tests.darts.conftest import KNOWN, of_groups
from tests.tiny import PUBLISHED_KIND, tiny_network
from ttm_darts import TTMModel
from ttm_estimators import Covariates, Forecaster, WeightsError
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.regression.calendar import calendar_features

HORIZON = 14


def values(series) -> np.ndarray:
    """Shape (series, steps, components) of series that are certain."""
    return np.stack([one.values() for one in series])


@pytest.fixture(scope="module")
def histories(series):
    return [one[:-HORIZON] for one in series]


def test_the_numbers_are_those_of_the_core_on_the_dates_after_each_series(
    model, shipped, series, histories
):
    unequal = [histories[0], histories[1][:-30], histories[2][400:]]
    forecasts = model.predict(HORIZON, unequal)
    expected = shipped.forecast([one.values()[:, 0] for one in unequal], HORIZON)
    np.testing.assert_allclose(values(forecasts)[..., 0], expected.point, rtol=1e-5)
    for history, forecast in zip(unequal, forecasts, strict=True):
        assert forecast.start_time() == history.end_time() + history.freq
        assert list(forecast.components) == ["sales"]
        assert forecast.static_covariates is not None


def test_a_single_series_of_fit_is_forecast_without_giving_it_again(shipped, histories, known):
    model = TTMModel(shipped).fit(histories[0], future_covariates=known[0])
    assert isinstance(model.predict(5), TimeSeries)
    again = model.predict(5, histories[0], future_covariates=known[0])
    np.testing.assert_array_equal(model.predict(5).values(), again.values())


def test_quantiles_are_components_named_as_darts_does(model, shipped, histories):
    found = model.predict(HORIZON, histories[0], predict_likelihood_parameters=True)
    assert list(found.components[:2]) == ["sales_q0.100", "sales_q0.200"]
    expected = shipped.forecast([histories[0].values()[:, 0]], HORIZON)
    np.testing.assert_allclose(found.values(), expected.quantiles[0], rtol=1e-5)
    wide = TTMModel(shipped, quantiles=[0.025, 0.975]).fit(histories[0])
    outer = wide.predict(HORIZON, predict_likelihood_parameters=True)
    assert list(outer.components) == ["sales_q0.025", "sales_q0.975"]
    assert (outer.values()[:, 0] < found.values()[:, 0]).all()


def test_samples_have_the_quantiles_of_the_forecast_and_a_seed(model, histories):
    first, again, other = (
        model.predict(HORIZON, histories[0], num_samples=199, random_state=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.all_values(), again.all_values())
    assert (first.all_values() != other.all_values()).any()
    quantiles = model.predict(HORIZON, histories[0], predict_likelihood_parameters=True)
    for level in (0.1, 0.5, 0.9):
        column = quantiles[f"sales_q{level:.3f}"].values()
        np.testing.assert_allclose(first.quantile(level).values(), column, rtol=0.02)


def test_components_are_forecast_each_by_itself(model, sales, histories):
    both = of_groups(sales.assign(twice=2 * sales["sales"]), ["sales", "twice"])[0][:-HORIZON]
    alone = model.predict(HORIZON, histories[0]).values()[:, 0]
    found = model.predict(HORIZON, both)
    np.testing.assert_allclose(found["sales"].values()[:, 0], alone, rtol=1e-4)
    np.testing.assert_allclose(found["twice"].values()[:, 0], 2 * alone, rtol=1e-4)
    names = list(model.predict(3, both, predict_likelihood_parameters=True).components)
    assert names[8:10] == ["sales_q0.900", "twice_q0.100"]


def test_future_covariates_count_and_help(model, shipped, series, histories, known):
    found = model.predict(HORIZON, histories, future_covariates=known)
    expected = shipped.forecast(
        [one.values()[:, 0] for one in histories],
        HORIZON,
        covariates=[Covariates(known=one.values()) for one in known],
    )
    np.testing.assert_allclose(values(found)[..., 0], expected.point, rtol=1e-4)
    without = model.predict(HORIZON, histories)
    assert np.mean(mae(series, found)) < 0.8 * np.mean(mae(series, without))


def test_future_covariates_that_begin_late_are_missing_and_those_that_end_early_an_error(
    model, histories, known
):
    late = [one[300:] for one in known]
    assert np.isfinite(values(model.predict(HORIZON, histories, future_covariates=late))).all()
    short = [one[:-1] for one in known]
    with pytest.raises(ValueError, match="series 0: its future_covariates end at 2025-04-05"):
        model.predict(HORIZON, histories, future_covariates=short)


def test_a_calendar_counts_by_the_dates(shipped, series, histories):
    found = TTMModel(shipped, calendar=True).fit(series).predict(HORIZON, histories)
    expected = shipped.forecast(
        [one.values()[:, 0] for one in histories],
        HORIZON,
        covariates=[Covariates(known=calendar_features(one.time_index)) for one in series],
    )
    np.testing.assert_allclose(values(found)[..., 0], expected.point, rtol=1e-4)
    counted = TimeSeries.from_values(np.arange(50.0) % 7)
    with pytest.raises(ValueError, match="series 0 counts its steps, and a calendar needs dates"):
        TTMModel(shipped, calendar=True).fit(counted).predict(3)


@pytest.mark.parametrize("retrain", [False, True, 3])
@pytest.mark.parametrize("overlap_end", [False, True])
def test_historical_forecasts_in_batches_are_those_one_by_one(
    model, series, known, retrain, overlap_end
):
    options = {
        "start": -40,
        "start_format": "position",
        "forecast_horizon": 5,
        "stride": 7,
        "retrain": retrain,
        "overlap_end": overlap_end,
        "last_points_only": False,
    }
    for more in ({}, {"future_covariates": known[:2]}):
        batched, apart = (
            model.historical_forecasts(series[:2], enable_optimization=batch, **options, **more)
            for batch in (True, False)
        )
        assert [len(one) for one in batched] == [len(one) for one in apart]
        for ours, theirs in zip(chain(*batched), chain(*apart), strict=True):
            assert ours.time_index.equals(theirs.time_index)
            np.testing.assert_allclose(ours.values(), theirs.values(), rtol=1e-3, atol=1e-3)


def test_last_points_join_in_one_series(model, series):
    options = {"start": 0.95, "forecast_horizon": 3, "stride": 2}
    batched, apart = (
        model.historical_forecasts(series[0], enable_optimization=batch, **options)
        for batch in (True, False)
    )
    assert batched.time_index.equals(apart.time_index)
    np.testing.assert_allclose(batched.values(), apart.values(), rtol=1e-3)
    quantiles = model.historical_forecasts(
        series[0], predict_likelihood_parameters=True, last_points_only=True, **options
    )
    assert quantiles.n_components == 9


def test_no_forecast_of_a_backtest_sees_what_comes_after_its_cutoff(model, series):
    changed = series[0].with_values(
        np.where(np.arange(len(series[0])) < 700, series[0].all_values()[:, 0, 0], 1e3)[:, None]
    )
    options = {"start": 690, "start_format": "position", "forecast_horizon": 5, "stride": 5}
    first, again = (
        model.historical_forecasts(one, last_points_only=False, **options)[0]
        for one in (series[0], changed)
    )
    np.testing.assert_allclose(first.values(), again.values(), rtol=1e-5)


def test_backtests_score_medians_and_quantiles(model, series):
    options = {"start": 0.9, "forecast_horizon": 7, "stride": 7}
    assert len(model.backtest(series, metric=mae, **options)) == 3
    score = model.backtest(
        series[0], metric=mql, metric_kwargs={"q": 0.9}, num_samples=50, **options
    )
    assert score < model.backtest(series[0], metric=mae, **options)
    residuals = model.residuals(series[0], start=0.98, last_points_only=True)
    assert np.isfinite(residuals.values()).all()


def test_darts_own_models_are_built_on_it(model, series):
    pytest.importorskip("pytorch_lightning", reason="darts' own models need it")
    from darts.models import ConformalNaiveModel, NaiveEnsembleModel

    conformal = ConformalNaiveModel(model, quantiles=[0.1, 0.5, 0.9], cal_length=60)
    interval = conformal.predict(3, series[0], predict_likelihood_parameters=True)
    assert (np.diff(interval.values(), axis=1) >= 0).all()
    other = TTMModel(model.forecaster).fit(series)
    ensemble = NaiveEnsembleModel([model, other], train_forecasting_models=False)
    found = ensemble.predict(3, series[0]).values()
    np.testing.assert_allclose(found, model.predict(3, series[0]).values(), rtol=1e-5)


def test_a_saved_model_forecasts_the_same(model, histories, tmp_path):
    model.save(str(tmp_path / "model.pkl"))
    again = ForecastingModel.load(str(tmp_path / "model.pkl"), trusted=True)
    first, second = (one.predict(3, histories[0]).values() for one in (model, again))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("freq", ["MS", "h", "B", "QS", "W-SUN", None])
def test_dates_follow_the_frequency(shipped, freq):
    if freq is None:
        y = TimeSeries.from_times_and_values(pd.RangeIndex(10, 70, 2), np.arange(30.0))
    else:
        y = sine_timeseries(length=60, freq=freq, start=pd.Timestamp("2020-01-01"))
    forecast = TTMModel(shipped).fit(y).predict(4)
    expected = linear_timeseries(start=y.start_time(), length=len(y) + 4, freq=y.freq)
    assert forecast.time_index.equals(expected.time_index[-4:])


def test_missing_values_may_stay(model, shipped, histories):
    gappy = histories[0].values()[:, 0].copy()
    gappy[[5, 300, -2]] = np.nan
    found = model.predict(5, histories[0].with_values(gappy[:, None]))
    np.testing.assert_allclose(
        found.values()[:, 0], shipped.forecast([gappy], 5).point[0], rtol=1e-5
    )


def test_a_fine_tuned_model_takes_its_covariates_by_the_names_of_components(
    sales, histories, known
):
    network = tiny_network(
        channels=3,
        mix_channels=True,
        target_channels=(0,),
        covariate_channels=(1,),
        exogenous_mixing=True,
        exogenous_context=2,
    )
    tuned = TTMModel(Forecaster(network, roles=Roles(["promotion"], ["visitors"])))
    visitors = of_groups(sales.assign(visitors=sales["sales"] * 2), ["visitors"])
    tuned.fit(histories, past_covariates=visitors, future_covariates=known)
    found = tuned.predict(5, histories, past_covariates=visitors, future_covariates=known)
    expected = tuned.forecaster.forecast(
        [one.values()[:, 0] for one in histories],
        5,
        covariates=[
            Covariates(known=two["promotion"].values(), past=2 * one.values())
            for one, two in zip(histories, known, strict=True)
        ],
    )
    np.testing.assert_allclose(values(found)[..., 0], expected.point, rtol=1e-4)
    with pytest.raises(ValueError, match="have no component 'promotion', which the model was fine"):
        tuned.predict(
            5,
            histories,
            past_covariates=visitors,
            future_covariates=[one["price"] for one in known],
        )


def test_what_can_not_be_used_is_refused_with_words(shipped, model, series, histories, known):
    with pytest.raises(ValueError, match="past_covariates are not used without fine-tuning"):
        model.predict(3, histories, past_covariates=known)
    with pytest.raises(ValueError, match="there are 3 series, but future_covariates of 2"):
        model.predict(3, histories, future_covariates=known[:2])
    with pytest.raises(ValueError, match="give predict the series"):
        model.predict(3)
    with pytest.raises(ValueError, match="must be fit before"):
        TTMModel(shipped).predict(3, histories[0])
    with pytest.raises(ValueError, match="has 20 samples"):
        model.predict(3, model.predict(20, histories[0], num_samples=20))
    with pytest.raises(ValueError, match="frequency D, its future_covariates W-SUN"):
        model.predict(3, histories[0], future_covariates=known[0].resample("W"))
    with pytest.raises(ValueError, match="series 0"):
        model.predict(3, histories[0].with_values(np.full((len(histories[0]), 1), np.nan)))
    with pytest.raises(WeightsError, match="unknown model 'nowhere'"):
        TTMModel("nowhere")
    statics = tiny_network(
        channels=2, mix_channels=True, target_channels=(0, 1), static_cardinalities=(2,)
    )
    with pytest.raises(ValueError, match="fine-tuned with static covariates"):
        TTMModel(statics)


def test_a_network_that_forecasts_a_point_gives_no_quantiles(histories):
    point = TTMModel(tiny_network(**PUBLISHED_KIND)).fit(histories[0])
    assert len(point.predict(3)) == 3
    with pytest.raises(ValueError, match="probabilistic"):
        point.predict(3, num_samples=10)
    with pytest.raises(ValueError, match="likelihood"):
        point.predict(3, predict_likelihood_parameters=True)
    with pytest.raises(ValueError, match="level"):
        TTMModel(tiny_network(**PUBLISHED_KIND), quantiles=[0.1])


def test_known_names_are_those_of_the_example(known):
    assert list(known[0].components) == KNOWN
