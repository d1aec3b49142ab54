import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.sktime.conftest import panel_of
from tests.tiny import TINY
from ttm_estimators import save_network
from ttm_estimators.regression.calendar import calendar_features
from ttm_sktime import TTMForecaster

LEARN = {"steps": 150, "batch_size": 16, "learning_rate": 2e-2, "head_dropout": 0.0}
FH = [1, 2, 3, 4]


def driven(seed=0, length=150):
    """Sales that follow a price, the price on, and what the sales will be."""
    random = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=length + len(FH), freq="D")
    price = pd.DataFrame({"price": random.normal(size=len(days))}, days)
    sales = 10 - 3 * price["price"] + 0.1 * random.normal(size=len(days))
    return sales[:length].rename("sales"), price, sales[length:]


@pytest.fixture(scope="module")
def tuned(model):
    y, X, _ = driven()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return TTMForecaster(model, fine_tune=True, fine_tuning=LEARN).fit(y, X=X[: len(y)], fh=FH)


def test_what_is_known_of_the_future_is_learnt_and_used(tuned):
    _, X, truth = driven()
    found = tuned.predict(X=X[-len(FH) :])
    assert np.abs(found - truth).mean() < 0.5 * np.abs(truth - 10).mean()
    assert found.equals(tuned.predict(X=X))  # rows of the past may come along


def test_another_x_makes_another_forecast(tuned):
    _, X, _ = driven()
    first = tuned.predict(X=X)
    X.iloc[-1] += 1
    assert tuned.predict(X=X).iloc[-1] < first.iloc[-1] - 1


def test_a_missing_future_is_told_with_columns_and_steps(tuned):
    y, X, _ = driven()
    with pytest.raises(
        ValueError, match=r"no rows with 'price' for the steps 3, 4 after y, .*06-01"
    ):
        tuned.predict(X=X[: len(y) + 2])
    with pytest.raises(ValueError, match=r"for the steps 1, 2, 3, 4 after y"):
        tuned.predict()
    with pytest.raises(ValueError, match="X has no column 'price', which the network was trained"):
        tuned.predict(X=X.rename(columns={"price": "cost"}))
    X.iloc[len(y) :] = np.nan
    with pytest.raises(ValueError, match="y has no future values of 'price' in X, only NaN: give"):
        tuned.predict(X=X)


def test_an_x_that_was_learnt_from_is_asked_for(model):
    y, X, _ = driven()
    panel = [panel_of({"north": one}) for one in (y.to_frame(), X)]
    pretrained = TTMForecaster(model, fine_tuning={**LEARN, "steps": 1}).pretrain(*panel)
    with pytest.raises(ValueError, match="trained with X: give X to fit and to predict"):
        pretrained.fit(y, fh=FH).predict()


def test_pretraining_of_a_new_network_says_that_it_learns_without_x():
    y, X, _ = driven()
    panel = [panel_of({"north": one}) for one in (y.to_frame(), X[: len(y)])]
    recipe = {"steps": 2, "batch_size": 2, "warmup_steps": 1}
    forecaster = TTMForecaster(network=asdict(TINY), recipe=recipe)
    with pytest.warns(UserWarning, match="pretrain does not use X: a new network"):
        forecaster.pretrain(panel[0], X=panel[1], fh=FH)


def test_only_the_steps_asked_for_are_needed(tuned):
    y, X, _ = driven()
    assert len(tuned.predict(fh=[2], X=X[len(y) + 1 : len(y) + 2])) == 1


def test_updates_bring_their_x(tuned):
    y, X, truth = driven()
    known = tuned.clone().fit(y[:-5], X=X[: len(y) - 5], fh=FH)
    known.update(y[-5:], X=X[len(y) - 5 : len(y)], update_params=False)
    assert np.abs(known.predict(X=X) - truth).max() < 10


def test_series_of_a_panel_have_their_own_x(model):
    parts = {name: driven(seed) for seed, name in enumerate(("north", "south"))}
    y = panel_of({name: part[0].to_frame() for name, part in parts.items()})
    X = panel_of({name: part[1] for name, part in parts.items()})
    forecaster = TTMForecaster(model, fine_tuning=LEARN).pretrain(y, X=X, fh=FH)
    forecaster.fit(y, X=X, fh=FH)
    found = forecaster.predict(X=X)
    truth = np.concatenate([part[2] for part in parts.values()])
    assert np.abs(found["sales"] - truth).mean() < 0.5 * np.abs(truth - 10).mean()
    with pytest.raises(ValueError, match="X has no rows of series 'south' of y"):
        forecaster.fit(y, X=X.loc[["north"]]).predict(fh=FH, X=X.loc[["north"]])


# Zero-shot: X, and the calendar, count at once


@pytest.fixture(scope="module")
def zero_shot():
    """With the weights that ship."""
    y, X, _ = driven()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return TTMForecaster().fit(y, X=X[: len(y)], fh=FH)


def test_x_counts_at_once(zero_shot):
    y, X, truth = driven()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = zero_shot.predict(X=X[len(y) :])
        interval = zero_shot.predict_interval(X=X[len(y) :], coverage=0.8)["sales", 0.8]
    without = TTMForecaster().fit(y).predict(fh=FH)
    assert np.abs(found - truth).mean() < 0.3 * np.abs(without - truth).mean()
    assert (interval["lower"] <= found).all()
    assert (interval["upper"] >= found).all()
    assert found.equals(zero_shot.predict(X=X))  # rows of the past may come along
    wider = TTMForecaster().fit(y).predict_interval(fh=FH, coverage=0.8)["sales", 0.8]
    assert np.ptp(interval, axis=1).mean() < np.ptp(wider, axis=1).mean()


def test_another_x_makes_another_zero_shot_forecast(zero_shot):
    _, X, _ = driven()
    first = zero_shot.predict(X=X)
    X.iloc[-1] += 1
    assert zero_shot.predict(X=X).iloc[-1] < first.iloc[-1] - 1


def test_a_horizon_with_x_is_forecast_once(zero_shot, monkeypatch):
    _, X, _ = driven()
    forecasts = []
    forecast = type(zero_shot._forecaster()).forecast

    def counted(*args, **options):
        forecasts.append(args)
        return forecast(*args, **options)

    monkeypatch.setattr(type(zero_shot._forecaster()), "forecast", counted)
    other = X + 0.5
    for future in (other, other, other.copy(), X, X):
        zero_shot.predict(X=future)
        zero_shot.predict_quantiles(X=future, alpha=[0.1])
    assert len(forecasts) == 2


def test_zero_shot_a_missing_future_is_told_with_columns_and_steps(zero_shot):
    y, X, _ = driven()
    with pytest.raises(
        ValueError, match=r"no rows with 'price' for the steps 3, 4 after y, .*06-01"
    ):
        zero_shot.predict(X=X[: len(y) + 2])
    with pytest.raises(ValueError, match=r"for the steps 1, 2, 3, 4 after y"):
        zero_shot.predict()
    X.iloc[len(y) :] = np.nan
    with pytest.raises(ValueError, match="y has no future values of 'price' in X, only NaN: give"):
        zero_shot.predict(X=X)


def test_a_column_of_x_that_never_has_a_value_is_told_not_to_count():
    y, X, _ = driven()
    X["cost"] = np.nan
    with pytest.warns(UserWarning, match="y has no value of cost in its history: not used there"):
        found = TTMForecaster().fit(y, X=X, fh=FH).predict(X=X)
    assert found.notna().all()


@pytest.mark.parametrize("columns", [["cost"], ["price", "cost"]])
def test_an_x_of_other_columns_is_refused(zero_shot, columns):
    _, X, _ = driven()
    other = pd.DataFrame(dict.fromkeys(columns, X["price"]))
    with pytest.raises(ValueError, match=r"X has the columns .*'cost', but had 'price' before"):
        zero_shot.predict(X=other)


def test_an_x_without_the_past_is_refused():
    y, X, _ = driven()
    with pytest.raises(ValueError, match="X has no rows of the past of y"):
        TTMForecaster().fit(y).predict(fh=FH, X=X[len(y) :])


def test_one_x_for_all_series_of_a_panel_is_refused(model):
    y, X, _ = driven()
    panel = panel_of({name: y.to_frame() for name in ("north", "south")})
    with pytest.raises(ValueError, match="X rows of none in particular: give each its own") as told:
        TTMForecaster(model).fit(panel, X=X[: len(y)])
    advice = str(told.value).rpartition("such as ")[2]
    own = eval(advice, {"pd": pd, "X": X, "y": panel})
    assert len(TTMForecaster().fit(panel, X=own).predict(fh=FH, X=own)) == 2 * len(FH)


def test_zero_shot_updates_bring_their_x(zero_shot):
    y, X, _ = driven()
    known = TTMForecaster().fit(y[:-5], X=X[: len(y) - 5], fh=FH)
    known.update(y[-5:], X=X[len(y) - 5 : len(y)], update_params=False)
    pd.testing.assert_series_equal(known.predict(X=X), zero_shot.predict(X=X), rtol=1e-4)


def test_series_of_a_hierarchy_have_their_own_x_zero_shot():
    parts = {
        (region, shop): driven(seed)
        for seed, (region, shop) in enumerate((("n", "a"), ("n", "b"), ("s", "c")))
    }
    y = pd.concat({key: part[0].to_frame() for key, part in parts.items()})
    X = pd.concat({key: part[1] for key, part in parts.items()})
    y.index.names = X.index.names = ["region", "shop", "day"]
    found = TTMForecaster().fit(y, X=X, fh=FH).predict(X=X)
    without = TTMForecaster().fit(y, fh=FH).predict()
    for key, (_, _, truth) in parts.items():
        error, before = (np.abs(one.loc[key, "sales"] - truth).mean() for one in (found, without))
        assert error < 0.4 * before


def test_what_a_fine_tuned_network_did_not_learn_counts_too():
    y, X, truth = driven()
    quick = {"steps": 1, "learning_rate": 1e-3, "windows": 8, "batch_size": 2}
    panel = panel_of({"north": y.to_frame()})
    pretrained = TTMForecaster(fine_tuning=quick).pretrain(panel)
    found = pretrained.fit(y, X=X, fh=FH).predict(X=X)
    assert np.abs(found - truth).mean() < 0.3 * np.abs(truth - 10).mean()


def weekly(index):
    """Sales of a shop that is closed on holidays, which no cycle of the history tells of."""
    closed = calendar_features(index, "DE")["holiday=any"].to_numpy() > 0
    wave = 20 + 3 * np.sin(np.arange(len(index)) * 2 * np.pi / 7)
    noise = np.random.default_rng(0).normal(scale=0.3, size=len(index))
    return pd.Series(np.where(closed, 2.0, wave + noise), index, name="sales")


@pytest.mark.parametrize("kind", ["dates", "periods", "zone"])
def test_holidays_count_at_once(kind):
    days = pd.date_range("2021-06-01", "2024-05-10", freq="D")
    index = {"dates": days, "periods": days.to_period(), "zone": days.tz_localize("Asia/Tokyo")}
    truth = weekly(index[kind])
    y, future = truth[:"2024-04-25"], truth["2024-04-26":]  # with 1 and 9 May
    fh = range(1, len(future) + 1)
    with_holidays = TTMForecaster(holidays="DE").fit(y).predict(fh=fh)
    plain = TTMForecaster().fit(y).predict(fh=fh)
    errors = [np.abs(one - future) for one in (with_holidays, plain)]
    closed = future < 3
    assert closed.sum() == 2
    assert errors[0][closed].max() < 0.5 * errors[1][closed].min()
    assert errors[0].mean() < errors[1].mean()


def test_series_that_end_on_other_days_do_not_learn_of_each_other():
    early, late = driven(0), driven(1)
    panel, prices = (
        pd.concat({"early": one[:-30], "late": other}, names=["shop", "day"])
        for one, other in zip(early[:2], late[:2], strict=True)
    )
    together = TTMForecaster().fit(panel.to_frame(), X=prices, fh=FH).predict(X=prices)
    for shop in ("early", "late"):
        y, X = panel[shop], prices.loc[shop]
        alone = TTMForecaster().fit(y, X=X, fh=FH).predict(X=X)
        np.testing.assert_allclose(together.loc[shop, "sales"], alone, atol=1e-3)


def test_a_calendar_stands_beside_x():
    y, X, truth = driven()
    found = TTMForecaster(calendar=True).fit(y, X=X, fh=FH).predict(X=X)
    assert np.abs(found - truth).mean() < 0.5 * np.abs(truth - 10).mean()


@pytest.mark.parametrize(
    "index",
    [pd.RangeIndex(150), pd.timedelta_range("0D", periods=150, freq="D")],
    ids=["RangeIndex", "TimedeltaIndex"],
)
@pytest.mark.parametrize("arguments", [{"calendar": True}, {"holidays": "DE"}])
def test_a_calendar_needs_dates(model, index, arguments):
    y = driven()[0].set_axis(index)
    kind = type(index).__name__
    with pytest.raises(ValueError, match=f"calendar and holidays need dates, but .* a {kind}: "):
        TTMForecaster(model, **arguments).fit(y)


def test_an_unknown_country_is_told_at_fit(model):
    with pytest.raises(ValueError, match="no holidays of 'XX' are known"):
        TTMForecaster(model, holidays="XX").fit(driven()[0])


def test_holidays_of_several_countries_count(model):
    y = driven()[0]
    with pytest.raises(ValueError, match="no holidays of 'XX' are known"):
        TTMForecaster(model, holidays=["de", "XX"]).fit(y)
    fitted = TTMForecaster(model, holidays=["de", "FR"]).fit(y)
    assert fitted.get_params()["holidays"] == ["de", "FR"]


@pytest.mark.parametrize("holidays", [True, False])
def test_holidays_that_are_no_text_are_refused(model, holidays):
    with pytest.raises(TypeError, match=f"holidays must be the code of a country, .* {holidays}$"):
        TTMForecaster(model, holidays=holidays).fit(driven()[0])


def test_explain_tells_whether_x_counts(zero_shot):
    _, X, _ = driven()
    fitted = zero_shot.clone().fit(driven()[0], X=X)
    told = fitted.explain(FH, X)
    assert told.columns.tolist() == ["variate", "kept", "gain", "windows", "names"]
    (row,) = told.to_dict("records")
    assert row["variate"] == "sales"
    assert row["names"] == ("price",)
    assert row["kept"]
    assert 0 < row["gain"] < 1
    assert row["windows"] > 0
    pd.testing.assert_frame_equal(told, zero_shot.explain(X=X))


def test_explain_has_a_row_for_each_series_and_variate():
    y, X, _ = driven()
    noise = np.random.default_rng(5).normal(size=len(y))
    frame = pd.DataFrame({"sales": y, "noise": noise})
    panel, own = (panel_of(dict.fromkeys(("n", "s"), each)) for each in (frame, X))
    told = TTMForecaster().fit(panel, X=own).explain(FH, own)
    assert told.index.tolist() == ["n", "n", "s", "s"]
    assert told.index.name == "shop"
    assert told["variate"].tolist() == ["sales", "noise"] * 2
    assert told["kept"].tolist() == [True, False] * 2
    days = TTMForecaster(calendar=True).fit(panel).explain(FH)
    assert days["names"].iloc[0] == ("weekday", "month end")


def test_explain_says_where_there_is_nothing_to_tell(model, tuned):
    _, X, _ = driven()
    for forecaster, known in ((TTMForecaster(model).fit(driven()[0]), None), (tuned, X)):
        with pytest.raises(ValueError, match="nothing to explain: give X, calendar or holidays"):
            forecaster.explain(FH, known)


def test_a_network_that_learnt_from_x_has_no_place_for_a_calendar(model, tuned):
    y, X, _ = driven()
    with pytest.raises(ValueError, match="training learns from X, which leaves no place for cal"):
        TTMForecaster(model, fine_tune=True, calendar=True).fit(y, X=X)
    folder = save_network(tuned._forecaster().network, Path(model) / "tuned")
    with pytest.raises(ValueError, match="trained with X, or mixes series, which leaves no place"):
        TTMForecaster(folder, holidays="DE").fit(y, X=X)


def test_what_becomes_of_X_after_fit_has_no_say():  # noqa: N802
    y, X, _ = driven()
    past = X[: len(y)].copy()
    forecaster = TTMForecaster().fit(y, X=past)
    expected = forecaster.predict(FH, X=X[len(y) :])
    past["price"] = 0.0
    assert forecaster.predict(FH, X=X[len(y) :]).equals(expected)


def test_one_X_for_a_panel_is_refused_by_predict_too():  # noqa: N802
    y, X, _ = driven()
    both = {key: y.to_frame() for key in "ab"}
    given = {key: X[: len(y)] for key in "ab"}
    forecaster = TTMForecaster().fit(pd.concat(both), X=pd.concat(given))
    with pytest.raises(ValueError, match="X rows of none in particular: give each its own"):
        forecaster.predict(FH, X=X[len(y) :])
