"""What a missing optional dependency is told by names the extra."""

import subprocess
import sys

import pytest

HIDING = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
hidden = {"torch", "sktime", "darts", "fev", "gluonts", "lightning"}
PathFinder.find_spec = lambda name, *rest: None if name in hidden else find(name, *rest)
"""


@pytest.mark.parametrize(
    ("extra", "program"),
    [
        ("train", "from ttm_estimators import fine_tune"),
        ("train", "from ttm_estimators import FineTuneResult"),
        ("torch", "from ttm_estimators import TinyTimeMixer"),
        ("torch", "from ttm_estimators import load_network; load_network('mine')"),
        ("torch", "from ttm_estimators import save_network; save_network(None, 'mine')"),
        ("torch", "from ttm_estimators import save_to_hub; save_to_hub('mine', 'a/b')"),
        ("sktime", "from ttm_sktime import TTMForecaster"),
        ("gluonts", "from ttm_gluonts import TTMPredictor"),
        ("gluonts", "from ttm_gluonts import TTMEstimator"),
        ("fev", "from ttm_fev import TTMModel"),
        ("fev", "from ttm_fev import predict_fev"),
        ("darts", "from ttm_darts import TTMModel"),
    ],
)
def test_the_error_is_one_sentence_with_the_extra(extra, program):
    done = subprocess.run([sys.executable, "-c", HIDING + program], capture_output=True, text=True)
    lines = done.stderr.splitlines()
    assert lines[-1].endswith(f"install it with: pip install 'ttm-estimators[{extra}]'")
    assert done.stderr.count("Error: ") == 1


def test_fine_tuning_from_the_command_line_names_its_extra():
    program = (
        f"{HIDING}sys.argv = 'ttm finetune x.csv --horizon 3 --output x'.split()\n"
        "from ttm_estimators.command_line import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "ttm-estimators[train]" in done.stderr
