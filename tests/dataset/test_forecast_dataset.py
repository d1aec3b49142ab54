"""Promises on the shipped weights."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import ttm_estimators
from tests.dataset.test_run import contents
from ttm_estimators import TableError, TableWarning, forecast_dataset
from ttm_estimators.dataset import forecast_dataset as home
from ttm_estimators.dataset import run as module

HORIZON = 14


def panel(series: int, seed: int = 0, rows: int = 120) -> pd.DataFrame:
    draws = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=rows)
    week = np.arange(rows) % 7
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "unique_id": f"{seed}-{i:03d}",
                    "ds": days[: rows - i],
                    "y": (10 * i + 5 * (week > 4) + draws.normal(size=rows))[: rows - i],
                }
            )
            for i in range(series)
        ],
        ignore_index=True,
    )


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory):
    """Three files, and all their rows."""
    folder, frames = tmp_path_factory.mktemp("sources"), []
    for k in range(3):
        frames.append(panel(5 + k, k))
        frames[-1].to_parquet(folder / f"part-{k}.parquet", index=False)
    return folder, pd.concat(frames, ignore_index=True)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-5)


def test_a_folder_is_forecast_as_one_table_would_be(folder, tmp_path):
    source, rows = folder
    manifest = forecast_dataset(source, tmp_path, HORIZON)
    assert_same(pd.read_parquet(tmp_path), ttm_estimators.load().forecast_df(rows, HORIZON))
    assert manifest["series"].tolist() == [5, 6, 7]
    assert (manifest["network_seconds"] <= manifest["seconds"]).all()


def test_a_run_that_made_nothing_stands_in_nobodys_way(folder, tmp_path):
    source, _ = folder
    with pytest.raises(TableError, match="no column 'prise'"):
        forecast_dataset(source, tmp_path, HORIZON, known="prise")
    assert forecast_dataset(source, tmp_path, HORIZON)["series"].tolist() == [5, 6, 7]


def test_processes_write_the_same_bytes(folder, tmp_path, monkeypatch):
    source, _ = folder
    monkeypatch.setattr(module, "ONE_THREAD", {"OMP_NUM_THREADS": str(torch.get_num_threads())})
    forecast_dataset(source, tmp_path / "one", HORIZON)
    forecast_dataset(source, tmp_path / "two", HORIZON, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 3


def test_a_file_that_is_cut_is_forecast_as_one_table_would_be(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "MAX_UNIT_ROWS", 300)
    rows = panel(12)
    table = pa.Table.from_pandas(rows)
    pq.write_table(table, tmp_path / "all.parquet", row_group_size=100)
    manifest = forecast_dataset(tmp_path / "all.parquet", tmp_path / "out", HORIZON)
    assert len(manifest) > 2
    expected = ttm_estimators.load().forecast_df(rows, HORIZON)
    assert_same(pd.read_parquet(tmp_path / "out"), expected)
    # Which series share coefficients does not depend on row groups.
    whole = forecast_dataset(tmp_path / "all.parquet", tmp_path / "new", HORIZON, calendar=True)
    assert len(whole) == 1


def test_partitions_may_be_ids(folder, tmp_path):
    _, rows = folder
    for name, one in rows.groupby("unique_id"):
        path = tmp_path / f"in/shop={name}/part-0.parquet"
        path.parent.mkdir(parents=True)
        one[["ds", "y"]].to_parquet(path, index=False)
    forecast_dataset(tmp_path / "in", tmp_path / "out", HORIZON, id="shop")
    found = pd.read_parquet(tmp_path / "out")
    found["shop"] = found["shop"].astype(str)
    expected = ttm_estimators.load().forecast_df(rows, HORIZON)
    assert_same(
        found[["shop", *list(expected)[1:]]], expected.rename(columns={"unique_id": "shop"})
    )


def test_the_calendar_and_other_options_count(tmp_path):
    rows = panel(4)
    (tmp_path / "in").mkdir()
    rows.to_parquet(tmp_path / "in/a.parquet", index=False)
    options = {"calendar": True, "quantile_levels": [0.1, 0.5], "id": "unique_id"}
    forecast_dataset(tmp_path / "in", tmp_path / "out", HORIZON, **options)
    expected = ttm_estimators.load().forecast_df(rows, HORIZON, **options)
    assert_same(pd.read_parquet(tmp_path / "out"), expected)


def test_what_is_left_out_of_many_files_is_told_of_a_few_times(tmp_path):
    (tmp_path / "in").mkdir()
    for k in range(8):
        panel(2, k).assign(note=1.5).to_parquet(tmp_path / f"in/{k}.parquet", index=False)
    with pytest.warns(TableWarning) as told:
        forecast_dataset(tmp_path / "in", tmp_path / "out", HORIZON)
    texts = [str(one.message) for one in told]
    assert len(texts) == 1
    assert "0.parquet: left out: 'note'" in texts[0]


def test_forecasts_of_another_horizon_or_model_are_not_mixed(folder, tmp_path):
    source, _ = folder
    forecast_dataset(source, tmp_path / "out", HORIZON)
    with pytest.raises(TableError, match=f"a run with horizon={HORIZON}, not 3"):
        forecast_dataset(source, tmp_path / "out", 3)
    network = ttm_estimators.load().network
    with torch.no_grad():
        next(network.parameters()).add_(1e-3)
    ttm_estimators.save_network(network, tmp_path / "model")
    with pytest.raises(TableError, match="a run with weights="):
        forecast_dataset(source, tmp_path / "out", HORIZON, model=tmp_path / "model")


def test_a_process_forecasts_without_dask(folder, tmp_path):
    source, _ = folder
    code = (
        "import sys; sys.modules['distributed'] = sys.modules['dask'] = None\n"
        "import ttm_estimators\n"
        f"ttm_estimators.forecast_dataset({str(source)!r}, {str(tmp_path / 'out')!r}, 3)\n"
        "try:\n"
        f"    ttm_estimators.forecast_dataset({str(source)!r}, {str(tmp_path / 'new')!r}, 3, "
        "workers=2)\n"
        "except ImportError as error: print(error)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert 'pip install "ttm-estimators[distributed]"' in done.stdout


def test_a_folder_with_two_colons_in_its_name_is_forecast(folder, tmp_path):
    source, _ = folder
    shutil.copytree(source, tmp_path / "a::b")
    forecast_dataset(tmp_path / "a::b", tmp_path / "c::d", 3)
    assert len(forecast_dataset(tmp_path / "a::b", tmp_path / "c::d", 3)) == 3
    assert len(pd.read_parquet(tmp_path / "c::d")) == 3 * (5 + 6 + 7)


@pytest.mark.parametrize("id", ["unique_id", "shop"])
def test_a_series_in_two_files_is_told_of(tmp_path, id):
    for year in (2023, 2024):
        (tmp_path / f"in/year={year}").mkdir(parents=True)
        rows = panel(2).rename(columns={"unique_id": id})
        rows.to_parquet(tmp_path / f"in/year={year}/a.parquet", index=False)
    with pytest.warns(TableWarning, match="write its rows to one file with ttm partition"):
        forecast_dataset(tmp_path / "in", tmp_path / "out", 3)


def test_forecasts_by_other_holidays_of_an_offset_are_not_mixed(tmp_path):
    (tmp_path / "in").mkdir()
    days = pd.bdate_range("2024-01-01", periods=60)
    rows = pd.DataFrame({"id": "a", "ds": days, "y": np.arange(60.0) % 5})
    rows.to_parquet(tmp_path / "in/a.parquet", index=False)
    first, second = (
        pd.offsets.CustomBusinessDay(holidays=[day]) for day in ("2024-12-25", "2024-12-26")
    )
    forecast_dataset(tmp_path / "in", tmp_path / "out", 3, freq=first)
    assert len(forecast_dataset(tmp_path / "in", tmp_path / "out", 3, freq=first)) == 1
    with pytest.raises(TableError, match=r"a run with freq='C holidays=2024-12-25 "):
        forecast_dataset(tmp_path / "in", tmp_path / "out", 3, freq=second)


@pytest.mark.parametrize("target", ["b/../a.parquet", "b/a.parquet", "link.parquet"])
def test_a_file_is_never_replaced_by_its_forecast(tmp_path, target):
    panel(1).to_parquet(tmp_path / "a.parquet", index=False)
    if target != "link.parquet":
        (tmp_path / "b").symlink_to(tmp_path) if ".." not in target else (tmp_path / "b").mkdir()
    else:
        (tmp_path / target).symlink_to(tmp_path / "a.parquet")
    before = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(TableError, match="is the source, which would be replaced"):
        ttm_estimators.forecast_file(tmp_path / "a.parquet", f"{tmp_path}/{target}", 3)
    assert (tmp_path / "a.parquet").read_bytes() == before
