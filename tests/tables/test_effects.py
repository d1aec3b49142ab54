import numpy as np
import pandas as pd
import pytest

from ttm_estimators.example import FILES
from ttm_estimators.regression import CovariateEffects
from ttm_estimators.tables import TableError
from ttm_estimators.tables.effects import describe, summarised

HORIZON = 28
KNOWN = ["price", "promotion"]


def effects(gain, windows=8, names=("price", "weekday")):
    return CovariateEffects(names, np.ones((3, len(names))), gain, windows)


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        (
            (0.25, 0.21, 0),
            "used together in 2 of 3 series: price, weekday; error on their own past 23 % lower; "
            "not used in 'c'",
        ),
        (
            (0.25, 0.25, 0.25),
            "used together in 3 of 3 series: price, weekday; error on their own past 25 % lower",
        ),
        ((0.25,), "used together: price, weekday; error on its own past 25 % lower"),
        (
            (0.0, 0.0, 0.0),
            "not used in any series: price, weekday; on held-out windows they lowered the error by "
            "no more than chance",
        ),
        (
            (0.0,),
            "not used: price, weekday; on held-out windows they lowered the error by no more than "
            "chance",
        ),
    ],
)
def test_one_line_says_where_covariates_count_and_what_they_gain(gains, said):
    told = describe([effects(gain) for gain in gains], [*"abc"][: len(gains)])
    assert told == f"Covariates {said}"


def test_a_single_covariate_is_not_used_together():
    told = describe([effects(0.25, names=("price",))], ["a"])
    assert told == "Covariates used: price; error on its own past 25 % lower"


def test_a_past_that_is_too_short_to_judge_is_told():
    assert describe([effects(0.0, 0)], ["a"]).endswith("; its past is too short to judge by")


@pytest.fixture(scope="module")
def frames():
    history, future = (pd.read_csv(file) for file in FILES)
    return history, future


@pytest.fixture(scope="module")
def explained(shipped, frames):
    history, future = frames
    return shipped.explain_df(history, HORIZON, known=KNOWN, future_df=future, value="sales")


def test_a_row_for_each_step_has_what_each_covariate_adds(shipped, frames, explained):
    history, future = frames
    assert list(explained) == ["shop", "date", "without", "base", *KNOWN, "with", "gain"]
    assert len(explained) == 3 * HORIZON
    driven = shipped.forecast_df(history, HORIZON, known=KNOWN, future_df=future, value="sales")
    pd.testing.assert_frame_equal(explained[["shop", "date"]], driven[["shop", "date"]])
    np.testing.assert_allclose(explained["with"], driven["median"])
    plain = shipped.forecast_df(history, HORIZON, value="sales")
    np.testing.assert_allclose(explained["without"], plain["median"])
    total = explained["base"] + explained[KNOWN].sum(axis=1)
    np.testing.assert_allclose(total, explained["with"], rtol=1e-6)


def test_the_effects_are_those_of_the_example(frames, explained):
    """Promotions raise sales by a half, and a higher price lowers them."""
    _, future = frames
    on = future["promotion"].to_numpy() == 1
    gained = explained["promotion"].to_numpy()
    assert (gained[on] > gained[~on].max()).all()
    for shop, part in explained.groupby("shop"):
        price = future.loc[future["shop"] == shop, "price"].to_numpy()
        effect = part["price"].to_numpy()
        assert effect[price == price.max()].mean() < effect[price == price.min()].mean()
    assert (explained["gain"] > 0.1).all()


def test_a_summary_has_the_largest_effect_first(explained):
    table = summarised(explained, KNOWN)
    assert table["fraction"].sum() == pytest.approx(1)
    assert table["effect"].is_monotonic_decreasing
    assert table.at["price", "effect"] == pytest.approx(explained["price"].abs().mean())


def test_nothing_to_explain_is_told(shipped, frames):
    with pytest.raises(TableError, match="no covariates to explain: name some with known="):
        shipped.explain_df(frames[0], HORIZON, value="sales")


def test_a_column_with_the_name_of_one_of_the_result_is_refused(shipped, frames):
    history, future = (frame.rename(columns={"price": "gain"}) for frame in frames)
    with pytest.raises(TableError, match="'gain' has the name of a column of the result"):
        shipped.explain_df(history, HORIZON, known="gain", future_df=future, value="sales")
