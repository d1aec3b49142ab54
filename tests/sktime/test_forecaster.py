import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sktime.base import load as load_sktime
from sktime.forecasting.base import ForecastingHorizon
from sktime.split import ExpandingWindowSplitter, SlidingWindowSplitter

from tests.sktime.conftest import panel_of, series
from ttm_estimators import WeightsError
from ttm_sktime import TTMForecaster
from ttm_sktime.histories import Histories

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
"""Of float32 numbers in batches of other sizes."""


def test_each_series_of_a_panel_goes_on_from_its_own_last_date(forecaster, panel):
    together = forecaster.fit(panel).predict(fh=[1, 3, 8])
    assert together.index.names == panel.index.names
    for shop, y in panel.groupby(level="shop"):
        alone = forecaster.fit(y.droplevel("shop")).predict(fh=[1, 3, 8])
        assert alone.index[0] == y.index[-1][1] + pd.Timedelta("1D")
        pd.testing.assert_frame_equal(together.loc[shop], alone, check_freq=False, **CLOSE)


def test_the_same_dates_are_forecast_for_series_that_end_on_different_days(forecaster, panel):
    dates = pd.date_range("2024-04-03", periods=3, name="day")
    together = forecaster.fit(panel).predict(fh=dates)
    for shop, y in panel.groupby(level="shop"):
        alone = forecaster.fit(y.droplevel("shop")).predict(fh=dates)
        pd.testing.assert_frame_equal(together.loc[shop], alone, check_freq=False, **CLOSE)
    without_freq = pd.DatetimeIndex(list(dates))
    pd.testing.assert_frame_equal(
        forecaster.fit(panel, fh=ForecastingHorizon(without_freq, is_relative=False)).predict(),
        together,
    )


def test_a_hierarchy_keeps_its_levels_and_order(forecaster):
    y = pd.concat(
        {("b", "x"): series(30, 0).to_frame(), ("a", "y"): series(20, 1).to_frame()},
        names=["region", "shop", "day"],
    )
    quantiles = forecaster.fit(y).predict_quantiles(fh=[2, 4], alpha=[0.1, 0.9])
    assert quantiles.index.names == y.index.names
    assert list(quantiles.index.droplevel("day").unique()) == [("b", "x"), ("a", "y")]
    assert quantiles.columns.to_list() == [("wave", 0.1), ("wave", 0.9)]
    alone = forecaster.fit(series(20, 1)).predict_quantiles(fh=[2, 4], alpha=[0.1, 0.9])
    np.testing.assert_allclose(quantiles.tail(2), alone, **CLOSE)


@pytest.mark.filterwarnings("ignore:Forecasters' predict_proba requires")
def test_a_panel_goes_through_the_network_once(forecaster, panel):
    calls = []
    within = panel.groupby(level=0).tail(60)  # what reaches beyond the context goes apart
    network = forecaster.fit(within)._forecaster().network
    handle = network.register_forward_hook(lambda *_: calls.append(1))
    try:
        forecaster.predict(fh=[1, 5])
        forecaster.predict_interval(fh=[1, 5], coverage=[0.5, 0.9])
        forecaster.predict_var(fh=[1, 5])
        forecaster.predict_proba(fh=[1, 5])
    finally:
        handle.remove()
    assert len(calls) == 1


def test_variates_are_forecast_as_if_alone(forecaster):
    y = pd.DataFrame({"a": series(50, 0), "b": series(50, 1) * 100})
    together = forecaster.fit(y).predict_quantiles(fh=[1, 2], alpha=[0.2, 0.7])
    for name in y:
        alone = forecaster.fit(y[[name]]).predict_quantiles(fh=[1, 2], alpha=[0.2, 0.7])
        pd.testing.assert_frame_equal(together[[name]], alone, **CLOSE)


@pytest.mark.parametrize("kind", ["numpy1D", "numpy2D", "numpy3D", "df-list", "pd.Series"])
def test_forecasts_have_the_format_of_the_data(forecaster, kind):
    y = {
        "numpy1D": np.arange(20.0),
        "numpy2D": np.arange(40.0).reshape(20, 2),
        "numpy3D": np.arange(120.0).reshape(3, 2, 20),
        "df-list": [series(20).to_frame(), series(30).to_frame()],
        "pd.Series": series(20),
    }[kind]
    forecast = forecaster.fit(y).predict(fh=[1, 2, 5])
    assert type(forecast) is type(y)
    if kind == "numpy3D":
        assert forecast.shape == (3, 2, 3)


@given(
    steps=st.sets(st.integers(1, 30), min_size=1, max_size=4),
    lengths=st.lists(st.integers(3, 80), min_size=1, max_size=4),
)
@settings(max_examples=15)
def test_a_horizon_with_gaps_is_a_part_of_the_whole(model, steps, lengths):
    forecaster = TTMForecaster(model).fit(
        panel_of({i: series(length, i) for i, length in enumerate(lengths)})
    )
    steps = sorted(steps)
    whole = forecaster.predict_quantiles(fh=range(1, max(steps) + 1), alpha=[0.1, 0.5, 0.8])
    for i in range(len(lengths)):
        part = forecaster.predict_quantiles(fh=steps, alpha=[0.1, 0.5, 0.8]).loc[i]
        pd.testing.assert_frame_equal(part, whole.loc[i].iloc[[step - 1 for step in steps]])


def test_intervals_nest_around_the_point(forecaster, panel):
    forecaster.fit(panel)
    fh = [1, 4, 20]
    interval = forecaster.predict_interval(fh=fh, coverage=[0.5, 0.95])["wave"]
    point = forecaster.predict(fh=fh)["wave"]
    quantiles = forecaster.predict_quantiles(fh=fh, alpha=[0.25, 0.5])["wave"]
    order = pd.concat(
        [interval[0.95]["lower"], interval[0.5]["lower"], point, interval[0.5]["upper"]], axis=1
    ).assign(last=interval[0.95]["upper"])
    assert (np.diff(order, axis=1) >= 0).all()
    pd.testing.assert_series_equal(quantiles[0.25], interval[0.5]["lower"], check_names=False)
    pd.testing.assert_series_equal(quantiles[0.5], point, check_names=False)


@pytest.mark.filterwarnings("ignore:Forecasters' predict_proba requires")
def test_variance_and_distribution_agree(forecaster, panel):
    forecaster.fit(panel)
    variance = forecaster.predict_var(fh=[1, 3])
    distribution = forecaster.predict_proba(fh=[1, 3])
    assert (variance > 0).all(axis=None)
    np.testing.assert_allclose(distribution.var(), variance)
    np.testing.assert_allclose(distribution.mean(), forecaster.predict(fh=[1, 3]))


def test_a_model_without_quantiles_forecasts_a_point_and_says_so(point_model):
    forecaster = TTMForecaster(point_model).fit(series(40))
    assert forecaster.predict(fh=[1]).notna().all()
    with pytest.raises(NotImplementedError, match="choose a model with a quantile head"):
        forecaster.predict_interval(fh=[1])


def test_missing_values_are_taken_as_the_core_takes_them(forecaster, core):
    y = series(60)
    y.iloc[[0, 20, 21, 59]] = np.nan
    expected = core.forecast([y.to_numpy()], 5).point[0]
    np.testing.assert_allclose(forecaster.fit(y).predict(fh=range(1, 6)), expected, **CLOSE)


def test_a_long_gap_at_the_end_does_not_lose_the_series(forecaster, core):
    y = series(300)
    y.iloc[100:] = np.nan  # the network sees 64 points
    expected = core.forecast([y.to_numpy()], 5).point[0]
    np.testing.assert_allclose(forecaster.fit(y).predict(fh=range(1, 6)), expected, **CLOSE)


def test_an_update_continues_every_series(forecaster, panel):
    later = panel_of({"south": series(49, 1, "2024-01-11").iloc[40:], "west": series(9, 5)})
    updated = forecaster.fit(panel).update(later).predict(fh=[1, 2])
    whole = pd.concat([panel, later]).sort_index(level="shop", sort_remaining=False, kind="stable")
    expected = forecaster.fit(whole).predict(fh=[1, 2])
    pd.testing.assert_frame_equal(updated.sort_index(), expected.sort_index())


def test_an_update_may_bring_missing_values_and_leave_dates_out(forecaster):
    y = series(60)
    y.iloc[[50, 51]] = np.nan
    updated = forecaster.fit(y.iloc[:50]).update(y.iloc[50:52]).update(y.iloc[54:]).predict(fh=[2])
    y.iloc[[52, 53]] = np.nan
    pd.testing.assert_series_equal(updated, forecaster.fit(y).predict(fh=[2]))


def test_a_forecast_never_sees_what_lies_behind_the_cutoff(forecaster):
    y = series(60)
    seen = forecaster.fit(y).update(y.iloc[:40]).predict(fh=[1])
    pd.testing.assert_series_equal(seen, forecaster.fit(y.iloc[:40]).predict(fh=[1]))


@pytest.mark.parametrize("splitter", [SlidingWindowSplitter, ExpandingWindowSplitter])
def test_update_predict_forecasts_from_every_cutoff(forecaster, splitter):
    y = series(40)
    windows = {SlidingWindowSplitter: "window_length", ExpandingWindowSplitter: "initial_window"}
    cv = splitter(fh=[1, 2], step_length=4, **{windows[splitter]: 4})
    moving = forecaster.fit(y.iloc[:20]).update_predict(y.iloc[20:], cv)
    assert forecaster.cutoff[0] == y.index[19]
    for cutoff in (y.index[23], y.index[35]):
        expected = TTMForecaster(forecaster.model).fit(y[:cutoff]).predict(fh=[1, 2])
        np.testing.assert_allclose(moving[cutoff].dropna().to_numpy().ravel(), expected)


def test_the_data_of_the_user_is_neither_changed_nor_looked_at_again(forecaster, panel):
    before = panel.copy()
    forecaster.fit(panel)
    pd.testing.assert_frame_equal(panel, before)
    panel[:] = 0.0
    seen = forecaster.predict(fh=[1])
    pd.testing.assert_frame_equal(seen, forecaster.fit(before).predict(fh=[1]))


def test_only_what_the_network_sees_is_kept(forecaster, model):
    forecaster.fit(series(100_000, freq="min"))
    assert len(pickle.dumps(forecaster)) < 10_000


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda fitted: pickle.loads(pickle.dumps(fitted)),
        lambda fitted: load_sktime(fitted.save()),
        lambda fitted: fitted.clone().fit(series(40)),
    ],
    ids=["deepcopy", "pickle", "save", "clone"],
)
@pytest.mark.parametrize("pretrained", [False, True])
def test_a_copy_forecasts_the_same(forecaster, panel, copied, pretrained):
    if pretrained:
        forecaster.pretrain(panel)
    fitted = forecaster.fit(series(40))
    expected = fitted.predict_interval(fh=[1, 7])
    pd.testing.assert_frame_equal(copied(fitted).predict_interval(fh=[1, 7]), expected)


def test_what_is_saved_to_a_file_is_read_again(forecaster, tmp_path):
    expected = forecaster.fit(series(40)).predict(fh=[1])
    forecaster.save(tmp_path / "saved")
    pd.testing.assert_series_equal(load_sktime(tmp_path / "saved.zip").predict(fh=[1]), expected)


def test_copies_leave_the_latest_forecast_behind(forecaster, panel):
    fitted = forecaster.fit(panel)
    size = len(pickle.dumps(fitted))
    fitted.predict(fh=range(1, 500))
    assert len(pickle.dumps(fitted)) == pytest.approx(size, abs=9000)  # the horizon is kept


def test_parameters_stay_as_given(model):
    given = {"steps": 1}
    forecaster = TTMForecaster(model, fine_tuning=given, random_state=3)
    forecaster.fit(series(20)).predict(fh=[1])
    assert forecaster.get_params()["fine_tuning"] is given
    assert given == {"steps": 1}
    assert forecaster.clone().get_params() == forecaster.get_params()


def test_constructing_warns_of_nothing(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TTMForecaster(model).fit(series(30)).predict(fh=[1])


def test_an_unknown_model_is_told_at_fit():
    with pytest.raises(WeightsError, match="unknown model 'nothing'"):
        TTMForecaster("nothing").fit(series(30))


def test_forecasting_all_again_needs_new_series(forecaster, core):
    histories = forecaster.fit(series(30))._histories
    assert isinstance(histories, Histories)
    first = histories.forecast(core, 3, 8)
    assert histories.forecast(core, 3, 8) is first
    assert histories.forecast(core, 4, 8) is not first


def test_errors_of_the_core_name_series_and_column(panel):
    from tests.forecasting.conftest import make_forecaster
    from ttm_sktime.histories import read

    histories = read(panel, 64)
    histories.members[1].values_TV[:] = np.inf
    with pytest.raises(ValueError, match="series 'south' of y"):
        histories.forecast(make_forecaster(), 3, 8)


def test_an_impossible_reading_is_told_of_and_is_missing(model):
    spoilt = series(60)
    spoilt.iloc[-3] = -999
    gap = spoilt.mask(spoilt == -999)
    when = str(spoilt.index[-3]).removesuffix(" 00:00:00")
    told = f"such as -999 at {when} in y: set keep_outliers=True to keep it"
    with pytest.warns(UserWarning, match=told):
        found = TTMForecaster(model).fit(spoilt).predict(fh=[1, 2, 3])
    pd.testing.assert_series_equal(found, TTMForecaster(model).fit(gap).predict(fh=[1, 2, 3]))
    kept = TTMForecaster(model, keep_outliers=True).fit(spoilt).predict(fh=[1, 2, 3])
    assert kept.min() < gap.min() - 10
