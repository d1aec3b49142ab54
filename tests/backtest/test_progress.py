from ttm_estimators.backtest import progress as module
from ttm_estimators.backtest.progress import Progress


def clocked(monkeypatch, *seconds):
    times = iter([0.0, *seconds])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))


def test_the_time_left_counts_each_model_at_its_own_speed(monkeypatch):
    clocked(monkeypatch, 1.0, 11.0)
    told = Progress(["fast", "slow"], 10, show=False)
    told.advance("fast", 1)
    assert told.left() == "19 s"  # of the other nothing is known yet
    told.advance("slow", 1)
    assert told.left() == "99 s"


def test_what_is_there_already_takes_no_time(monkeypatch):
    clocked(monkeypatch, 5.0, 7.0)
    told = Progress(["a"], 4, show=False)
    told.skip("a", 2)
    told.advance("a", 1)
    assert told.left() == "2 s"


def test_training_says_nothing_of_how_fast_a_model_forecasts(monkeypatch):
    clocked(monkeypatch, 100.0, 101.0)
    told = Progress(["a"], 6, show=False)
    told.train("a")
    told.advance("a", 2)
    told.advance("a", 2)
    assert told.left() == "1 s"
    assert told.trained == {"a"}


def test_long_times_are_told_in_minutes_and_hours(monkeypatch):
    clocked(monkeypatch, 60.0)
    told = Progress(["a"], 11, show=False)
    told.advance("a", 1)
    assert told.left() == "10 min"
    told.total = 181
    assert told.left() == "3.0 h"
