import sys

import pytest

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_benchmarks.speed import tuning_process, tuning_throughput
from ttm_benchmarks.speed.training_throughput import OURS, THEIRS, Side
from ttm_benchmarks.speed.tuning_process import LENGTH, ours, walk


def test_our_side_trains_decoder_and_head_on_the_windows_that_were_asked_for():
    trained, tune = ours(windows=40, passes=2, batch_size=4)
    assert 0 < trained < 805_280
    tune()  # it checks windows and steps by itself
    assert len(walk(40)) == 40 + LENGTH - 1


def test_a_process_fine_tunes_when_it_is_asked_to():
    side = Side(OURS, sys.executable, (8, 1, 4), 1, tuning_process.__name__)
    try:
        assert side.seconds() > 0
    finally:
        side.stop()


class Fake:
    def __init__(self, name, *_):
        self.name = name
        self.parameters = 7

    def seconds(self):
        return {THEIRS: 1.0, OURS: 0.4}[self.name]

    def stop(self):
        pass


@pytest.mark.parametrize(("bar", "code"), [(2.5, 0), (2.6, 1)])
def test_the_exit_code_tells_whether_the_bar_was_held(bench, monkeypatch, bar, code):
    monkeypatch.setattr(tuning_throughput, "Side", Fake)
    monkeypatch.setattr(tuning_throughput, "MIN_SPEEDUP", bar)
    found, text, _ = bench("tuning-throughput", "--granite", sys.executable)
    assert (found, "2.50" in text) == (code, True)


def test_a_missing_environment_is_told(bench):
    code, _, err = bench("tuning-throughput", "--granite", "no/bin/python")
    assert (code, "make no/.installed" in err) == (2, True)
