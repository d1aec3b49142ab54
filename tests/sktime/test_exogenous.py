import warnings
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from tests.sktime.conftest import panel_of
from tests.tiny import TINY
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
    with pytest.raises(ValueError, match="y has no future values of the covariates 'price'"):
        tuned.predict(X=X)


def test_an_x_that_was_learnt_from_is_asked_for(model):
    y, X, _ = driven()
    panel = [panel_of({"north": one}) for one in (y.to_frame(), X)]
    pretrained = TTMForecaster(model, fine_tuning={**LEARN, "steps": 1}).pretrain(*panel)
    with pytest.raises(ValueError, match="trained with X: give X to fit and to predict"):
        pretrained.fit(y, fh=FH).predict()


def test_a_new_network_says_that_it_learns_without_x():
    y, X, _ = driven()
    recipe = {"steps": 2, "batch_size": 2, "warmup_steps": 1}
    forecaster = TTMForecaster(network=asdict(TINY), fine_tune=True, recipe=recipe)
    with pytest.warns(UserWarning, match="X is not used: a new network learns without it"):
        forecaster.fit(y, X=X[: len(y)], fh=FH)


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
