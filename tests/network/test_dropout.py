import pytest
import torch

from ttm_estimators.network.dropout import Dropout


@pytest.mark.parametrize("probability", [0.0, 0.001, 0.1, 0.2, 0.5, 0.999])
def test_the_fraction_that_is_dropped_is_the_probability_and_the_mean_stays(probability):
    torch.manual_seed(0)
    out = Dropout(probability)(torch.ones(1001, 1003))
    assert (out == 0).double().mean() == pytest.approx(probability, abs=1 / 512 + 1e-3)
    assert out.mean() == pytest.approx(1.0, abs=0.05)
    assert len(out.unique()) <= 2


def test_every_byte_of_a_word_is_dropped_alike():
    torch.manual_seed(0)
    lost = Dropout(0.2)(torch.ones(4 * 10**5)) == 0
    fraction = lost.view(-1, 4).double().mean(dim=0)
    torch.testing.assert_close(fraction, torch.full((4,), 0.2).double(), rtol=0, atol=5e-3)


def test_nothing_is_learnt_through_what_was_dropped():
    torch.manual_seed(0)
    x = torch.ones(8, 9, requires_grad=True)
    out = Dropout(0.5)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach())


def test_a_seed_makes_it_repeat():
    torch.manual_seed(0)
    dropout, x = Dropout(0.3), torch.ones(50)
    torch.manual_seed(1)
    first, other = dropout(x), dropout(x)
    torch.manual_seed(1)
    assert dropout(x).equal(first)
    assert not other.equal(first)


def test_evaluation_drops_nothing():
    x = torch.rand(5, 3)
    assert Dropout(0.5).eval()(x) is x
