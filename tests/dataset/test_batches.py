"""Batches are whole series in the order of the file, however it is stored."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttm_estimators.dataset import batches
from ttm_estimators.dataset.batches import hashes_of, open_parquet, whole_series
from ttm_estimators.dataset.unit import Unit
from ttm_estimators.tables import TableError


def series(seed: int) -> pd.DataFrame:
    """Series of random lengths, sorted by two ids."""
    r = np.random.default_rng(seed)
    sizes = r.integers(1, 30, 40)
    shops, items = np.repeat(np.arange(40) // 7, sizes), np.repeat(np.arange(40), sizes)
    return pd.DataFrame({"shop": shops, "item": items, "y": np.arange(len(items))})


def read(path, groups=None) -> list[batches.Batch]:
    unit = Unit(str(path), "out.parquet", groups)
    with open_parquet(str(path)) as file:
        return list(whole_series(file, unit, ["shop", "item"], ["shop", "item", "y"]))


@pytest.fixture(autouse=True)
def _few_series(monkeypatch):
    monkeypatch.setattr(batches, "SERIES_IN_A_BATCH", 6)
    monkeypatch.setattr(batches, "ROWS_IN_A_BATCH", 70)


@pytest.mark.parametrize("seed", range(8))
def test_batches_do_not_depend_on_row_groups_or_record_batches(seed, tmp_path, monkeypatch):
    table, r = series(seed), np.random.default_rng(seed)
    found = []
    for name in "abc":
        table.to_parquet(tmp_path / name, row_group_size=int(r.integers(1, 200)))
        monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", int(r.integers(1, 120)))
        found.append(read(tmp_path / name))
    for one in found:
        assert [each.names for each in one] == [each.names for each in found[0]]
        assert pa.concat_tables(each.table for each in one).to_pandas().equals(table)
        for each in one:
            ids = each.table.select(["shop", "item"]).to_pandas()
            assert list(each.starts) == list(ids.drop_duplicates().index)
            assert len(each.names) <= 6
            last = each.only([len(each.names) - 1]).table
            assert len(each.table) - len(last) < 70


@pytest.mark.parametrize("seed", range(8))
def test_ranges_have_every_series_once(seed, tmp_path, monkeypatch):
    table, r = series(seed), np.random.default_rng(seed)
    table.to_parquet(tmp_path / "in", row_group_size=int(r.integers(5, 60)))
    monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", int(r.integers(1, 50)))
    count = pq.read_metadata(tmp_path / "in").num_row_groups
    cuts = sorted({0, count, *r.integers(0, count, 3).tolist()})
    parts = [each for groups in pairwise(cuts) for each in read(tmp_path / "in", groups)]
    assert pa.concat_tables(each.table for each in parts).to_pandas().equals(table)
    names = [name for each in parts for name in each.names]
    assert len(set(names)) == len(names) == 40


@pytest.mark.parametrize("seed", range(8))
def test_ranges_need_no_order_of_further_ids(seed, tmp_path, monkeypatch):
    table, r = series(seed), np.random.default_rng(seed)
    order = {item: i for i, item in enumerate(r.permutation(40))}
    by = table.assign(key=table["item"].map(order)).sort_values(["shop", "key"], kind="stable")
    table = by.drop(columns="key").reset_index(drop=True)
    table.to_parquet(tmp_path / "in", row_group_size=int(r.integers(5, 60)))
    monkeypatch.setattr(batches, "ROWS_READ_AT_ONCE", int(r.integers(1, 50)))
    count = pq.read_metadata(tmp_path / "in").num_row_groups
    parts = [each for i in range(count) for each in read(tmp_path / "in", (i, i + 1))]
    assert pa.concat_tables(each.table for each in parts).to_pandas().equals(table)
    assert len({name for each in parts for name in each.names}) == 40


def in_groups(path, groups: list[list[int]]) -> None:
    """Row groups of shops, each with 2 rows."""
    tables = [
        pa.table({"shop": np.repeat(shops, 2), "item": 0 * np.repeat(shops, 2), "y": shops * 2})
        for shops in groups
    ]
    with pq.ParquetWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)


def test_ranges_need_no_order_within_row_groups(tmp_path):
    in_groups(tmp_path / "in", [[2, 1, 3], [3, 6, 5, 4], [9, 8, 7]])
    names = [[n for b in read(tmp_path / "in", (i, i + 1)) for n in b.names] for i in range(3)]
    assert names == [["2, 0", "1, 0", "3, 0"], ["6, 0", "5, 0", "4, 0"], ["9, 0", "8, 0", "7, 0"]]


@pytest.mark.parametrize("groups", [[[1, 3, 2], [3, 4]], [[1, 2], [2, 3, 2]], [[1, 3], [4, 3]]])
def test_an_id_in_two_ranges_is_refused(groups, tmp_path):
    in_groups(tmp_path / "in", groups)
    read(tmp_path / "in", (0, 1))
    with pytest.raises(TableError, match=r"series '\d, 0' comes after others.*ttm partition"):
        read(tmp_path / "in", (1, 2))


@pytest.mark.parametrize("later", [1, 3, 300])
def test_an_id_that_comes_again_is_named(later, tmp_path):
    table = series(0)
    between = pd.DataFrame({"shop": range(100, 100 + later), "item": 0, "y": 0})
    again = table[(table["shop"] == 2) & (table["item"] == 17)]
    pd.concat([table, between, again]).to_parquet(tmp_path / "in")
    with pytest.raises(TableError, match=r"rows of series '2, 17' are not side by side"):
        read(tmp_path / "in")


def test_some_series_of_a_batch_are_their_rows(tmp_path):
    series(0).to_parquet(tmp_path / "in")
    batch = read(tmp_path / "in")[0]
    chosen = batch.only([0, 2])
    assert chosen.names == (batch.names[0], batch.names[2])
    assert chosen.table.slice(0, chosen.starts[1]).equals(batch.only([0]).table)
    assert chosen.table.slice(chosen.starts[1]).equals(batch.only([2]).table)


def test_a_hash_is_of_the_text_and_parts_ids():
    assert hashes_of([(7,)]) == hashes_of([("7",)])
    assert hashes_of([("a", "bc")]) != hashes_of([("ab", "c")])
    assert hashes_of([("shop 1",)]).tolist() == [8490713589011311114]
