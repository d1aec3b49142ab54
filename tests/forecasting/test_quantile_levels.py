from statistics import NormalDist

import numpy as np
import torch
from scipy import stats

from ttm_estimators.forecasting.quantile_levels import (
    interpolate,
    validated_levels,
)

DECILES = tuple(k / 10 for k in range(1, 10))


def test_known_levels_are_returned_exactly():
    quantiles = np.sort(np.random.default_rng(0).normal(size=(4, 9)).astype(np.float32), axis=-1)
    quantiles = quantiles.astype(np.float64)  # as forecasts are, so that differences are exact
    np.testing.assert_array_equal(interpolate(quantiles, DECILES, DECILES), quantiles)


def test_between_deciles_it_is_exact_for_a_normal_distribution():
    normal = torch.distributions.Normal(3.0, 2.0)
    known = normal.icdf(torch.tensor(DECILES, dtype=torch.float64)).numpy()
    wanted = (0.1, 0.13, 0.33, 0.5, 0.77, 0.9)
    expected = normal.icdf(torch.tensor(wanted, dtype=torch.float64))
    np.testing.assert_allclose(interpolate(known, DECILES, wanted), expected.numpy(), rtol=1e-12)


def test_beyond_deciles_it_is_nearly_a_student_distribution():
    student = stats.t(df=8, loc=3.0, scale=2.0)
    wanted = (0.001, 0.005, 0.025, 0.05, 0.95, 0.975, 0.995, 0.999)
    found = interpolate(student.ppf(DECILES), DECILES, wanted)
    np.testing.assert_allclose(found - 3.0, student.ppf(wanted) - 3.0, rtol=0.04)


def test_tails_grow_on_both_sides_alike():
    low, high = interpolate(np.array([-1.0, 0.0, 1.0]), (0.1, 0.5, 0.9), (0.01, 0.99))
    np.testing.assert_allclose(-low, high, rtol=1e-12)
    assert high > NormalDist().inv_cdf(0.99) / NormalDist().inv_cdf(0.9)


def test_equal_quantiles_stay_equal_at_every_level():
    quantiles = np.full((1, 9), 0.1, dtype=np.float32)
    found = interpolate(quantiles, DECILES, tuple(np.linspace(0.001, 0.999, 500)))
    assert len(np.unique(found)) == 1


def test_interpolation_keeps_the_order_of_quantiles():
    quantiles = np.sort(np.random.default_rng(0).normal(size=(200, 9)), axis=-1)
    found = interpolate(quantiles, DECILES, tuple(np.linspace(0.001, 0.999, 99)))
    assert (np.diff(found, axis=-1) >= 0).all()


def test_levels_may_be_numpy_numbers():
    assert validated_levels(np.array([0.25, 0.5])) == (0.25, 0.5)
