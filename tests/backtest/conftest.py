from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.browser import browser, tab, visit  # noqa: F401
from ttm_estimators import cross_validation, evaluate


def series(name: str, times: pd.Index, seed: int = 0, season: int = 7) -> pd.DataFrame:
    steps = np.arange(len(times))
    noise = np.random.default_rng(seed).normal(size=len(times))
    values = 20 + 5 * np.sin(steps * 2 * np.pi / season) + noise
    return pd.DataFrame({"unique_id": name, "ds": times, "y": values})


@pytest.fixture(scope="session")
def sales() -> pd.DataFrame:
    """Three series of days, of unequal lengths and ends."""
    days = pd.date_range("2024-01-01", periods=120)
    parts = [series("north", days), series("south", days[:100], 1), series("new", days[60:], 2)]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def make_series() -> Callable[..., pd.DataFrame]:
    return series


@pytest.fixture(scope="session")
def page(sales, tmp_path_factory) -> Path:
    """The report of these series."""
    pytest.importorskip("vl_convert")
    result = evaluate(cross_validation(sales, 7, windows=4), sales)
    return result.report(tmp_path_factory.mktemp("report") / "report.html")
