import subprocess
import sys

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
