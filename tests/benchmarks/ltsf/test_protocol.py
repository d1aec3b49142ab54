import pytest

from ttm_benchmarks.ltsf.protocol import borders
from ttm_benchmarks.ltsf.windows import window_count


@pytest.mark.parametrize(
    ("dataset", "rows", "horizon", "windows"),
    [
        ("ETTh1", 17420, 96, 2785),
        ("ETTh2", 17420, 720, 2161),
        ("ETTm1", 69680, 96, 11425),
        ("ETTm2", 69680, 720, 10801),
        ("Weather", 52696, 96, 10444),
        ("Electricity", 26304, 96, 5165),
        ("Traffic", 17544, 96, 3413),
        ("Exchange", 7588, 96, 1422),
    ],
)
def test_the_published_number_of_test_windows(dataset, rows, horizon, windows):
    assert window_count(borders(dataset, rows), horizon) == windows


def test_ett_has_borders_of_months_and_leaves_the_rest_unused():
    assert borders("ETTh1", 17420) == (8640, 11520, 14400)
    assert borders("ETTm2", 69680) == (34560, 46080, 57600)


def test_other_datasets_have_borders_of_shares():
    assert borders("Weather", 1001) == (700, 801, 1001)


def test_when_ett_is_too_short_then_it_says_how_many_rows_are_needed():
    with pytest.raises(ValueError, match="ETTh1 has 14399 rows, but its borders need 14400"):
        borders("ETTh1", 14399)
