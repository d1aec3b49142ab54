"""sktime's own tests of a forecaster, with a stand-in for the network: they ask 890 times."""

import numpy as np
import pytest

pytest.importorskip("sktime", reason="needs the extra sktime")

from sktime.utils.estimator_checks import check_estimator, parametrize_with_checks

from ttm_tabpfn import TabPFNForecaster
from ttm_tabpfn.model import TabPFNTS

pytestmark = pytest.mark.filterwarnings("ignore")  # sktime's tests look at what they warn of


def last_values(self, histories, levels, *, calendar):
    """Repeat the last value, with a band of one."""
    found = []
    for values_T, times_S, covariates_SX in histories:
        assert len(covariates_SX) == len(times_S)
        assert not np.isnan(covariates_SX).any()
        horizon = len(times_S) - len(values_T)
        last = values_T[~np.isnan(values_T)][-1]
        found.append(np.tile(last + np.array(levels) - 0.5, (horizon, 1)))
    return np.stack(found)


@parametrize_with_checks(TabPFNForecaster)
def test_what_sktime_asks_of_a_forecaster_holds(obj, test_name, monkeypatch):
    monkeypatch.setattr(TabPFNTS, "forecast", last_values)
    monkeypatch.setattr(TabPFNTS, "facts", lambda self: {})
    results = check_estimator(obj, tests_to_run=test_name, raise_exceptions=True, verbose=False)
    assert set(results.values()) <= {"PASSED"}
