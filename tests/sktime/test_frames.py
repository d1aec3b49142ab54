import numpy as np
import pandas as pd
import pytest

from tests.sktime.conftest import panel_of, series


def test_columns_must_be_numbers(forecaster):
    y = pd.DataFrame({"load": [1.0, 2.0, 3.0], "colour": list("rgb")}, series(3).index)
    with pytest.raises(TypeError, match="column 'colour' of y is not numeric"):
        forecaster.fit(y)
    with pytest.raises(TypeError, match="y is not numeric"):
        forecaster.fit(y["colour"])
    with pytest.raises(TypeError, match="y is not numeric"):
        forecaster.fit(y["load"] * 1j)


@pytest.mark.parametrize("dtype", ["int32", "float32", "bool", "Int64", "Float32", "boolean"])
def test_all_numeric_types_are_numbers(forecaster, dtype):
    y = pd.Series([1, 0, 1, 1], series(4).index)
    expected = forecaster.fit(y.astype(float)).predict(fh=[1])
    pd.testing.assert_series_equal(forecaster.fit(y.astype(dtype)).predict(fh=[1]), expected)


def test_dates_must_be_in_order(forecaster, panel):
    with pytest.raises(TypeError, match="the dates of y are not in order"):
        forecaster.fit(series(5).iloc[[0, 2, 1, 3]])
    rows = np.arange(len(panel))
    rows[[100, 101]] = rows[[101, 100]]
    with pytest.raises(TypeError, match="the dates of series 'south' of y are not in order"):
        forecaster.fit(panel.iloc[rows])


def test_dates_must_differ(forecaster, panel):
    with pytest.raises(ValueError, match="y has 2024-01-02 00:00:00 twice"):
        forecaster.fit(series(5).iloc[[0, 1, 1, 2]])
    with pytest.raises(ValueError, match="series 'south' of y has 2024-01-11 00:00:00 twice"):
        forecaster.fit(panel.iloc[[0, 1, 2, 90, 90, 91, 92]])


@pytest.mark.parametrize(
    ("first", "second"), [("h", "D"), ("D", "h"), ("W-SUN", "W-WED"), ("ME", "MS")]
)
def test_series_of_a_panel_must_have_one_frequency(forecaster, first, second):
    y = panel_of({"a": series(40, freq=first), "b": series(30, freq=second)})
    with pytest.raises(
        ValueError, match=f"series 'b' of y has the frequency {second} and others {first}"
    ):
        forecaster.fit(y)


def test_a_stray_date_is_named(forecaster):
    stray = series(30, 1).rename({pd.Timestamp("2024-01-20"): pd.Timestamp("2024-01-20 05:00")})
    with pytest.raises(ValueError, match="series 'b' of y has 2024-01-20 05:00:00, which is no"):
        forecaster.fit(panel_of({"a": series(40), "b": stray}))


def test_an_empty_series_of_a_panel_is_named(forecaster):
    full = series(9).to_frame()
    with pytest.raises(ValueError, match="series 1 of y is empty"):
        forecaster.fit([full, full.iloc[:0], full])
    with pytest.raises(ValueError, match="series 'b' of y is all missing"):
        forecaster.fit(panel_of({"a": full, "b": full * np.nan}))
    with pytest.raises(ValueError, match="y is empty"):
        forecaster.fit(full.iloc[:0])


def test_infinity_is_named_with_its_column(forecaster):
    y = pd.DataFrame({"load": series(9), "price": series(9) / 0})
    with pytest.raises(ValueError, match="column 'price' of y holds infinity"):
        forecaster.fit(y)


def test_series_left_out_of_a_slice_are_no_empty_series(forecaster, panel):
    part = panel.loc[["north"]]
    assert len(part.index.levels[0]) == 3
    assert set(forecaster.fit(part).predict(fh=[1]).index.get_level_values(0)) == {"north"}


def test_a_panel_that_is_a_series_is_refused_with_what_to_give(forecaster, panel):
    with pytest.raises(TypeError, match=r"y is a Series of several series.*y\.to_frame\(\)"):
        forecaster.fit(panel.iloc[:, 0])
