import numpy as np
import torch

from ttm_estimators.forecasting.quantile_levels import (
    interpolate,
    validated_levels,
)

DECILES = tuple(k / 10 for k in range(1, 10))


def test_known_levels_are_returned_exactly():
    quantiles = torch.randn(4, 9).sort(dim=-1).values.double()
    torch.testing.assert_close(interpolate(quantiles, DECILES, DECILES), quantiles, rtol=0, atol=0)


def test_interpolation_is_exact_for_a_normal_distribution():
    normal = torch.distributions.Normal(3.0, 2.0)
    known = normal.icdf(torch.tensor(DECILES, dtype=torch.float64))
    wanted = (0.001, 0.025, 0.1, 0.33, 0.5, 0.77, 0.95, 0.999)
    expected = normal.icdf(torch.tensor(wanted, dtype=torch.float64))
    torch.testing.assert_close(interpolate(known, DECILES, wanted), expected)


def test_equal_quantiles_stay_equal_at_every_level():
    quantiles = torch.full((1, 9), 0.1)
    found = interpolate(quantiles, DECILES, tuple(np.linspace(0.001, 0.999, 500)))
    assert found.unique().numel() == 1


def test_interpolation_keeps_the_order_of_quantiles():
    quantiles = torch.randn(200, 9).sort(dim=-1).values.double()
    found = interpolate(quantiles, DECILES, tuple(np.linspace(0.001, 0.999, 99)))
    assert (found.diff(dim=-1) >= 0).all()


def test_levels_may_be_numpy_numbers():
    assert validated_levels(np.array([0.25, 0.5])) == (0.25, 0.5)
