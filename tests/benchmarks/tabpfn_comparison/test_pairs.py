import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_benchmarks.tabpfn_comparison.pairs import (
    MIN_TASKS_FOR_INTERVAL,
    TIE_TOLERANCE,
    bootstrap_interval,
    compare_pairs,
)

ALL = list(TASKS.values())

differences = arrays(
    float, st.integers(2, 40), elements=st.floats(-3, 3, allow_nan=False, width=32)
)


def table(tasks, mase, crps=None) -> pd.DataFrame:
    scores = {"MASE": mase, "CRPS": mase if crps is None else crps}
    return pd.DataFrame(scores, index=[task.name for task in tasks], dtype=float)


def overall(pairs, other="B", metric="MASE") -> pd.Series:
    chosen = (pairs["by"] == "overall") & (pairs["other"] == other) & (pairs["metric"] == metric)
    (row,) = pairs[chosen].to_dict("records")
    return pd.Series(row)


def test_wins_ties_losses_and_the_geometric_mean_are_counted_by_task():
    tasks = ALL[:4]
    ours, theirs = [1.0, 2.0, 1.0 + TIE_TOLERANCE / 2, 1.0], [2.0, 1.0, 1.0, 4.0]
    row = overall(compare_pairs({"A": table(tasks, ours), "B": table(tasks, theirs)}, "A", tasks))
    assert (row["wins"], row["ties"], row["losses"]) == (2, 1, 1)
    assert row["ratio"] == pytest.approx(((1 / 2) * 2 * (1 + TIE_TOLERANCE / 2) * (1 / 4)) ** 0.25)
    assert (row["model"], row["tasks"]) == ("A", 4)


def test_each_metric_is_compared_by_itself():
    tasks = ALL[:3]
    scores = {"A": table(tasks, [1, 1, 1], [2, 2, 2]), "B": table(tasks, [2, 2, 2], [1, 1, 1])}
    pairs = compare_pairs(scores, "A", tasks)
    assert overall(pairs, metric="MASE")["wins"] == 3
    assert overall(pairs, metric="CRPS")["losses"] == 3


def test_the_first_model_meets_each_of_the_others():
    tasks = ALL[:3]
    scores = {
        "B": table(tasks, [1, 1, 1]),
        "A": table(tasks, [2, 2, 2]),
        "C": table(tasks, [4] * 3),
    }
    pairs = compare_pairs(scores, "A", tasks)
    assert set(pairs["model"]) == {"A"}
    assert overall(pairs, "B")["ratio"] == pytest.approx(2)
    assert overall(pairs, "C")["ratio"] == pytest.approx(1 / 2)


def test_groups_are_made_of_their_own_tasks_and_add_up():
    rng = np.random.default_rng(0)
    scores = {name: table(ALL, rng.uniform(1, 2, len(ALL))) for name in "AB"}
    pairs = compare_pairs(scores, "A", ALL)
    whole = overall(pairs)
    for by in ("domain", "term", "frequency"):
        part = pairs[(pairs["by"] == by) & (pairs["metric"] == "MASE")]
        for column in ("tasks", "wins", "ties", "losses"):
            assert part[column].sum() == whole[column]
        assert np.average(np.log(part["ratio"]), weights=part["tasks"]) == pytest.approx(
            np.log(whole["ratio"])
        )
    energy = [task for task in ALL if task.domain == "Energy"]
    alone = overall(compare_pairs(scores, "A", energy))
    (row,) = pairs.query("group == 'Energy' and metric == 'MASE'").to_dict("records")
    assert row["ratio"] == pytest.approx(alone["ratio"])


def test_changing_sides_turns_the_comparison_round():
    rng = np.random.default_rng(1)
    scores = {name: table(ALL, rng.uniform(1, 2, len(ALL))) for name in "AB"}
    one = overall(compare_pairs(scores, "A", ALL), "B")
    two = overall(compare_pairs(scores, "B", ALL), "A")
    assert (one["wins"], one["losses"]) == (two["losses"], two["wins"])
    assert one["ratio"] == pytest.approx(1 / two["ratio"])
    assert one["low"] == pytest.approx(1 / two["high"])


def test_few_tasks_have_no_interval():
    scores = {name: table(ALL, 1.0 + np.arange(len(ALL))) for name in "AB"}
    few = overall(compare_pairs(scores, "A", ALL[: MIN_TASKS_FOR_INTERVAL - 1]))
    enough = overall(compare_pairs(scores, "A", ALL[:MIN_TASKS_FOR_INTERVAL]))
    assert np.isnan([few["low"], few["high"]]).all()
    assert [enough["low"], enough["high"]] == [1.0, 1.0]


@given(differences)
def test_the_interval_is_the_same_every_time_and_within_the_differences(values):
    low, high = bootstrap_interval(values)
    assert values.min() - 1e-9 <= low <= high <= values.max() + 1e-9
    np.testing.assert_array_equal(bootstrap_interval(values), [low, high])


@given(differences, st.floats(-2, 2), st.floats(0.1, 3))
def test_the_interval_moves_and_stretches_with_the_differences(values, shift, scale):
    expected = scale * bootstrap_interval(values) + shift
    np.testing.assert_allclose(bootstrap_interval(scale * values + shift), expected, atol=1e-6)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        low, high = bootstrap_interval(rng.normal(0.1, 1, size=40))
        covered += low <= 0.1 <= high
    assert covered >= 51
