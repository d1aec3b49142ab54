import pytest

from ttm_benchmarks.speed import import_time
from ttm_benchmarks.speed.import_time import TORCH, seconds_in_fresh_process


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
