import decimal

import numpy as np
import pandas as pd
import pytest

from ttm_estimators.tables import TableError
from ttm_estimators.tables.numbers import check_numbers, doubtful_dots, read_numbers


def read(*cells, dtype=object, **signs):
    column = pd.Series(list(cells), dtype=dtype, name="load")
    return check_numbers(column, read_numbers(column, **signs)).tolist()


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("1", "2.5", "-3e2", "+4"), [1, 2.5, -300, 4]),
        (("10,5", "1,25"), [10.5, 1.25]),
        (("1,000.5", "20"), [1000.5, 20]),
        (("1.000,5", "20"), [1000.5, 20]),
        (("1,234,567", "1,000"), [1234567, 1000]),
        (("1.234.567", "1.000"), [1234567, 1000]),
        (("0,125", "1,250"), [0.125, 1.25]),
        (("1 234,5", "2\u00a0345,6", "3\u202f456,7"), [1234.5, 2345.6, 3456.7]),
        (("1'234.5", "7.5"), [1234.5, 7.5]),
        (("12%", "7.5 %"), [12, 7.5]),
        (("$1,010.50", "$3.20"), [1010.5, 3.2]),
        (("10,50 €", "-3,20 €"), [10.5, -3.2]),
        (("\u22125", "5"), [-5, 5]),
        ((decimal.Decimal("1.5"), decimal.Decimal("2")), [1.5, 2]),
        (("1e400", "2"), [np.inf, 2]),
    ],
)
def test_numbers_are_read_as_people_write_them(cells, numbers):
    assert read(*cells) == numbers


@pytest.mark.parametrize("mark", ["-", "n/k", "N/A", "..", "?", " ", "", "#DIV/0!", "NULL"])
def test_marks_for_missing_values_are_missing_also_where_they_are_most(mark):
    np.testing.assert_equal(read(mark, mark, mark, "5"), [np.nan, np.nan, np.nan, 5])


def test_what_was_taken_for_what_is_told():
    column = pd.Series(["$1.000,50", "-"])
    assert read_numbers(column).notes == (
        "'-' as missing",
        "numbers without $",
        "',' as the decimal sign and '.' between thousands",
    )


@pytest.mark.parametrize("cells", [("1,000", "2,500"), ("10,500", "-1,000")])
def test_a_comma_that_may_be_either_is_refused(cells):
    with pytest.raises(TableError, match=r"may have a decimal sign.*decimal= or thousands="):
        read(*cells)
    assert read(*cells, thousands=",") == [float(cell.replace(",", "")) for cell in cells]
    assert read(*cells, decimal=",") == [float(cell.replace(",", ".")) for cell in cells]


@pytest.mark.parametrize("cell", ["x", "1,2,3x", "12:30", "1_000", "0x10", "1.2.3x", "True", "1-2"])
def test_what_is_no_number_is_named_with_its_row(cell):
    with pytest.raises(TableError, match=r"'load' is not numeric: .* in row 3"):
        read("1", "2", cell)


def test_groups_of_thousands_have_three_digits():
    with pytest.raises(TableError, match="'1,00' in row 2"):
        read("1,000", "1,00", thousands=",")


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "int8", "int64[pyarrow]", "boolean"])
def test_typed_columns_are_read(dtype):
    assert read(1, 0, dtype=dtype) == [1, 0]
    if dtype not in ("int8",):
        np.testing.assert_equal(read(1, None, dtype=dtype), [1, np.nan])


def test_only_dots_that_may_all_part_thousands_are_doubtful():
    assert doubtful_dots(pd.Series(["1.010", "20", "1.500"])) == "1.010"
    assert doubtful_dots(pd.Series(["1.010", "1.5"])) is None
    assert doubtful_dots(pd.Series(["0.010", "0.500"])) is None
    assert doubtful_dots(pd.Series(["1", "2"])) is None


@pytest.mark.parametrize("cells", [("1.500,5", "2,250.5"), ("10 12", "11 14"), ("12 34 56", "1 2")])
def test_signs_that_contradict_each_other_are_no_numbers(cells):
    with pytest.raises(TableError, match="is not numeric"):
        read(*cells)
