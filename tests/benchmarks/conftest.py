from pathlib import Path

import pytest

from tests.tiny import tiny_network
from ttm_benchmarks.command_line import main
from ttm_estimators import save_network


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """An untrained network with deciles, on disk."""
    deciles = tuple(k / 10 for k in range(1, 10))
    network = tiny_network(quantile_levels=deciles)
    return save_network(network, tmp_path_factory.mktemp("model"))


@pytest.fixture
def bench(capsys):
    """Run ``ttm-bench`` and return its exit code, its output and its error output."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run
