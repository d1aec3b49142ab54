import pytest

pytest.importorskip("sktime", reason="needs the extra sktime")

import numpy as np
import pandas as pd

from tests.forecasting.conftest import make_forecaster
from tests.tiny import PUBLISHED_KIND, TINY
from ttm_estimators import Forecaster, save_network
from ttm_sktime import TTMForecaster

RECIPE = {"steps": 2, "batch_size": 2, "warmup_steps": 1}
# Of ten steps a gain is not sure, and the first weights would be kept.
QUICK = {"steps": 50, "batch_size": 8, "learning_rate": 1e-2}
NETWORK = {
    name: getattr(TINY, name)
    for name in ("context_length", "horizon", "patch_length", "adaptive_patching_levels")
}


@pytest.fixture(scope="session")
def core() -> Forecaster:
    """An untrained network: 64 points of context, 12 of horizon, five quantiles."""
    return make_forecaster()


@pytest.fixture(scope="session")
def model(core, tmp_path_factory) -> str:
    """Its weights folder."""
    return str(save_network(core.network, tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="session")
def point_model(tmp_path_factory) -> str:
    """Weights of a network that forecasts a point only."""
    network = make_forecaster(**PUBLISHED_KIND).network
    return str(save_network(network, tmp_path_factory.mktemp("point")))


@pytest.fixture
def forecaster(model) -> TTMForecaster:
    return TTMForecaster(model, fine_tuning=QUICK)


def series(length: int, seed: int = 0, start: str = "2024-01-01", freq: str = "D") -> pd.Series:
    """A noisy wave."""
    noise = np.random.default_rng([seed, length]).normal(size=length)
    values = np.sin(np.arange(length) / 3 + seed) + 0.1 * noise + seed
    return pd.Series(values, pd.date_range(start, periods=length, freq=freq), name="wave")


def panel_of(members: dict[object, pd.Series | pd.DataFrame]) -> pd.DataFrame:
    """Long frame of named series."""
    frames = {
        key: one.to_frame("wave") if isinstance(one, pd.Series) else one
        for key, one in members.items()
    }
    return pd.concat(frames, names=["shop", "day"])


@pytest.fixture
def panel() -> pd.DataFrame:
    """Three series of unequal lengths that end on different days."""
    return panel_of(
        {
            "north": series(90, 0),
            "south": series(40, 1, "2024-01-11"),
            "east": series(7, 2, "2024-03-25"),
        }
    )
