import pytest
import torch

from ttm_estimators.data.synthetic import FAMILIES, Draw, sample
from ttm_estimators.data.synthetic.components import seasonal, spectral_noise
from ttm_estimators.data.synthetic.counts import counts


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [8, 100, 600])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_family_makes_finite_series_that_vary(family, length):
    series = family(Draw(64, length, generator()))
    assert series.shape == (64, length)
    assert series.isfinite().all()
    assert (series.std(dim=-1) > 0).float().mean() > 0.5


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_seed_gives_the_same_series_again_and_another_seed_others(family):
    first, again, other = (family(Draw(4, 50, generator(seed))) for seed in (0, 0, 1))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.allclose(first, other)


def test_shares_of_the_families_sum_to_one():
    assert sum(FAMILIES.values()) == pytest.approx(1.0)


def test_a_sample_interleaves_its_families():
    whole = (sample(400, 50, generator()) == sample(400, 50, generator()).round()).all(dim=-1)
    halves = whole[:200].float().mean(), whole[200:].float().mean()
    assert all(0.005 < half < 0.3 for half in halves), "counts should stand in both halves"


def test_a_seasonal_curve_repeats_after_its_period():
    draw = Draw(5, 96, generator())
    curve = seasonal(draw, torch.full((5, 1), 24.0))
    torch.testing.assert_close(curve[:, :72], curve[:, 24:], atol=1e-3, rtol=0)


def test_a_higher_exponent_makes_smoother_noise():
    draw = Draw(50, 500, generator())
    roughness = [
        spectral_noise(draw, torch.full((50, 1), exponent)).diff(dim=-1).std()
        for exponent in (0.0, 1.0, 2.0, 3.0)
    ]
    assert roughness == sorted(roughness, reverse=True)


def test_counts_are_whole_and_not_negative():
    series = counts(Draw(100, 200, generator()))
    assert (series >= 0).all()
    torch.testing.assert_close(series, series.round())
