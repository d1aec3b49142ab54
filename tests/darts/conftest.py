from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ttm_estimators import load
from ttm_estimators.example import FILES

if TYPE_CHECKING:  # darts is not everywhere
    from darts import TimeSeries

    from ttm_darts import TTMModel

KNOWN = ["price", "promotion"]


@pytest.fixture(scope="session")
def shipped():
    return load()


@pytest.fixture(scope="session")
def sales():
    return pd.read_csv(FILES[0], parse_dates=["date"])


def of_groups(frame: pd.DataFrame, columns) -> list[TimeSeries]:
    from darts import TimeSeries

    return TimeSeries.from_group_dataframe(
        frame, group_cols="shop", time_col="date", value_cols=columns, freq="D"
    )


@pytest.fixture(scope="session")
def series(sales):
    return of_groups(sales, "sales")


@pytest.fixture(scope="session")
def known(sales):
    return of_groups(sales, KNOWN)


@pytest.fixture
def model(shipped, series) -> TTMModel:
    from ttm_darts import TTMModel

    return TTMModel(shipped).fit(series)
