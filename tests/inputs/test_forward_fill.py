import numpy as np
import pytest
import torch

from ttm_estimators.inputs.forward_fill import FORWARD_FILL_LIMIT_STEPS as LIMIT
from ttm_estimators.inputs.forward_fill import forward_fill


def test_a_long_gap_is_filled_at_its_beginning_only():
    values = torch.arange(1.0, 101.0)[None, :, None]
    observed = torch.ones_like(values, dtype=torch.bool)
    observed[:, 10:90] = False
    filled, known = forward_fill(values * observed, observed, 100)
    assert known[0, :, 0].tolist() == [True] * (10 + LIMIT) + [False] * (80 - LIMIT) + [True] * 10
    assert (filled[0, 10 : 10 + LIMIT, 0] == 10.0).all()
    assert (filled[0, 10 + LIMIT : 90, 0] == 0.0).all()


@pytest.mark.parametrize("context", [1, 40, 99, 100, 300])
def test_both_sides_of_the_beginning_of_the_context_are_filled_apart(context):
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 100, 2)))
    observed = torch.rand(5, 100, 2, generator=torch.Generator().manual_seed(0)) < 0.3
    filled, known = forward_fill(values, observed, context)
    for part in (np.s_[:, :-context], np.s_[:, -context:]):
        alone = forward_fill(values[part], observed[part], 100)
        assert torch.equal(filled[part], alone[0])
        assert torch.equal(known[part], alone[1])


@pytest.mark.parametrize("context", [1, 40, 100, 300])
def test_arrays_and_tensors_are_filled_alike(context):
    random = np.random.default_rng(0)
    values, observed = random.normal(size=(5, 100, 2)), random.uniform(size=(5, 100, 2)) < 0.1
    expected = forward_fill(torch.from_numpy(values), torch.from_numpy(observed), context)
    for found, tensor in zip(forward_fill(values, observed, context), expected, strict=True):
        np.testing.assert_array_equal(found, tensor.numpy())
