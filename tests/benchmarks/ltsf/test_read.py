import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.ltsf.read import find_dataset, read_dataset, standardise


@pytest.mark.parametrize("name", ["exchange_rate.csv", "Exchange.csv", "Exchange.parquet"])
def test_a_dataset_is_found_under_its_original_name_and_ours(tmp_path, name):
    (tmp_path / name).touch()
    assert find_dataset(tmp_path, "Exchange") == tmp_path / name


def test_when_a_dataset_is_not_there_then_the_names_that_were_looked_for_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"looked for Weather\.csv, .*weather\.parquet"):
        find_dataset(tmp_path, "Weather")


def test_an_unknown_dataset_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"unknown dataset 'ETTh3'.*ETTh1"):
        find_dataset(tmp_path, "ETTh3")


def test_csv_and_parquet_give_the_same_channels_without_dates(tmp_path):
    table = pd.DataFrame({"date": ["2016-07-01", "2016-07-02"], "a": [1.5, 2.0], "OT": [3, 4]})
    table.to_csv(tmp_path / "one.csv", index=False)
    table.to_parquet(tmp_path / "one.parquet")
    for suffix in ("csv", "parquet"):
        np.testing.assert_array_equal(
            read_dataset(tmp_path / f"one.{suffix}"), [[1.5, 3.0], [2.0, 4.0]]
        )


@pytest.mark.parametrize("cell", ["word", ""])
def test_a_column_that_is_no_number_or_has_gaps_is_named(tmp_path, cell):
    (tmp_path / "one.csv").write_text(f"date,good,bad\n1,1.0,{cell}\n2,2.0,2.0\n")
    with pytest.raises(ValueError, match="column bad must hold numbers"):
        read_dataset(tmp_path / "one.csv")


def test_scaling_is_fitted_on_the_training_part_with_the_population_deviation():
    values = np.array([[1.0, 5.0], [3.0, 5.0], [100.0, 6.0]])
    # Mean 2 and deviation 1; a constant channel is only centred.
    np.testing.assert_array_equal(standardise(values, 2), [[-1, 0], [1, 0], [98, 1]])
