import pytest

pytest.importorskip("gluonts", reason="needs the extra gluonts")

import numpy as np
import pandas as pd
from gluonts.dataset.common import ListDataset

from tests.forecasting.conftest import make_forecaster
from ttm_estimators import Forecaster, save_network
from ttm_gluonts import TTMPredictor


@pytest.fixture(scope="session")
def forecaster() -> Forecaster:
    """An untrained network: 64 points of context, 12 of horizon, five quantiles."""
    return make_forecaster()


@pytest.fixture(scope="session")
def model_folder(forecaster, tmp_path_factory):
    return save_network(forecaster.network, tmp_path_factory.mktemp("weights"))


@pytest.fixture
def predictor(model_folder):
    return TTMPredictor(prediction_length=5, model=model_folder)


def values(length: int, seed: int = 0) -> np.ndarray:
    """A noisy wave."""
    noise = np.random.default_rng([seed, length]).normal(size=length)
    return np.sin(np.arange(length) / 3 + seed) + 0.1 * noise + seed


def entries(*lengths: int, **more: object) -> list[dict]:
    """Hourly entries of these lengths."""
    start = pd.Period("2024-01-01", freq="h")
    return [
        {"item_id": f"s{i}", "start": start, "target": values(length, i), **more}
        for i, length in enumerate(lengths)
    ]


@pytest.fixture(scope="session")
def hourly():
    """Four series of unequal lengths."""
    return ListDataset(entries(90, 40, 200, 60), freq="h")


@pytest.fixture(scope="session")
def multivariate():
    """Three series of two variates, GluonTS's way up: (variates, time)."""
    rows = [
        {
            "item_id": f"m{i}",
            "start": "2024-01-01",
            "target": np.stack([values(n, i), values(n, 9)]),
        }
        for i, n in enumerate((80, 50, 120))
    ]
    return ListDataset(rows, freq="D", one_dim_target=False)
