import pytest
import torch
from torch import nn

from tests.tiny import tiny_network
from ttm_estimators.training.pretraining.muon import (
    LEARNING_RATE_FACTOR,
    Muon,
    mixing_matrices,
    orthogonalised,
)


def parameter(rows, columns, seed=0):
    generator = torch.Generator().manual_seed(seed)
    matrix = nn.Parameter(torch.randn(rows, columns, generator=generator))
    matrix.grad = torch.randn(rows, columns, generator=generator)
    return matrix


def moved(matrices, *, rate=1e-2, weight_decay=0.0, steps=1, dtype=torch.float32):
    """How far matrices are moved by steps along the gradients that they have."""
    before = [matrix.detach().clone() for matrix in matrices]
    optimizer = Muon(matrices, torch.tensor(rate), weight_decay, dtype)
    for _ in range(steps):
        optimizer.step()
    return [old - matrix.detach() for old, matrix in zip(before, matrices, strict=True)]


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-4), (torch.bfloat16, 5e-2)])
def test_orthogonalised_matrices_keep_singular_vectors_and_have_values_of_about_one(dtype, error):
    left, _, right = torch.linalg.svd(torch.randn(4, 8, 20, generator=torch.Generator()), False)
    values = torch.linspace(0.05, 3.0, 8)
    made = left.mT @ orthogonalised(left * values @ right, dtype) @ right.mT
    diagonal = torch.diagonal(made, dim1=-2, dim2=-1)
    assert diagonal.min() > 0.65
    assert diagonal.max() < 1.25
    assert (made - torch.diag_embed(diagonal)).abs().max() < error


def test_a_gradient_of_zero_moves_nothing():
    matrix = parameter(6, 4)
    matrix.grad.zero_()
    (change,) = moved([matrix])
    assert not change.any()


@pytest.mark.parametrize(("rows", "columns"), [(12, 12), (8, 24), (24, 8)])
def test_a_step_is_as_large_as_one_of_adamw_whatever_the_size_of_the_gradient(rows, columns):
    one, other = parameter(rows, columns), parameter(rows, columns)
    other.grad *= 1e4
    (change,), (change_of_large,) = moved([one]), moved([other])
    torch.testing.assert_close(change, change_of_large, rtol=1e-3, atol=1e-6)
    size = change.square().mean().sqrt() / (LEARNING_RATE_FACTOR * 1e-2)
    assert 0.13 < size < 0.25
    assert (change * one.grad).sum() > 0  # downhill


def test_matrices_of_one_shape_and_its_transpose_do_not_change_each_other():
    shapes = [(8, 24), (24, 8), (8, 24), (5, 5)]
    together = moved([parameter(*shape, seed=n) for n, shape in enumerate(shapes)], steps=3)
    for n, shape in enumerate(shapes):
        (alone,) = moved([parameter(*shape, seed=n)], steps=3)
        torch.testing.assert_close(together[n], alone, rtol=1e-4, atol=1e-6)


def test_weights_decay_by_their_learning_rate():
    matrix = parameter(8, 24)
    before = matrix.detach().clone()
    (decayed,) = moved([matrix], weight_decay=0.5)
    (bare,) = moved([parameter(8, 24)])
    expected = LEARNING_RATE_FACTOR * 1e-2 * 0.5 * before
    torch.testing.assert_close(decayed - bare, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has no Muon before 2.9")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_are_those_of_torch_to_the_rounding_of_its_half_precision(dtype):
    shapes = [(8, 24), (24, 8), (16, 16)]
    ours = moved([parameter(*s) for s in shapes], weight_decay=0.1, steps=4, dtype=dtype)
    matrices = [parameter(*s) for s in shapes]
    before = [matrix.detach().clone() for matrix in matrices]
    torchs = torch.optim.Muon(
        matrices,
        lr=LEARNING_RATE_FACTOR * 1e-2,
        weight_decay=0.1,
        momentum=0.95,
        adjust_lr_fn="match_rms_adamw",
    )
    for _ in range(4):
        torchs.step()
    for change, old, matrix in zip(ours, before, matrices, strict=True):
        theirs = old - matrix.detach()
        assert (change - theirs).norm() < 0.02 * theirs.norm()


def test_muon_is_for_the_matrices_of_mixers_and_not_for_inputs_and_outputs():
    network = tiny_network()
    chosen = set(mixing_matrices(network))
    names = {name for name, p in network.named_parameters() if p in chosen}
    assert names == {
        name for name, p in network.named_parameters() if ".mixer" in name and p.ndim == 2
    }
    assert any("gate" in name for name in names)
    assert any(name.startswith("decoder") for name in names)
