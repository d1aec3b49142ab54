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
