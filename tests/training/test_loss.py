import math

import pytest
import torch

from ttm_estimators.training.loss import pinball_loss


def test_the_median_alone_costs_its_absolute_error():
    forecast = torch.zeros(1, 1, 1, 1)
    assert pinball_loss(forecast, torch.full((1, 1, 1), 3.0), (0.5,)) == pytest.approx(3.0)


def test_a_high_quantile_pays_more_for_being_too_low():
    forecast = torch.zeros(1, 1, 1, 3)
    loss = pinball_loss(forecast, torch.ones(1, 1, 1), (0.1, 0.5, 0.9))
    assert loss == pytest.approx(2 * (0.1 + 0.5 + 0.9) / 3)


def test_what_is_missing_costs_nothing_and_teaches_nothing():
    forecast = torch.zeros(1, 2, 1, 1, requires_grad=True)
    target = torch.tensor([1.0, math.nan])[None, :, None]
    loss = pinball_loss(forecast, target, ())
    loss.backward()
    assert loss.item() == pytest.approx(1.0)
    assert forecast.grad[0, 1].item() == 0.0
    assert forecast.grad[0, 0].item() != 0.0


def test_a_batch_without_targets_is_no_error():
    assert pinball_loss(torch.zeros(1, 2, 1, 1), torch.full((1, 2, 1), math.nan), ()) == 0.0


def test_near_steps_weigh_more_than_far_ones():
    def cost(step):
        target = torch.zeros(1, 200, 1)
        target[:, step] = 1.0
        return pinball_loss(torch.zeros(1, 200, 1, 1), target, ())

    assert cost(0) > cost(100) > cost(199) > 0


def test_a_broken_target_is_bounded():
    assert pinball_loss(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1), 1e9), ()) <= 10.0


@pytest.mark.parametrize("shape", [(2, 1), (1, 2)], ids=["windows", "steps"])
def test_a_relative_loss_counts_an_error_by_the_spread_that_was_forecast(shape):
    """The second is ten times as wide and as wrong: else it would rule the gradient."""
    sizes = torch.tensor([0.5, 5.0]).reshape(*shape, 1, 1)

    def pull(relative):
        forecast = (sizes * torch.tensor([-1.0, 0.0, 1.0])).requires_grad_()
        loss = pinball_loss(forecast, 0.5 * sizes[..., 0], (0.1, 0.5, 0.9), relative=relative)
        loss.backward()
        near, far = (forecast.grad * sizes).abs().sum(dim=-1).flatten()
        return float(near / far)

    assert pull(relative=True) / pull(relative=False) == pytest.approx((10 + 0.05) / (1 + 0.05))


def test_a_relative_loss_of_one_spread_is_the_loss():
    forecast = torch.tensor([-1.0, 0.0, 1.0]).expand(1, 5, 1, 3)
    target = torch.linspace(-2, 2, 5)[None, :, None]
    levels = (0.1, 0.5, 0.9)
    absolute = pinball_loss(forecast, target, levels)
    assert pinball_loss(forecast, target, levels, relative=True) == pytest.approx(absolute.item())
