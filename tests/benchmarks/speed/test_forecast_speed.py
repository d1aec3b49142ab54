import time

from ttm_benchmarks.speed.forecast_speed import ROUNDS, in_turns


def test_sides_take_turns_and_a_first_round_does_not_count():
    calls = []

    def slow_at_first():
        time.sleep(0.0 if "slow" in calls else 0.5)
        calls.append("slow")

    seconds = in_turns({"slow": slow_at_first, "fast": lambda: calls.append("fast")})
    assert calls == ["slow", "fast"] * (ROUNDS + 1)
    assert 0 < seconds["slow"] < 0.5
