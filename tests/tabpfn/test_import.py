import subprocess
import sys

import pytest


def imported_by(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE)
    return set(done.stdout.decode().split())


def test_the_package_needs_neither_tabpfn_nor_an_ecosystem_before_it_is_used():
    names = imported_by("import ttm_tabpfn")
    assert not names & {"gluonts", "sktime", "tabpfn", "tabpfn_time_series", "torch"}


def test_the_forecaster_does_without_gluonts():
    pytest.importorskip("sktime", reason="needs the extra sktime")
    names = imported_by("from ttm_tabpfn import TabPFNForecaster")
    assert "sktime" in names
    assert not names & {"gluonts", "tabpfn"}


def test_the_predictor_does_without_sktime():
    pytest.importorskip("gluonts", reason="needs the extra gluonts")
    names = imported_by("from ttm_tabpfn import TabPFNPredictor")
    assert "gluonts" in names
    assert not names & {"sktime", "tabpfn"}
