import sys

import pytest

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_benchmarks.speed import training_throughput
from ttm_benchmarks.speed.training_process import CONFIG, DISTINCT_WALKS, Pace, Windows
from ttm_benchmarks.speed.training_throughput import COMPILED, EAGER, THEIRS, Side

CALLS = []


class Fake:
    """A side that is slow at first."""

    def __init__(self, name, *_):
        self.name = name
        self.parameters = 7

    def seconds(self):
        CALLS.append(self.name)
        speed = {THEIRS: 1.0, EAGER: 0.8, COMPILED: 0.5}[self.name]
        return speed if CALLS.count(self.name) > 1 else 100.0

    def stop(self):
        pass


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def test_a_process_trains_a_round_when_it_is_asked_to():
    side = Side(EAGER, sys.executable, (2, 1, 2), 1)
    try:
        assert side.parameters == 805_280
        assert side.seconds() > 0
        assert side.seconds() > 0
        with pytest.raises((ValueError, BrokenPipeError)):
            side.seconds()
    finally:
        side.stop()


def test_a_process_that_can_not_train_is_told():
    with pytest.raises(ValueError, match="the process has stopped"):
        Side(THEIRS, sys.executable, (2, 1, 1), 1)


def test_a_step_is_timed_from_when_it_is_asked_for(monkeypatch, capsys):
    lines = iter("ab")
    monkeypatch.setattr(sys, "stdin", type("Lines", (), {"readline": lambda: next(lines)}))
    pace = Pace(2)
    for _ in range(3):
        pace.begin_step()
        pace.end_step()
    assert next(lines, None) is None  # two rounds were asked for, and one has ended
    assert len(capsys.readouterr().out.split()) == 1


def test_windows_come_again():
    windows = Windows(2 * DISTINCT_WALKS)
    past, future, _ = windows[[DISTINCT_WALKS + 3, 5]]
    assert past.shape == (2, CONFIG.context_length)
    assert future.shape == (2, CONFIG.horizon)
    assert past.equal(windows[[3, DISTINCT_WALKS + 5]].past)


@pytest.mark.parametrize(("bar", "code"), [(2.0, 0), (2.1, 1)])
def test_the_exit_code_tells_whether_the_bar_was_held(bench, monkeypatch, bar, code):
    monkeypatch.setattr(training_throughput, "Side", Fake)
    monkeypatch.setattr(training_throughput, "MIN_SPEEDUP", bar)
    found, text, _ = bench("training-throughput", "--granite", sys.executable)
    assert found == code
    assert "2.00" in text


def test_networks_of_different_sizes_are_not_compared(bench, monkeypatch):
    class Larger(Fake):
        def __init__(self, name, *_):
            super().__init__(name)
            self.parameters = len(name)

    monkeypatch.setattr(training_throughput, "Side", Larger)
    code, _, err = bench("training-throughput", "--granite", sys.executable)
    assert code == 2
    assert "differ in size" in err


def test_a_missing_environment_is_told_with_how_to_make_it(bench):
    code, _, err = bench("training-throughput", "--granite", "no/bin/python")
    assert (code, err.count("\n")) == (2, 1)
    assert "make no/.installed" in err
