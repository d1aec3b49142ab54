import pytest

pytest.importorskip("fev", reason="needs the extra fev")

import fev
import numpy as np
import pandas as pd

from ttm_estimators import load
from ttm_estimators.example import FILES

LEVELS = [0.05, 0.5, 0.9]
KNOWN = ["price", "promotion"]
SHOPS = ["north", "south", "west"]


@pytest.fixture(scope="session")
def shipped():
    return load()


@pytest.fixture(scope="session")
def sales():
    """The example, with columns that can not count."""
    frame = pd.read_csv(FILES[0], parse_dates=["date"])
    frame["visitors"] = 2.0 * frame["sales"]
    frame["weather"] = np.where(frame["date"].dt.day < 15, "dry", "wet")
    frame["region"] = frame["shop"].map({"north": "a", "south": "b", "west": "a"})
    return frame


@pytest.fixture(scope="session")
def make_task(tmp_path_factory):
    """Write a frame as Parquet and make a task of it."""

    def make(frame: pd.DataFrame, **options: object) -> fev.Task:
        path = tmp_path_factory.mktemp("data") / "data.parquet"
        frame.to_parquet(path)
        defaults = {
            "horizon": 14,
            "num_windows": 3,
            "seasonality": 7,
            "eval_metric": "SQL",
            "quantile_levels": LEVELS,
            "id_column": "shop",
            "timestamp_column": "date",
            "target": "sales",
        }
        return fev.Task(str(path), **(defaults | options))

    return make


@pytest.fixture(scope="session")
def task(make_task, sales):
    return make_task(sales)


@pytest.fixture(scope="session")
def known_task(make_task, sales):
    return make_task(sales, known_dynamic_columns=KNOWN)
