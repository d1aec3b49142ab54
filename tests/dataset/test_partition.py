"""Rows of any order go to files in which each series is whole."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttm_estimators.dataset import partition as module
from ttm_estimators.dataset.forecast import forecast_file
from ttm_estimators.dataset.partition import partition
from ttm_estimators.tables import TableError

DAYS = pd.date_range("2024-01-01", periods=30)


def by_day(count: int = 20, ids=None) -> pd.DataFrame:
    """All series of a day, then those of the next."""
    names = [f"shop {i}" for i in range(count)] if ids is None else ids
    values = np.arange(len(DAYS) * len(names), dtype=float)
    ids, days = np.tile(names, len(DAYS)), np.repeat(DAYS, len(names))
    return pd.DataFrame({"unique_id": ids, "ds": days, "y": values})


def read_parts(folder) -> dict[str, pd.DataFrame]:
    return {path.name: pd.read_parquet(path) for path in sorted(folder.iterdir())}


@pytest.fixture
def little_memory(monkeypatch):
    """Rows are written and read many times."""
    monkeypatch.setattr(module, "BYTES_IN_MEMORY", 2000)
    monkeypatch.setattr("ttm_estimators.dataset.batches.ROWS_READ_AT_ONCE", 37)


@pytest.mark.usefixtures("little_memory")
def test_every_series_is_whole_and_in_order_in_one_file(tmp_path):
    table = by_day()
    table.to_parquet(tmp_path / "in.parquet", row_group_size=100)
    done = partition(tmp_path / "in.parquet", tmp_path / "out", 4)
    parts = read_parts(tmp_path / "out")
    assert (done.files, done.rows, done.series) == (4, 600, 20)
    assert sum(part["unique_id"].nunique() for part in parts.values()) == 20
    for part in parts.values():
        assert part["unique_id"].is_monotonic_increasing
    found = pd.concat(parts.values()).sort_values("unique_id", kind="stable")
    expected = table.sort_values("unique_id", kind="stable")
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True))


@pytest.mark.usefixtures("little_memory")
def test_what_is_partitioned_can_be_forecast(tmp_path):
    by_day(6).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match=r"rows of series 'shop 0' are not side by side.*ttm part"):
        forecast_file(tmp_path / "in.parquet", tmp_path / "forecast.parquet", 3)
    partition(tmp_path / "in.parquet", tmp_path / "out", 1)
    done = forecast_file(tmp_path / "out/part-00000.parquet", tmp_path / "forecast.parquet", 3)
    assert done.series == 6


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint16", "string", "category"])
def test_the_file_of_an_id_is_the_same_for_every_type_and_run(dtype, tmp_path):
    table = by_day(ids=range(8)).astype({"unique_id": dtype})
    table.to_parquet(tmp_path / "in.parquet", index=False)
    partition(tmp_path / "in.parquet", tmp_path / "out", 3)
    where = {
        str(one): int(name[5:10])
        for name, part in read_parts(tmp_path / "out").items()
        for one in part["unique_id"].unique()
    }
    assert where == {"0": 1, "1": 2, "2": 2, "3": 1, "4": 1, "5": 2, "6": 1, "7": 1}
    schema = pq.read_schema(tmp_path / "in.parquet")
    assert pq.read_schema(tmp_path / "out/part-00001.parquet").types == schema.types


def test_several_ids_and_dictionaries_of_several_files(tmp_path):
    (tmp_path / "in").mkdir()
    for i, shops in enumerate((["x", "y"], ["y", "z"])):
        frame = by_day(ids=shops).assign(item=np.arange(60) % 3).rename(columns={"unique_id": "id"})
        frame["id"] = frame["id"].astype("category")
        frame.to_parquet(tmp_path / "in" / f"{i}.parquet")
    done = partition(tmp_path / "in", tmp_path / "out", 2, id=["id", "item"])
    assert (done.rows, done.series) == (120, 9)
    found = pd.concat(read_parts(tmp_path / "out").values())
    assert sorted(found["id"].astype(str).unique()) == ["x", "y", "z"]


@pytest.mark.usefixtures("little_memory")
def test_dictionaries_of_many_files_may_have_more_values_than_each_has(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(3):
        names = [f"{i}-{k}" for k in range(100)]
        frame = by_day(ids=names).astype({"unique_id": "category"})
        frame.to_parquet(tmp_path / "in" / f"{i}.parquet", index=False)
    assert partition(tmp_path / "in", tmp_path / "out", 1).series == 300
    (found,) = read_parts(tmp_path / "out").values()
    assert found["unique_id"].nunique() == 300
    assert isinstance(found["unique_id"].dtype, pd.CategoricalDtype)


def two_files(folder, column: str, values) -> None:
    """Files of other ids whose columns have the types of some values."""
    (folder / "in").mkdir()
    for i, value in enumerate(values):
        value = value if isinstance(value, pa.Scalar) else pa.scalar(value)
        own = {"unique_id": pa.scalar(f"{i}"), "ds": pa.scalar(DAYS[0]), "y": pa.scalar(1.5)}
        columns = {name: pa.repeat(one, 2) for name, one in (own | {column: value}).items()}
        pq.write_table(pa.table(columns), folder / "in" / f"{i}.parquet")


NAIVE, ZONED = pd.Timestamp("2024-02-29 05:00"), pd.Timestamp("2024-02-29 05:00", tz="Asia/Tokyo")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("ds", (NAIVE, 20240229)),
        ("ds", (20240229, NAIVE)),
        ("ds", (NAIVE, ZONED)),
        ("ds", (ZONED, NAIVE)),
        ("ds", (ZONED, ZONED.tz_convert("UTC"))),
        ("ds", (NAIVE.date(), NAIVE)),
        ("unique_id", (7, "007")),
        ("unique_id", ("7", 7)),
        ("y", (pa.scalar(1.0, pa.float32()), 1e300)),
        ("y", (True, 2.5)),
        ("y", (2, True)),
        ("y", (1.5, "1.5")),
    ],
    ids=str,
)
def test_columns_of_another_kind_in_a_later_file_are_refused(column, values, tmp_path):
    two_files(tmp_path, column, values)
    with pytest.raises(TableError, match=rf"1\.parquet: column '{column}' is of type .*same types"):
        partition(tmp_path / "in", tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("ds", (pa.scalar(NAIVE, pa.timestamp("ns")), pa.scalar(NAIVE, pa.timestamp("ms")))),
        ("unique_id", (pa.scalar(7, pa.int32()), 8)),
        ("unique_id", ("7", pa.scalar("8", pa.large_string()))),
        ("y", (1.5, pa.scalar(2.5, pa.float32()))),
        ("y", (1.5, 2)),
        ("y", (1.5, pa.scalar(None))),
    ],
    ids=str,
)
def test_columns_of_the_same_kind_become_of_the_first_type(column, values, tmp_path):
    two_files(tmp_path, column, values)
    partition(tmp_path / "in", tmp_path / "out", 1)
    found = pq.read_table(tmp_path / "out/part-00000.parquet").column(column)
    first, later = values
    assert found.type == pq.read_schema(tmp_path / "in/0.parquet").field(column).type
    expected = [getattr(one, "as_py", lambda one=one: one)() for one in (first, later)]
    assert found.to_pylist()[::2] == expected


def test_numbers_that_do_not_fit_the_first_type_are_refused(tmp_path):
    two_files(tmp_path, "y", (1, 2.5))
    with pytest.raises(TableError, match=r"1\.parquet has columns of other types"):
        partition(tmp_path / "in", tmp_path / "out", 1)


def test_text_and_dictionaries_of_text_are_alike(tmp_path):
    (tmp_path / "in").mkdir()
    by_day(2).to_parquet(tmp_path / "in/0.parquet")
    by_day(ids=["x"]).astype({"unique_id": "category"}).to_parquet(tmp_path / "in/1.parquet")
    assert partition(tmp_path / "in", tmp_path / "out", 1).series == 3


def test_csv_keeps_ids_as_they_are_written(tmp_path):
    by_day(ids=["007", "7", "NA"]).to_csv(tmp_path / "in.csv", index=False)
    by_day(ids=["007", "7", "NA"]).to_csv(tmp_path / "more.csv.gz", index=False)
    for name in ("in.csv", "more.csv.gz"):
        partition(tmp_path / name, tmp_path / name[:2], 1)
        (found,) = read_parts(tmp_path / name[:2]).values()
        assert list(found["unique_id"].unique()) == ["007", "7", "NA"]
        assert list(found["y"].head(3)) == [0.0, 3.0, 6.0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_of_csv_files_have_a_type_that_fits_them_all(tmp_path, separator):
    january, february = by_day(2), by_day(2)
    january["visits"], january["note"] = 5, np.nan
    february["visits"], february["note"] = [np.nan, *range(2 * 30 - 1)], "x"
    february["ds"] += pd.Timedelta("6h")
    for name, frame in (("a", january), ("b", february)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False, sep=separator)
    partition(tmp_path / "*.csv", tmp_path / "out", 1)
    (found,) = read_parts(tmp_path / "out").values()
    visits = [*january["visits"], *february["visits"]]
    assert sorted(found["visits"].dropna()) == sorted(pd.Series(visits).dropna())
    assert found["note"].value_counts().to_dict() == {"": 60, "x": 60}
    assert sorted(found["ds"]) == sorted([*january["ds"], *february["ds"]])


def test_lines_before_the_header_of_a_csv_file_are_passed_over(tmp_path):
    (tmp_path / "in.csv").write_text("Sales of 2024\n\n" + by_day(2).to_csv(index=False))
    partition(tmp_path / "in.csv", tmp_path / "out", 1)
    (found,) = read_parts(tmp_path / "out").values()
    assert len(found) == 60


def test_an_empty_csv_file_is_named(tmp_path):
    (tmp_path / "in.csv").touch()
    with pytest.raises(TableError, match=r"in\.csv is empty: remove it"):
        partition(tmp_path / "in.csv", tmp_path / "out", 1)


def test_hive_columns_become_columns(tmp_path):
    for region in ("north", "south"):
        (tmp_path / f"in/region={region}").mkdir(parents=True)
        by_day(2).to_parquet(tmp_path / f"in/region={region}/part.parquet")
    done = partition(tmp_path / "in", tmp_path / "out", 1, id=["region", "unique_id"])
    assert done.series == 4
    (found,) = read_parts(tmp_path / "out").values()
    assert list(found["region"].unique()) == ["north", "south"]


def test_an_output_on_another_system(tmp_path):
    by_day(4).to_parquet(tmp_path / "in.parquet")
    partition(tmp_path / "in.parquet", "memory://parts", 1)
    assert len(pd.read_parquet("memory://parts/part-00000.parquet")) == 120


def test_what_can_not_be_partitioned_is_refused(tmp_path):
    by_day(2).to_parquet(tmp_path / "in.parquet")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(TableError, match="not empty: choose another folder"):
        partition(tmp_path / "in.parquet", tmp_path / "full", 2)
    with pytest.raises(TableError, match="has no column 'shop', only 'unique_id'"):
        partition(tmp_path / "in.parquet", tmp_path / "out", 2, id=["shop"])
    by_day(2).rename(columns={"unique_id": "shop"}).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match=r"no column .* usual name of an id.*with id="):
        partition(tmp_path / "in.parquet", tmp_path / "out", 2)
    by_day(2, ids=["a", None]).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TableError, match="column 'unique_id' is empty"):
        partition(tmp_path / "in.parquet", tmp_path / "out", 2)
    (tmp_path / "two").mkdir()
    by_day(2).to_parquet(tmp_path / "two/a.parquet")
    by_day(2).assign(more=1).to_parquet(tmp_path / "two/b.parquet")
    with pytest.raises(TableError, match=r"b\.parquet has other columns .*'more'"):
        partition(tmp_path / "two", tmp_path / "out", 2)
    with pytest.raises(TableError, match="files must be a whole number from 1 on, got 0"):
        partition(tmp_path / "two", tmp_path / "out", 0)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))


def test_nested_columns_travel_along(tmp_path):
    ids = pa.array(["b", "a"] * 5)
    table = pa.table({"id": ids, "tags": [[1, 2]] * 10, "y": np.arange(10.0)})
    pq.write_table(table, tmp_path / "in.parquet")
    partition(tmp_path / "in.parquet", tmp_path / "out", 1)
    found = pq.read_table(tmp_path / "out/part-00000.parquet")
    assert found.column("tags").to_pylist() == [[1, 2]] * 10
