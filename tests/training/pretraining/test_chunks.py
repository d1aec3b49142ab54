import itertools
import os
import signal
import sys
from contextlib import nullcontext
from dataclasses import replace
from multiprocessing import active_children
from types import SimpleNamespace

import pytest
import torch

from tests.tiny import TINY, tiny_network
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.network.prepared import prepare
from ttm_estimators.training.loss import pinball_loss
from ttm_estimators.training.nested import map_tensors
from ttm_estimators.training.pretraining import chunks as chunks_module
from ttm_estimators.training.pretraining.chunks import chunks, prepare_chunk
from ttm_estimators.training.pretraining.step import chunk_loss

LEVELS = TINY.quantile_levels


def stream(windows=24, **options):
    return WindowStream(
        TINY.context_length, TINY.horizon, windows, input_length=TINY.input_length, **options
    )


def tensors(chunk):
    found = []
    map_tensors(lambda tensor: found.append(tensor.nan_to_num(nan=7.0)) or tensor, chunk)
    return found


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(tensors(a), tensors(b), strict=True))


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"resolutions": 10},
        {"seasons": False, "seasons_length": 0},
        {"scales": (1,), "mask_input": False, "seasons_length": 0},
    ],
)
def test_the_loss_of_a_chunk_is_that_of_the_network_called_directly(changes, relative):
    network = tiny_network(**changes)
    window = stream().batch(3)
    if not network.config.seasons_length:
        window = window._replace(past=window.past[:, -TINY.context_length :])
    if network.config.resolutions:
        window = window._replace(resolution=torch.arange(24) % 10)
    forecast, scaling = network.decode(
        network.encode(window.past[..., None], resolution_B=window.resolution)
    )
    target = scaling.normalise(window.future[..., None])
    expected = pinball_loss(forecast, target, LEVELS, relative=relative)
    chunk = prepare_chunk(network.config, window)
    assert chunk_loss(network, chunk, relative=relative).item() == expected.item()


@pytest.mark.parametrize("workers", [0, 1])
def test_the_windows_of_a_chunk_are_what_the_stream_makes(workers):
    made = list(itertools.islice(chunks(TINY, stream(seed=4), workers), 3))
    for k, chunk in enumerate(made):
        past, future, _ = stream(seed=4).batch(k)
        prepared = prepare(TINY, past[..., None], horizon=TINY.horizon)
        assert same(chunk.prepared, prepared)
        back = chunk.target_BHV * prepared.scale_B1C + prepared.loc_B1C
        torch.testing.assert_close(back[..., 0], future, equal_nan=True, atol=1e-5, rtol=1e-5)
        assert chunk.finite_B.all()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_worker_is_ended_by_its_parent_and_not_by_ctrl_c():
    """A terminal sends it to both, and the parent would tell of a worker that exited."""
    before = set(active_children())
    made = chunks(TINY, stream(seed=4), 1)
    (worker,) = set(active_children()) - before
    os.kill(worker.pid, signal.SIGINT)
    for _ in range(4):  # more than are made ahead
        next(made)
    assert worker.is_alive()
    del made
    worker.join(20)
    assert worker.exitcode == 0


def test_a_chunk_does_not_depend_on_how_many_windows_are_prepared_at_once(monkeypatch):
    whole = prepare_chunk(TINY, stream().batch(0))
    monkeypatch.setattr(chunks_module, "CPU_PREPARED_WINDOWS", 5)
    parts = prepare_chunk(TINY, stream().batch(0))
    for a, b in zip(tensors(whole), tensors(parts), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def broken(kind):
    past, future, resolution = (tensor.clone() for tensor in stream().batch(0))
    if kind == "past":
        past[5, -10], past[8, 0] = torch.inf, -torch.inf
    else:
        future[5, 3], future[8, 0] = torch.inf, -torch.inf
    return past, future, resolution


@pytest.mark.parametrize("kind", ["past", "future"])
def test_a_window_that_is_not_finite_counts_for_nothing(kind):
    network = tiny_network()
    chunk = prepare_chunk(TINY, stream().batch(0)._make(broken(kind)))
    assert (~chunk.finite_B).nonzero().flatten().tolist() == [5, 8]
    assert chunk.target_BHV[[5, 8]].isnan().all()
    others = [i for i in range(24) if i not in (5, 8)]
    alone = prepare_chunk(TINY, stream().batch(0)._make(t[others] for t in broken(kind)))
    for relative in (True, False):
        losses = [chunk_loss(network, each, relative=relative) for each in (chunk, alone)]
        torch.testing.assert_close(*losses)
    chunk_loss(network, chunk, relative=True).backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_missing_values_do_not_make_a_window_one_that_is_not_finite():
    past, future, resolution = (tensor.clone() for tensor in stream().batch(0))
    past[0], past[1, -3:], future[2, 5:] = torch.nan, torch.nan, torch.nan
    assert prepare_chunk(TINY, stream().batch(0)._make((past, future, resolution))).finite_B.all()


def test_on_a_gpu_a_chunk_is_made_when_the_steps_on_the_last_one_are_queued(monkeypatch):
    done = []
    training = SimpleNamespace(wait_stream=lambda other: done.append("training waits"))
    making = SimpleNamespace(wait_stream=lambda other: done.append("making waits"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: training)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: making)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: done.append("kept"))

    def make():
        for k in range(3):
            done.append(f"chunk {k}")
            yield prepare_chunk(TINY, stream().batch(k))

    made = chunks_module._beside_training(make())
    assert done == []
    next(made)
    assert done == ["making waits", "chunk 0", "training waits"]
    done.clear()
    next(made)
    kept = len(tensors(prepare_chunk(TINY, stream().batch(0))))
    assert done == [*kept * ["kept"], "chunk 1", "training waits"]


def test_a_resolution_that_a_network_does_not_know_is_unknown_to_it():
    window = stream().batch(0)._replace(resolution=torch.arange(24) % 10)
    known = prepare_chunk(replace(TINY, resolutions=3), window).resolution_B
    assert known.unique().tolist() == [0, 1, 2]
    assert not prepare_chunk(TINY, window).resolution_B.any()
