import subprocess
import sys

import pytest

import ttm_estimators


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"{ttm_estimators.__version__}\n", "")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("", "forecast"),
        ("example", "sales_future.csv"),
        ("forecast", "--horizon"),
        ("explain", "--holidays"),
        ("models", "--json"),
        ("backtest", "--models"),
        ("finetune", "--known"),
        ("pretrain", "--budget"),
    ],
)
def test_every_command_has_help(run, command, option):
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert option in out


def test_help_is_quick_because_it_imports_nothing_heavy():
    program = (
        "import sys, ttm_estimators.command_line\n"
        "print({'torch', 'pandas', 'numpy', 'matplotlib', 'lightning'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.split() == [b"set()"]
