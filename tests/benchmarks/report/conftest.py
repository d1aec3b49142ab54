from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.conftest import write_results
from tests.browser import browser, tab, visit  # noqa: F401
from ttm_benchmarks.gift_eval.costs import Costs, add_costs
from ttm_benchmarks.gift_eval.examples import add_example
from ttm_benchmarks.report.run import run
from ttm_estimators.network.presets import DECILES

HOURS, LONG, WEEKS, MONTHS = (
    "loop_seattle/H/short",
    "loop_seattle/H/long",
    "ett1/W/short",
    "hospital/M/short",
)


def example(level: float) -> pd.DataFrame:
    """A history of twelve days and a forecast of four."""
    value = level + np.sin(np.arange(16.0))
    time = pd.date_range("2024-02-18", periods=16, freq="D")
    table = pd.DataFrame({"item_id": "a", "time": time, "value": value})
    ahead = np.arange(16) >= 12
    for decile in DECILES:
        table[str(decile)] = np.where(ahead, level + decile - 0.5, np.nan)
    return table


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> list[Path]:
    """Results of a model that was measured, and of three that were published."""
    folder = tmp_path_factory.mktemp("results")
    ours = write_results(
        folder / "ours" / "Ours",
        {HOURS: (1.0, 0.10), LONG: (2.0, 0.30), WEEKS: (3.0, 0.20), MONTHS: (0.5, 0.05)},
        parameters=1_000_000,
        weights_sha256="abc",
        training_seed=7,
        ttm_estimators="1.2.3",
        machine="2 cores",
    )
    for number, task in enumerate((HOURS, LONG, WEEKS, MONTHS), start=1):
        add_costs(ours, task, Costs(10 * number, 0.1, 100.0))
        add_example(ours, task, example(number))
    published = folder / "published"
    write_results(
        published / "seasonal_naive",
        {HOURS: (2.0, 0.2), LONG: (2.0, 0.4), WEEKS: (2.0, 0.2), MONTHS: (1.0, 0.2)},
    )
    write_results(
        published / "tabpfn_ts",
        {HOURS: (1.5, 0.09), LONG: (1.0, 0.35), WEEKS: (2.5, 0.15), MONTHS: (0.9, 0.1)},
        parameters=11_000_000,
    )
    write_results(
        published / "Big",
        {HOURS: (1.2, 0.08), LONG: (1.1, 0.25), WEEKS: (3.5, 0.3), MONTHS: (0.9, 0.3)},
        parameters=2_500_000_000,
    )
    return [ours, published]


@pytest.fixture(scope="session")
def page(results, tmp_path_factory) -> Path:
    """The report of these results."""
    output = tmp_path_factory.mktemp("report")
    run(
        results,
        output,
        baseline="seasonal_naive",
        against="tabpfn_ts",
        patterns=["*"],
        parameters={},
    )
    return output / "index.html"
