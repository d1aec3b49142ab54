import pyarrow
import pytest
import torch
from pyarrow import parquet

from ttm_benchmarks.speed import data_throughput
from ttm_benchmarks.speed.data_throughput import (
    CONFIG,
    LENGTH,
    MIN_POINTS_PER_SECOND,
    PREPARED,
    SYNTHETIC,
    TRAINING,
    measure,
    sources,
)
from ttm_estimators.data.corpus import Corpus

CPU = torch.device("cpu")


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = [torch.randn(300).cumsum(0).tolist() for _ in range(4)]
    parquet.write_table(pyarrow.table({"target": rows}), tmp_path / "walks.parquet")
    return tmp_path


def test_every_source_makes_whole_batches(corpus):
    made = {name: function() for name, function in sources(Corpus.read(corpus), 4, CPU).items()}
    stream = "augmented stream, half real"
    assert [*made] == [SYNTHETIC, "corpus windows", stream, PREPARED, TRAINING]
    series, (cut, _), (past, future, _), chunk, _ = made.values()
    whole = torch.cat([past, future], dim=1)
    assert [each.shape for each in (series, cut, whole)] == [(4, LENGTH)] * 3
    assert chunk.target_BHV.shape == (4, CONFIG.horizon, 1)


@pytest.mark.parametrize(("ratio", "code"), [(1.01, 0), (0.99, 1)])
def test_the_exit_code_tells_whether_the_bar_was_held(bench, monkeypatch, ratio, code):
    points = ratio * MIN_POINTS_PER_SECOND
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(data_throughput, "measure", lambda *_: 4 * LENGTH / points)
    found, text, _ = bench("data-throughput", "--batch-size", 4)
    assert found == code
    assert f"{points / 1e6:.2f}" in text


@pytest.mark.parametrize(("trained", "text"), [(1.0, "windows limit"), (3.0, "training limits")])
def test_it_is_told_what_training_waits_for(bench, monkeypatch, trained, text):
    seconds = iter([1e-3, 1.0, 2.0, trained])  # synthetic, stream, prepared, training
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(data_throughput, "measure", lambda *_: next(seconds))
    assert text in bench("data-throughput", "--batch-size", 2)[1]


def test_what_else_runs_on_the_core_does_not_count(monkeypatch):
    monkeypatch.setattr(data_throughput, "perf_counter", lambda: pytest.fail("by the clock"))
    own = iter([0.0, 9.0, 10.0, 12.0, 20.0, 24.0, 30.0, 33.0])
    monkeypatch.setattr(data_throughput, "process_time", lambda: next(own))
    assert measure(lambda: None, 3, CPU) == 3.0


def test_threads_are_left_as_they_were(bench, corpus):
    before = torch.get_num_threads()
    bench("data-throughput", "--batch-size", 2, "--rounds", 1, "--corpus", corpus)
    assert torch.get_num_threads() == before
