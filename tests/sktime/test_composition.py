import os

import numpy as np
import pandas as pd
import pytest
from sktime.benchmarking.forecasting import ForecastingBenchmark
from sktime.forecasting.compose import (
    ColumnEnsembleForecaster,
    EnsembleForecaster,
    ForecastingPipeline,
    HierarchyEnsembleForecaster,
    MultiplexForecaster,
    Permute,
    TransformedTargetForecaster,
)
from sktime.forecasting.conformal import ConformalIntervals
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.reconcile import ReconcilerForecaster
from sktime.performance_metrics.forecasting import MeanAbsoluteError
from sktime.performance_metrics.forecasting.probabilistic import PinballLoss
from sktime.split import ExpandingWindowSplitter, SlidingWindowSplitter
from sktime.transformations.boxcox import BoxCoxTransformer
from sktime.transformations.detrend import Deseasonalizer, Detrender
from sktime.transformations.hierarchical.aggregate import Aggregator
from sktime.transformations.hierarchical.reconcile import Reconciler
from sktime.transformations.impute import Imputer

from tests import several_threads
from tests.sktime.conftest import series
from ttm_sktime import TTMForecaster

# Other estimators of sktime warn of what will change in it.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def y():
    return series(60) + 10


@pytest.fixture
def hierarchy():
    parts = {("n", "a"): series(40), ("n", "b"): series(40, 1), ("s", "c"): series(40, 2)}
    y = pd.concat({k: v.to_frame() for k, v in parts.items()}, names=["region", "shop", "day"])
    return Aggregator(flatten_single_levels=False).fit_transform(y)


def test_a_pipeline_passes_y_and_x_on(forecaster, y):
    X = y.to_frame("x")
    later = pd.DataFrame({"x": [1.0]}, pd.date_range(y.index[-1], periods=2, freq="D")[1:])
    piped = ForecastingPipeline([("impute", Imputer()), ("ttm", forecaster)]).fit(y, X=X, fh=[1])
    expected = forecaster.fit(y, X=X).predict(fh=[1], X=later)
    pd.testing.assert_series_equal(piped.predict(X=later), expected)


@pytest.mark.parametrize(
    "transformer",
    [Detrender(), Deseasonalizer(sp=7), Imputer("mean"), BoxCoxTransformer()],
    ids=str,
)
def test_a_transformed_target_is_forecast_and_turned_back(forecaster, y, transformer):
    transformed = transformer.clone()
    piped = TransformedTargetForecaster([("t", transformer), ("ttm", forecaster)]).fit(y)
    inner = forecaster.clone().fit(transformed.fit_transform(y)).predict(fh=[1, 3])
    expected = inner
    if not isinstance(transformer, Imputer):
        expected = transformed.inverse_transform(inner)
    np.testing.assert_allclose(piped.predict(fh=[1, 3]), expected, rtol=1e-6)
    interval = piped.predict_interval(fh=[1, 3], coverage=0.8).to_numpy()
    assert (interval[:, 0] <= interval[:, 1]).all()


def test_an_imputer_is_not_needed(forecaster, y):
    y.iloc[[5, 20]] = np.nan
    assert (Imputer("drift") * forecaster).fit(y).predict(fh=[1]).notna().all()
    assert forecaster.fit(y).predict(fh=[1]).notna().all()


def test_a_grid_search_chooses_among_models(model, point_model, y):
    cv = ExpandingWindowSplitter(fh=[1, 2], initial_window=40, step_length=10)
    grid = {"model": [model, point_model]}
    search = ForecastingGridSearchCV(
        TTMForecaster(), cv, grid, scoring=MeanAbsoluteError(), backend=None
    ).fit(y)
    scores = {
        name: evaluate(TTMForecaster(name), cv, y, scoring=MeanAbsoluteError())
        .filter(like="test_")
        .mean()
        .iloc[0]
        for name in grid["model"]
    }
    assert search.best_params_ == {"model": min(scores, key=scores.get)}
    assert search.predict(fh=[1]).index[0] == y.index[-1] + pd.Timedelta("1D")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_grid_search_may_fork_after_a_forecast():
    several_threads.run("""
import numpy as np
import pandas as pd
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter
from ttm_sktime import TTMForecaster

y = pd.Series(np.sin(np.arange(600) / 4) + 5, pd.date_range("2024", periods=600, freq="h"))
TTMForecaster().fit(y).predict(fh=range(1, 49))
search = ForecastingGridSearchCV(
    TTMForecaster(),
    cv=ExpandingWindowSplitter(fh=range(1, 49), initial_window=400, step_length=100),
    param_grid={"batch_size": [1, 256]},
    backend="multiprocessing",
    backend_params={"n_jobs": 2},
)
assert search.fit(y).best_score_ < 0.1
""")


def test_an_ensemble_is_the_mean_of_its_members(forecaster, y):
    naive = NaiveForecaster()
    mean = EnsembleForecaster([("ttm", forecaster), ("naive", naive)]).fit(y, fh=[1, 2]).predict()
    each = [forecaster.fit(y).predict(fh=[1, 2]), naive.fit(y).predict(fh=[1, 2])]
    np.testing.assert_allclose(mean, np.mean(each, axis=0))


def test_a_multiplexer_forecasts_with_the_one_chosen(forecaster, y):
    chosen = MultiplexForecaster(
        [("naive", NaiveForecaster()), ("ttm", forecaster)], selected_forecaster="ttm"
    ).fit(y, fh=[1])
    pd.testing.assert_series_equal(chosen.predict(), forecaster.fit(y).predict(fh=[1]))


@pytest.mark.parametrize("strategy", ["refit", "update", "no-update_params"])
@pytest.mark.parametrize(
    "cv",
    [
        SlidingWindowSplitter(fh=[1, 2], window_length=128, step_length=10),
        ExpandingWindowSplitter(fh=[1, 2], initial_window=128, step_length=10),
    ],
    ids=["rolling", "expanding"],
)
def test_evaluate_agrees_for_every_strategy(forecaster, strategy, cv):
    # Windows of a whole input: the network sees the same, whether data was added or read anew.
    y = series(154)
    scoring = [MeanAbsoluteError(), PinballLoss()]
    found = evaluate(forecaster, cv, y, strategy=strategy, scoring=scoring, error_score="raise")
    expected = evaluate(forecaster, cv, y, strategy="refit", scoring=scoring)
    for name in ("test_MeanAbsoluteError", "test_PinballLoss"):
        assert len(found) == 3
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)


def test_evaluate_takes_panels(forecaster, hierarchy):
    cv = ExpandingWindowSplitter(fh=[1, 2], initial_window=30, step_length=4)
    found = evaluate(forecaster, cv, hierarchy, error_score="raise")
    assert found.filter(like="test_").notna().all(axis=None)


def test_a_benchmark_lists_it(forecaster, y, tmp_path):
    benchmark = ForecastingBenchmark()
    benchmark.add_estimator(forecaster)
    cv = ExpandingWindowSplitter(fh=[1], initial_window=50, step_length=5)
    benchmark.add_task(lambda: y, cv, [MeanAbsoluteError()])
    table = benchmark.run(str(tmp_path / "results.csv"))
    assert len(table) == 1
    assert "TTMForecaster" in str(table.iloc[0].to_dict())


@pytest.mark.parametrize("method", ["bu", "ols", "wls_str"])
def test_reconciled_forecasts_add_up(forecaster, hierarchy, method):
    forecast = ReconcilerForecaster(forecaster, method=method).fit(hierarchy).predict(fh=[1, 3])
    assert_adds_up(forecast)


def test_reconciliation_by_transformer_adds_up(forecaster, hierarchy):
    assert_adds_up((forecaster * Reconciler("ols")).fit(hierarchy).predict(fh=[1]))


def assert_adds_up(forecast):
    total = forecast.loc[("__total", "__total")]
    parts = [forecast.loc[shop] for shop in (("n", "a"), ("n", "b"), ("s", "c"))]
    np.testing.assert_allclose(total, sum(parts))


def test_steps_may_be_permuted(forecaster, y):
    y.iloc[5] = np.nan
    steps = [("detrend", Detrender()), ("impute", Imputer("mean")), ("ttm", forecaster)]
    there = TransformedTargetForecaster([steps[1], steps[0], steps[2]]).fit(y).predict(fh=[1])
    pipe = TransformedTargetForecaster(steps)
    permuted = Permute(pipe, permutation=["impute", "detrend", "ttm"]).fit(y, fh=[1])
    pd.testing.assert_series_equal(permuted.predict(), there)


def test_columns_may_have_forecasters_of_their_own(forecaster, y):
    data = pd.DataFrame({"a": y, "b": y * 2})
    mixed = ColumnEnsembleForecaster([("ttm", forecaster, "a"), ("naive", NaiveForecaster(), "b")])
    forecast = mixed.fit(data, fh=[1]).predict()
    np.testing.assert_allclose(forecast["a"], forecaster.fit(y).predict(fh=[1]))
    assert forecast["b"].iloc[0] == data["b"].iloc[-1]


def test_levels_of_a_hierarchy_may_have_forecasters_of_their_own(forecaster, hierarchy):
    mixed = HierarchyEnsembleForecaster(
        [("naive", NaiveForecaster(), 0), ("ttm", forecaster, 2)], by="level", default=forecaster
    )
    forecast = mixed.fit(hierarchy, fh=[1]).predict()
    alone = forecaster.fit(hierarchy.loc[("n", "a")]).predict(fh=[1])
    np.testing.assert_allclose(forecast.loc[("n", "a")], alone, rtol=1e-5, atol=1e-6)


def test_conformal_intervals_lie_around_its_forecast(forecaster, y):
    conformal = ConformalIntervals(forecaster, initial_window=50, sample_frac=0.5).fit(y, fh=[1, 2])
    interval = conformal.predict_interval(coverage=0.8).to_numpy()
    assert (interval[:, 0] < interval[:, 1]).all()
    pd.testing.assert_series_equal(conformal.predict(), forecaster.fit(y).predict(fh=[1, 2]))
