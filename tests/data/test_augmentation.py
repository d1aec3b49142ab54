import math

import pytest
import torch

from ttm_estimators.data import augmentation
from ttm_estimators.data.augmentation import (
    augment,
    censor,
    flip_sign,
    lose,
    mix_up,
    modulate,
    quantise,
    shorten,
    spike,
    standardise,
)
from ttm_estimators.data.synthetic import Draw

B, T, CONTEXT = 40, 96, 64


@pytest.fixture
def windows():
    generator = torch.Generator().manual_seed(1)
    return standardise(torch.randn(B, T, generator=generator).cumsum(dim=1))


@pytest.fixture
def draw():
    return Draw(B, T, torch.Generator().manual_seed(0))


def changed(before, after):
    return (before.nan_to_num(nan=9.0) != after.nan_to_num(nan=9.0)).any(dim=1)


@pytest.mark.parametrize("change", [mix_up, modulate, flip_sign, censor, spike, quantise, lose])
def test_a_share_of_zero_changes_nothing_and_a_share_of_one_many_rows(change, windows, draw):
    assert not changed(windows, change(windows, draw, fraction=0.0)).any()
    assert changed(windows, change(windows, draw, fraction=1.0)).float().mean() > 0.3


@pytest.mark.parametrize("change", [mix_up, modulate, flip_sign, censor, spike, quantise])
def test_what_is_missing_stays_missing_and_nothing_else_becomes_so(change, windows, draw):
    windows[:, 10:20] = math.nan
    assert torch.equal(change(windows, draw, fraction=1.0).isnan(), windows.isnan())


def test_standardising_ignores_what_is_missing(windows):
    windows[:, 5:9] = math.nan
    result = standardise(3 * windows + 7)
    assert torch.allclose(result.nanmean(dim=1), torch.zeros(B), atol=1e-5)
    assert torch.allclose(result.square().nanmean(dim=1), torch.ones(B), atol=1e-4)


def test_a_constant_row_becomes_zero():
    assert torch.equal(standardise(torch.full((2, 5), 4.0)), torch.zeros(2, 5))


def test_a_series_is_mixed_only_with_one_known_throughout(windows, draw):
    windows[0::2, :40] = math.nan  # partners of the odd rows
    mixed = changed(windows, mix_up(windows, draw, fraction=1.0))
    assert not mixed[1::2].any()
    assert mixed[0::2].all()


def test_flipping_turns_the_sign(windows, draw):
    assert torch.equal(flip_sign(windows, draw, fraction=1.0), -windows)


def test_censoring_leaves_a_floor_or_a_ceiling(windows, draw):
    cut = censor(windows, draw, fraction=1.0)
    at_limit = (cut == cut.amax(dim=1, keepdim=True)) | (cut == cut.amin(dim=1, keepdim=True))
    assert (at_limit.sum(dim=1) > 3).float().mean() > 0.5


def test_quantising_leaves_few_values(windows, draw):
    steps = quantise(windows, draw, fraction=1.0)
    assert all(len(row.unique()) < T for row in steps)


def test_shortening_forgets_only_the_beginning_of_the_history(windows, draw):
    result = shorten(windows, CONTEXT, draw, fraction=1.0)
    assert result[:, CONTEXT - 8 :].isfinite().all()
    forgotten = result.isnan()
    assert forgotten.any()
    assert (forgotten[:, :-1] >= forgotten[:, 1:]).all()


def test_all_together_keep_windows_finite_or_missing_and_of_ordinary_size(windows, draw):
    windows[0, :30] = math.nan
    result = augment(1e3 * windows, CONTEXT, draw)
    assert result.shape == (B, T)
    assert not result.isinf().any()
    assert result.nan_to_num().abs().max() < 60
    assert changed(standardise(1e3 * windows), result).any()


def test_every_change_of_the_file_is_used(monkeypatch, windows, draw):
    names = ["mix_up", "modulate", "flip_sign", "censor", "spike", "quantise", "shorten", "lose"]
    used = []
    for name in names:
        change = getattr(augmentation, name)
        monkeypatch.setattr(
            augmentation, name, lambda *a, n=name, c=change: (used.append(n), c(*a))[1]
        )
    augment(windows, CONTEXT, draw)
    assert used == names
