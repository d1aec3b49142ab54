import numpy as np
import pytest
import torch

from ttm_estimators.network.scaling import Scaling


@pytest.fixture
def history() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x_BTC = 5 + 3 * torch.randn(4, 50, 3, generator=generator, dtype=torch.float64)
    observed_BTC = torch.rand(x_BTC.shape, generator=generator) < 0.6
    return x_BTC, observed_BTC


def test_statistics_are_those_of_the_observed_points(history):
    x_BTC, observed_BTC = history
    scaling = Scaling.of(x_BTC, observed_BTC)
    for b, c in np.ndindex(4, 3):
        points = x_BTC[b, observed_BTC[b, :, c], c].numpy()
        assert scaling.loc[b, 0, c] == pytest.approx(points.mean())
        assert scaling.scale[b, 0, c] == pytest.approx(np.sqrt(points.var() + 1e-5))


def test_normalised_points_have_mean_0_and_deviation_1(history):
    x_BTC, observed_BTC = history
    normalised = Scaling.of(x_BTC, observed_BTC).normalise(x_BTC)
    points = normalised[0, observed_BTC[0, :, 0], 0]
    assert points.mean() == pytest.approx(0, abs=1e-9)
    assert points.std(correction=0) == pytest.approx(1, abs=1e-5)


def test_denormalise_undoes_normalise(history):
    x_BTC, observed_BTC = history
    scaling = Scaling.of(x_BTC, observed_BTC)
    torch.testing.assert_close(scaling.denormalise(scaling.normalise(x_BTC)), x_BTC)


@pytest.mark.parametrize("observed", [True, False])
def test_a_constant_or_unobserved_history_has_the_floor_as_scale(observed):
    x_BTC = torch.full((1, 20, 1), 7.0 if observed else 0.0)
    scaling = Scaling.of(x_BTC, torch.full((1, 20, 1), observed))
    assert scaling.loc.item() == (7.0 if observed else 0.0)
    assert scaling.scale.item() == pytest.approx(1e-5**0.5)
