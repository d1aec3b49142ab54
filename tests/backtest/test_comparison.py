import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from ttm_estimators.backtest.comparison import Room, advice, compare, ordered, student_quantile


@pytest.mark.parametrize("degrees", [1, 2, 3, 10, 500])
@pytest.mark.parametrize("level", [0.95, 0.975, 0.995])
def test_quantiles_are_those_of_student(level, degrees):
    assert student_quantile(level, degrees) == pytest.approx(t.ppf(level, degrees), rel=1e-5)


@pytest.mark.parametrize("shape", [(4, 1), (10, 3), (40, 5), (1, 5), (3, 20)])
def test_an_interval_holds_the_truth_as_often_as_it_says(shape):
    random = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        other = np.exp(0.2 * random.normal(size=shape))
        best = 0.9 * other * random.gamma(20, 1 / 20, size=shape)
        (found,) = compare({"best": pd.DataFrame(best), "other": pd.DataFrame(other)}, "best")
        held += found.low <= 0.9 <= found.high
    assert 0.92 <= held / 300 <= 0.985


def test_several_comparisons_hold_together():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        sums = {name: pd.DataFrame(np.exp(0.3 * random.normal(size=10))) for name in "abcde"}
        held += all(each.low <= 1 <= each.high for each in compare(sums, "a"))
    assert held / 300 >= 0.93


def sentence(**errors):
    sums = {name: pd.DataFrame(each) for name, each in errors.items()}
    best = ordered(sums)[0]
    return advice(compare(sums, best), best)


def test_a_clear_case_says_which_to_use_by_how_much_and_how_sure():
    random = np.random.default_rng(0)
    other = np.exp(random.normal(size=30))
    best = other * np.exp(np.log(0.8) + 0.05 * random.normal(size=30))
    told = sentence(ttm=best, seasonal_naive=other, naive=2 * other)
    assert told.startswith("Use ttm: its MASE is ")
    assert "% below that of seasonal_naive, the next best (95 % interval 1" in told
    assert told.endswith("from 30 series).")


def test_an_unclear_case_says_that_it_can_not_be_told():
    random = np.random.default_rng(0)
    other = np.exp(random.normal(size=6))
    best = other * np.exp(-0.05 + 0.5 * random.normal(size=6))
    told = sentence(ttm=best, seasonal_naive=other, naive=9 * other)
    assert told.startswith("Can't tell ")
    assert " lower than that of " in told
    assert " (95 % interval " in told
    assert "lower to " in told
    assert " or naive" not in told


def test_several_that_can_not_be_told_apart_have_an_interval_each():
    random = np.random.default_rng(0)
    errors = {name: np.exp(0.2 * random.normal(size=20)) for name in ("ttm", "Theta", "naive")}
    told = sentence(**errors)
    assert told.count("than that of") == told.count("(95 % interval ") == 2
    assert "too few" not in told
    assert told.endswith("use naive, the simplest, or compare on more windows or series.")


def test_a_wide_interval_asks_for_more_windows():
    told = sentence(ttm=[1.0, 9.0, 1.0], seasonal_naive=[3.0, 3.0, 3.5])
    assert "; too few windows: give --windows 10 or more; until then use seasonal_naive" in told


def test_windows_that_overlap_are_one_block():
    assert Room(windows=12, allowed=900, horizon=24, step=6).remedy(10) == (
        ": give --windows 40 or more"
    )
    assert (
        Room(windows=4, allowed=4, horizon=7, step=14)
        .remedy(10)
        .endswith("allow no more than 4: give more history, or a shorter horizon or step")
    )


@pytest.mark.parametrize(
    ("names", "use"),
    [
        (["ttm", "seasonal_naive"], "use seasonal_naive, the simplest"),
        (["ttm-finetuned", "ttm"], "use ttm, the simplest"),
        (["ttm", "Theta"], "use the one that is easiest to run"),
        (["Theta", "Arima"], "use the one that is easiest to run"),
    ],
)
def test_the_simplest_is_named(names, use):
    assert use in sentence(**{name: [1.0, 2.0, 3.0] for name in names})


def test_one_block_tells_nothing():
    told = sentence(ttm=[0.5], naive=[1.0])
    assert told.startswith("Can't tell ttm from naive: its MASE is 50.0 % lower")
    assert "tells nothing of chance" in told


def test_models_that_are_the_same_are_told_as_such():
    assert "their MASE is the same in each of 3 series" in sentence(a=[1.0, 2, 3], b=[1.0, 2, 3])


def test_a_model_alone_has_nothing_beside_it():
    assert "nothing to compare ttm with" in sentence(ttm=[1.0, 2.0])


def test_a_model_that_is_ahead_by_weighted_quantile_loss_is_named():
    sums = {"a": pd.DataFrame([1.0, 1.1]), "b": pd.DataFrame([2.0, 2.1])}
    losses = {"a": pd.DataFrame([1.0, 1.0, 1.0]), "b": pd.DataFrame([0.9, 0.91, 0.9])}
    (by_loss,) = compare(losses, "b")
    told = advice(compare(sums, "a"), "a", by_loss)
    assert "; by weighted quantile loss b is ahead of it by 9.7 % (95 % interval " in told
    assert told.endswith("): use b where quantiles count.")


def test_a_lead_by_weighted_quantile_loss_that_may_be_chance_is_told_as_such():
    sums = {"a": pd.DataFrame([1.0, 1.1]), "b": pd.DataFrame([2.0, 2.1])}
    (by_loss,) = compare({"a": pd.DataFrame([1.0, 1.0]), "b": pd.DataFrame([0.5, 1.5])}, "b")
    told = advice(compare(sums, "a"), "a", by_loss)
    assert "; by weighted quantile loss b is ahead by 13.4 %, which may be chance." in told


def test_series_count_alike_whatever_windows_they_have():
    one = pd.DataFrame([[1.0, np.nan, np.nan], [4.0, 4.0, 4.0]])
    (found,) = compare({"a": one, "b": one.mul([2.0, 8.0], axis=0)}, "a")
    assert found.ratio == pytest.approx(1 / 4)
    assert (found.blocks, found.of) == (3, "windows")
