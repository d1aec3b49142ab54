import pytest
from sktime.utils import check_estimator
from sktime.utils.estimator_checks import parametrize_with_checks

from ttm_sktime import TTMForecaster

pytestmark = pytest.mark.filterwarnings("ignore")  # sktime's tests look at what they warn of


@parametrize_with_checks(TTMForecaster)
def test_what_sktime_asks_of_a_forecaster_holds(obj, test_name):
    results = check_estimator(obj, tests_to_run=test_name, raise_exceptions=True, verbose=False)
    assert set(results.values()) <= {"PASSED"}


def test_no_check_is_left_out():
    assert TTMForecaster.get_class_tag("tests:skip_by_name") is None
    assert TTMForecaster.get_class_tag("tests:skip_all") in (None, False)
    assert len(TTMForecaster.get_test_params()) > 1
