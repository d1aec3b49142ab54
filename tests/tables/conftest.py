from pathlib import Path

import pytest

import ttm_estimators
from tests.command_line.conftest import Run
from tests.command_line.conftest import run as run_command
from tests.tiny import tiny_network
from ttm_estimators import Forecaster, save_network


@pytest.fixture
def run() -> Run:
    """Run ``ttm`` with some arguments; what would be a traceback fails the test."""
    return run_command


@pytest.fixture(scope="session")
def model() -> Forecaster:
    """A tiny network with three quantiles and random weights."""
    return Forecaster(tiny_network(horizon=8, quantile_levels=(0.1, 0.5, 0.9)))


@pytest.fixture(scope="session")
def folder(model: Forecaster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its weights."""
    return save_network(model.network, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def shipped() -> Forecaster:
    """The weights that ship."""
    return ttm_estimators.load()
