from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from tests.tiny import TINY, tiny_network
from ttm_estimators import TinyTimeMixer
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.training.loss import pinball_loss
from ttm_estimators.training.nested import map_tensors
from ttm_estimators.training.pretraining.chunks import prepare_chunk
from ttm_estimators.training.pretraining.muon import Muon, mixing_matrices
from ttm_estimators.training.pretraining.step import Step
from ttm_estimators.training.recipe import Recipe

RECIPE = Recipe(
    steps=6, batch_size=16, warmup_steps=2, learning_rate=1e-2, real_fraction=0.0, gradient_clip=0.1
)


def windows(k):
    return WindowStream(64, 12, 16, input_length=128).batch(k)


def batch(k):
    return prepare_chunk(TINY, windows(k))


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def determined_weights(network):
    """All but a bias that the layer norm behind it takes out: its gradient is rounding."""
    kept = [p for name, p in network.named_parameters() if name != "head.layers.future.bias"]
    return torch.cat([p.detach().flatten() for p in kept])


def by_parts(network, recipe):
    """The same steps out of the network itself, Muon and torch's own parts, one after the other."""
    network.train()
    mixing = mixing_matrices(network)
    rest = [p for p in network.parameters() if p not in set(mixing)]
    matrices = [p for p in rest if p.ndim > 1]
    vectors = [p for p in rest if p.ndim <= 1]
    muon = Muon(mixing, torch.zeros(()), 0.02)
    adamw = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
    )
    average = AveragedModel(
        network, avg_fn=lambda mean, weight, n: mean + (weight - mean) / (1 + 0.02 * n)
    )
    for number in range(recipe.steps):
        torch.manual_seed(recipe.seed * 1_000_003 + number)
        for group in muon.param_groups + adamw.param_groups:
            group["lr"] = recipe.learning_rate * recipe.learning_rate_factor(number)
        past, future, _ = windows(number)
        forecast, scaling = network.decode(network.encode(past[..., None]))
        target = scaling.normalise(future[..., None])
        network.zero_grad()
        pinball_loss(forecast, target, network.config.quantile_levels, relative=True).backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
        muon.step()
        adamw.step()
        average.update_parameters(network)
    return determined_weights(network), determined_weights(average.module)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_step_ends_in_the_weights_of_its_parts_taken_one_by_one(dropout):
    network = tiny_network(dropout=dropout, head_dropout=dropout)
    other = tiny_network(dropout=dropout, head_dropout=dropout)
    step = Step(network, RECIPE, batch(0))
    for number in range(RECIPE.steps):
        step(batch(number), number, RECIPE.learning_rate_factor(number))
    expected, expected_mean = by_parts(other, RECIPE)
    assert (expected - determined_weights(tiny_network())).abs().max() > 1e-2
    close = {"rtol": 0, "atol": 2e-6}
    torch.testing.assert_close(determined_weights(network), expected, **close)
    torch.testing.assert_close(determined_weights(step.average), expected_mean, **close)


def test_making_a_step_leaves_weights_and_moments_as_they_were():
    network = tiny_network()
    before = weights(network)
    step = Step(network, RECIPE, batch(0))
    assert torch.equal(weights(network), before)
    assert torch.equal(weights(step.average), before)
    moments = {n: t for n, t in step.tensors().items() if n.startswith("optimizer.")}
    by_muon = len(mixing_matrices(network))
    assert len(moments) == by_muon + 3 * (len(list(network.parameters())) - by_muon)
    assert not any(tensor.any() for tensor in moments.values())
    assert step.take_sums() == (0.0, 0)


def test_a_step_that_is_restored_goes_on_as_the_first_would():
    step = Step(tiny_network(), RECIPE, batch(0))
    for number in range(2):
        step(batch(number), number, RECIPE.learning_rate_factor(number))
    kept = {name: tensor.clone() for name, tensor in step.tensors().items()}
    other = Step(TinyTimeMixer(TINY), RECIPE, batch(5))
    other.restore(kept)
    for number in range(2, 4):
        step(batch(number), number, RECIPE.learning_rate_factor(number))
        other(batch(number), number, RECIPE.learning_rate_factor(number))
    assert torch.equal(weights(step.network), weights(other.network))
    assert torch.equal(weights(step.average), weights(other.average))


class PretendedGraph:
    """Stands in for CUDA: what is captured runs once, and a replay is counted."""

    replays = 0

    def replay(self):
        PretendedGraph.replays += 1


@pytest.mark.parametrize(("processes", "graphs"), [(1, 1), (2, 2)])
def test_a_step_is_captured_whole_or_around_the_average_over_processes(
    monkeypatch, processes, graphs
):
    stream = SimpleNamespace(wait_stream=lambda other: None)
    pretended = {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
        "CUDAGraph": PretendedGraph,
        "graph": lambda _, capture_error_mode: nullcontext(),
    }
    for name, function in pretended.items():
        monkeypatch.setattr(torch.cuda, name, function)
    reduced = []
    monkeypatch.setattr("torch.distributed.all_reduce", reduced.append)
    monkeypatch.setattr(PretendedGraph, "replays", 0)
    network = tiny_network()
    before = weights(network)
    step = Step(network, RECIPE, batch(0), processes)
    step._capture()
    assert torch.equal(weights(network), before)
    assert torch.equal(weights(step.average), before)
    assert not any(t.any() for n, t in step.tensors().items() if n.startswith("optimizer."))
    assert step.take_sums() == (0.0, 0)
    warm_up = len(reduced)
    step(batch(1), 0, 1.0)
    assert PretendedGraph.replays == graphs
    assert len(reduced) - warm_up == graphs - 1
    assert torch.equal(step.batch.target_BHV.isnan(), batch(1).target_BHV.isnan())


def test_what_a_graph_captures_copies_nothing_from_the_processor_and_waits_for_nothing(monkeypatch):
    step = Step(tiny_network(), RECIPE, batch(0))

    def refuse(*_, **__):
        raise AssertionError("can not be captured")

    for owner, name in [
        (torch, "tensor"),
        (torch, "as_tensor"),
        (torch, "from_numpy"),
        (torch.Tensor, "item"),
        (torch.Tensor, "tolist"),
        (torch.Tensor, "cpu"),
        (torch.Tensor, "numpy"),
        (torch.Tensor, "__bool__"),
        (torch.Tensor, "__float__"),
        (torch.Tensor, "__int__"),
    ]:
        monkeypatch.setattr(owner, name, refuse)
    for part in step.parts:
        part()


def test_gradients_are_averaged_over_processes(monkeypatch):
    monkeypatch.setattr("torch.distributed.all_reduce", lambda flat: flat.mul_(3.0))
    step = Step(tiny_network(), RECIPE, batch(0), processes=2)
    step._gradients()
    before = [p.grad.clone() for p in step.network.parameters() if p.grad is not None]
    step._average_gradients()
    after = [p.grad for p in step.network.parameters() if p.grad is not None]
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(1.5 * one, other)


def test_sums_hold_the_losses_and_the_windows_that_were_not_finite_since_the_last_look():
    past, future, resolution = windows(0)
    past[3, -1] = torch.inf
    bad = prepare_chunk(TINY, windows(0)._make((past, future, resolution)))
    step = Step(tiny_network(), RECIPE, batch(0))
    step(batch(0), 0, 1.0)
    step(bad, 1, 1.0)
    step(bad, 2, 1.0)
    loss, not_finite = step.take_sums()
    assert not_finite == 2
    assert 0 < loss < torch.inf
    assert weights(step.network).isfinite().all()
    assert step.take_sums() == (0.0, 0)


def test_a_batch_of_other_windows_is_not_kept():
    step = Step(tiny_network(), RECIPE, batch(0))
    given = batch(1)
    before = map_tensors(torch.clone, given)
    step(given, 0, 1.0)
    step(batch(2), 1, 1.0)
    assert torch.equal(given.prepared.patch_BCPL, before.prepared.patch_BCPL)


def test_weight_decay_is_on_matrices_alone():
    recipe = replace(RECIPE, weight_decay=50.0, learning_rate=1e-3)
    network = tiny_network()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    step = Step(network, recipe, batch(0))
    # However small a gradient is, a step of Muon is not.
    step.loss = lambda network, *_: sum(0.0 * p.sum() for p in network.parameters())
    step(batch(0), 0, 0.5)
    by_muon = set(mixing_matrices(network))
    for name, parameter in network.named_parameters():
        decay = 1e-3 * 0.5 * 50.0 * (3.0 if parameter in by_muon else 1.0)
        shrunk = 1.0 - (decay if parameter.ndim > 1 else 0.0)
        torch.testing.assert_close(parameter.detach(), before[name] * shrunk, rtol=1e-4, atol=2e-3)
