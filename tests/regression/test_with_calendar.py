import numpy as np
import pandas as pd
import pytest

from ttm_estimators import Covariates
from ttm_estimators.regression.calendar import calendar_features
from ttm_estimators.regression.with_calendar import with_calendar

DAYS = pd.period_range("2024-12-01", periods=40, freq="D")
CALENDAR = calendar_features(DAYS)


def test_a_calendar_stands_beside_what_is_known():
    known = pd.DataFrame({"price": np.arange(45.0)})
    found = with_calendar(Covariates(known=known, static=[3]), calendar_features(DAYS, "DE"), "y")
    calendar = calendar_features(DAYS, "DE")
    assert list(found.known) == ["price", *calendar]
    np.testing.assert_array_equal(found.known["price"], np.arange(40.0))
    np.testing.assert_array_equal(found.known[calendar.columns], calendar)
    assert found.static == [3]
    assert len(known) == 45


def test_without_known_covariates_the_calendar_is_all():
    found = with_calendar(Covariates(), CALENDAR, "y")
    np.testing.assert_array_equal(found.known, calendar_features(DAYS))


def test_an_array_keeps_its_numbers_as_names():
    found = with_calendar(Covariates(known=np.ones((40, 2))), CALENDAR, "y")
    assert list(found.known)[:3] == [0, 1, "weekday=Mon"]


def test_a_future_that_is_not_known_is_told_by_its_first_date():
    with pytest.raises(ValueError, match=r"^y has no future values of .* 'price' from 2025-01-05"):
        with_calendar(Covariates(known=pd.DataFrame({"price": np.ones(35)})), CALENDAR, "y")


@pytest.mark.parametrize("name", ["weekday", "weekday=Mon"])
def test_a_part_of_the_calendar_is_no_name_of_a_covariate(name):
    known = pd.DataFrame({name: np.ones(40)})
    with pytest.raises(ValueError, match=f"y has the covariate '{name}', and so has the calendar"):
        with_calendar(Covariates(known=known), CALENDAR, "y")
