import pandas as pd
import pytest

from ttm_estimators.regression.calendar import calendar_features

pytest.importorskip("holidays", reason="holidays need the extra of that name")


@pytest.mark.parametrize(
    ("country", "said"),
    [
        ("Germny", "similar are 'DE'"),
        ("D", "similar are"),
        ("US-CAL", "similar are 'US-CA'"),
        ("Xyzzy", "see holidays.list_supported_countries"),
    ],
)
def test_an_unknown_country_is_told_with_codes_like_it(country, said):
    with pytest.raises(ValueError, match=f"no holidays of '{country}' are known: .*{said}"):
        calendar_features(pd.date_range("2024-06-01", periods=9), country)
