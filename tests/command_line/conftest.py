from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from tests.tiny import tiny_network
from ttm_estimators import save_network
from ttm_estimators.command_line import app


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def run(*arguments: object) -> Outcome:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(name="run")
def _run() -> Run:
    """Run ``ttm`` with some arguments; what would be a traceback fails the test."""
    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny network with three quantiles and random weights."""
    network = tiny_network(horizon=8, quantile_levels=(0.1, 0.5, 0.9))
    return save_network(network, tmp_path_factory.mktemp("models") / "tiny")
