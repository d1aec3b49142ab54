import pytest

from tests.tiny import PUBLISHED_KIND, tiny_network
from ttm_estimators import ForecastConfig, Forecaster


def make_forecaster(aggregation_factors: tuple[int, ...] = (), **changes: object) -> Forecaster:
    return Forecaster(tiny_network(**changes), forecasting=ForecastConfig(aggregation_factors))


@pytest.fixture(scope="session")
def forecaster() -> Forecaster:
    """An untrained network in the shape of the one that ships."""
    return make_forecaster()


@pytest.fixture(scope="session")
def point_forecaster() -> Forecaster:
    """An untrained network of the published kind, without mask, scales or quantiles."""
    return make_forecaster(**PUBLISHED_KIND)
