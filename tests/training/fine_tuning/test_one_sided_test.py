import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttm_estimators.training.fine_tuning.one_sided_test import is_significant

APART = torch.arange(200)


def losses(gain, spread, windows=200, seed=0):
    random = torch.Generator().manual_seed(seed)
    before = 1.0 + torch.rand(windows, generator=random, dtype=torch.float64)
    change = gain + spread * torch.randn(windows, generator=random, dtype=torch.float64)
    return before, before - change


def test_a_small_gain_in_many_windows_is_sure():
    assert is_significant(*losses(0.05, 0.1), APART)


def test_no_gain_and_a_loss_are_not():
    before, _ = losses(0.0, 0.0)
    assert not is_significant(before, before, APART)
    assert not is_significant(*losses(-0.05, 0.1), APART)


def test_one_in_twenty_gains_that_are_none_is_taken_for_one():
    taken = [is_significant(*losses(0.0, 0.5, seed=seed), APART) for seed in range(400)]
    assert 0.02 < sum(taken) / len(taken) < 0.09


def test_windows_without_a_known_future_do_not_count():
    before, after = losses(0.05, 0.1)
    nothing = torch.zeros(800, dtype=torch.float64)
    known = is_significant(before, after, APART)
    assert known == is_significant(
        torch.cat([before, nothing]), torch.cat([after, nothing]), torch.arange(1000)
    )
    assert not is_significant(nothing, nothing, torch.arange(800))


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_overlapping_windows_are_not_more_often_taken_for_a_gain(memory):
    random, horizon, taken = np.random.default_rng(0), 12, 0
    for _ in range(400):
        step = random.normal(size=20 * horizon)
        for t in range(1, len(step)):
            step[t] += memory * step[t - 1]
        change = 0.3 * np.convolve(step, np.ones(horizon) / horizon, mode="valid")
        before = torch.full((len(change),), 2.0, dtype=torch.float64)
        block = torch.arange(len(change)) // (2 * horizon)
        taken += is_significant(before, before + torch.from_numpy(change), block)
    assert taken / 400 < 0.12


@given(st.integers(2, 50))
def test_windows_that_are_alike_count_once(copies):
    before, after = losses(0.2, 0.3, windows=8)
    once = is_significant(before, after, torch.arange(8))
    again = is_significant(
        before.repeat(copies), after.repeat(copies), torch.arange(8).repeat(copies)
    )
    assert once == again


def test_a_gain_that_many_blocks_show_is_not_sure_in_two():
    before, after = losses(0.1, 0.05)
    assert is_significant(before, after, APART)
    assert not is_significant(before, after, APART // 100)


def test_a_single_window_has_to_gain_much():
    before, only = torch.ones(1), torch.zeros(1, dtype=torch.long)
    assert not is_significant(before, torch.tensor([0.7]), only)
    assert is_significant(before, torch.tensor([0.3]), only)


def test_the_answer_does_not_depend_on_the_scale():
    for gain in (0.01, 0.02, 0.03, 0.04, 0.05):
        before, after = losses(gain, 0.3)
        assert is_significant(before, after, APART) == is_significant(
            1e3 * before, 1e3 * after, APART
        )
