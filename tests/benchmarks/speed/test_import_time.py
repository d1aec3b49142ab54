import pytest

from ttm_benchmarks.speed import import_time
from ttm_benchmarks.speed.import_time import OURS, TORCH, measure, seconds_in_fresh_process


def test_statements_take_turns_and_the_first_round_does_not_count():
    calls = []

    def seconds(statement: str) -> float:
        calls.append(statement)
        return 1000.0 if len(calls) <= 3 else float(len(calls))

    medians = measure(3, seconds)
    assert calls == [TORCH, *OURS] * 4
    # Torch was called 4th, 7th and 10th.
    assert medians == {TORCH: 7.0, OURS[0]: 8.0, OURS[1]: 9.0}


def test_a_fresh_process_times_the_statement():
    assert 0 <= seconds_in_fresh_process("pass") < seconds_in_fresh_process("sum(range(10**6))")


@pytest.mark.parametrize(("ours", "code"), [(2.4, 0), (2.5, 1)])
def test_the_exit_code_tells_whether_the_bar_was_held(bench, monkeypatch, ours, code):
    monkeypatch.setattr(
        import_time, "seconds_in_fresh_process", lambda name: 2.0 if name == TORCH else ours
    )
    found, text, _ = bench("import-time", "--runs", "1")
    assert found == code
    assert f"{ours / 2:.2f}" in text
