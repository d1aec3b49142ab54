import pandas as pd
import pytest

from ttm_estimators.example import FILES

MAX_BYTES = 150_000


def test_the_files_that_ship_are_what_the_script_makes():
    pytest.importorskip("holidays", reason="the script needs the extra holidays")
    from ttm_estimators.example.make_sales import make_sales

    for file, frame in zip(FILES, make_sales(), strict=True):
        assert file.stat().st_size < MAX_BYTES
        pd.testing.assert_frame_equal(pd.read_csv(file, parse_dates=["date"]), frame)


def test_the_future_has_the_covariates_of_the_days_after_the_histories():
    history, future = (pd.read_csv(file, parse_dates=["date"]) for file in FILES)
    assert list(future) == [name for name in history if name != "sales"]
    for shop, ahead in future.groupby("shop"):
        last = history.loc[history["shop"] == shop, "date"].max()
        assert list(ahead["date"]) == list(pd.date_range(last, periods=29)[1:])
        assert ahead[["price", "promotion"]].nunique().gt(1).all()
