from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.gift_eval.conftest import write_set
from ttm_benchmarks.tabpfn_comparison import contenders

WEEKS, MONTHS, BIRTHS = "ett1/W/short", "hospital/M/short", "us_births/M/short"


@pytest.fixture(scope="session")
def gift(tmp_path_factory) -> Path:
    """Two small tasks: months of two series, and weeks of three variates."""
    folder = tmp_path_factory.mktemp("gift")
    rng = np.random.default_rng(0)
    write_set(folder / "hospital", "M", [20 + rng.normal(size=84).cumsum() for _ in range(2)])
    write_set(folder / "ett1" / "W", "W-THU", [rng.normal(size=(3, 100)).cumsum(axis=1)])
    return folder


@pytest.fixture
def baseline(publish) -> Path:
    return publish("seasonal_naive", {WEEKS: (1, 0.1), MONTHS: (2, 0.2), BIRTHS: (4, 0.4)})


@contextmanager
def without_processes(*_: object):
    """Instead of processes, which take seconds to start."""

    def submit(function, *arguments, **options):
        done = Future()
        done.set_result(function(*arguments, **options))
        return done

    yield submit


@pytest.fixture
def in_process(monkeypatch) -> None:
    """Let models run in this process."""
    monkeypatch.setattr(contenders, "worker_processes", without_processes)
