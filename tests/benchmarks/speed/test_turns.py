from itertools import count

from ttm_benchmarks.speed.turns import median_seconds, shortest_seconds, timer


def test_timers_take_turns_and_the_first_round_does_not_count():
    calls = []

    def call(name: str) -> float:
        calls.append(name)
        return 1000.0 if len(calls) <= 2 else float(len(calls))

    seconds = median_seconds({"a": lambda: call("a"), "b": lambda: call("b")}, 3)
    assert calls == ["a", "b"] * 4
    assert seconds == {"a": 5.0, "b": 6.0}


def test_the_shortest_of_all_rounds_counts():
    found = iter([5.0, 1.0, 3.0, 2.0, 4.0, 6.0])
    timers = {"a": lambda: next(found), "b": lambda: next(found)}
    assert shortest_seconds(timers, 3) == {"a": 3.0, "b": 1.0}


def test_a_timer_reads_the_clock_before_and_after_the_call():
    ticks = count()
    seconds = timer(lambda: next(ticks), lambda: float(next(ticks)))
    assert (seconds(), next(ticks)) == (2.0, 3)
