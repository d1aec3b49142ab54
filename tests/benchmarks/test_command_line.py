import os
import re
import signal
import subprocess
import sys
import time

import pytest


def test_an_unknown_model_is_one_line_and_exit_code_2(bench, tmp_path):
    code, _, error = bench("demo", "--output", tmp_path, "--model", "no-such-model")
    assert code == 2
    assert error.startswith("error: unknown model 'no-such-model'")
    assert error.count("\n") == 1


def test_a_missing_library_is_one_line_with_the_pip_command(bench, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "ttm_benchmarks.demo.run", raising=False)
    monkeypatch.delitem(sys.modules, "ttm_benchmarks.demo.picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, error = bench("demo", "--output", tmp_path)
    assert code == 2
    assert "matplotlib" in error
    assert "pip install ttm-benchmarks" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("text", ["", "96,", "0", "a"])
def test_horizons_that_are_no_whole_numbers_are_refused(bench, tmp_path, text):
    code, _, error = bench(
        "ltsf", "--data", tmp_path, "--output", tmp_path / "out.csv", "--horizons", text
    )
    assert code == 2
    assert "--horizons" in error


def test_help_needs_neither_torch_nor_matplotlib():
    program = (
        "import sys\n"
        "import ttm_benchmarks.command_line\n"
        "print(sorted({'torch', 'matplotlib', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.split() == [b"[]"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_sigterm_in_the_middle_of_a_csv_file_ends_with_143(bench, monkeypatch, tmp_path):
    """Of which pandas makes a TypeError."""
    monkeypatch.setattr("ttm_benchmarks.demo.run.run", _terminated_in_a_table)
    assert bench("demo", "--output", tmp_path) == (143, "", "")


def _terminated_in_a_table(*_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    except SystemExit:
        raise TypeError("exception class must be a subclass of BaseException") from None


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("ltsf",), ("demo", "--wrong")])
def test_wrong_usage_takes_one_line(bench, arguments):
    code, _, error = bench(*arguments)
    assert code == 2
    assert re.fullmatch(r"error: .+ \(see ttm-bench.* --help\)\n", error)
