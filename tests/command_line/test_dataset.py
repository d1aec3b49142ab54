"""Folders of Parquet files, forecast by the command."""

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster

from ttm_estimators.command_line import dataset as module

HORIZON = 3


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """Three files of two series, one of them in a partition."""
    days = pd.date_range("2024-01-01", periods=20)
    for i, name in enumerate(["a.parquet", "b.parquet", "region=north/c.parquet"]):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            pd.DataFrame({"item_id": f"{i} {k}", "ds": days, "y": np.arange(20.0) % 7 + k})
            for k in range(2)
        ]
        pd.concat(rows).to_parquet(path, index=False)
    return tmp_path / "in"


@pytest.fixture(name="forecast")
def _forecast(run, model, folder, tmp_path):
    """Run ``ttm forecast`` of the folder to another."""

    def forecast(*options, data=folder, output=tmp_path / "out"):
        arguments = [data, "--horizon", HORIZON, "--model", model]
        return run("forecast", *arguments, *(["--output", output] if output else []), *options)

    return forecast


def test_a_folder_is_forecast_to_a_folder(forecast, tmp_path):
    outcome = forecast("--quantiles", "0.2,0.5")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{tmp_path / 'out'} has 3 files, 6 series, horizon 3, model tiny\n"
    frame = pd.read_parquet(tmp_path / "out/a.parquet")
    assert list(frame) == ["item_id", "ds", "median", "0.2", "0.5"]
    assert len(frame) == 2 * HORIZON
    assert len(pd.read_parquet(tmp_path / "out/region=north/c.parquet")) == 2 * HORIZON


@pytest.mark.parametrize("pattern", ["{0}/*.parquet", "file://{0}/[ab].parquet"])
def test_a_glob_or_a_url_is_forecast_to_a_folder(forecast, folder, tmp_path, pattern):
    outcome = forecast(data=pattern.format(folder))
    assert outcome.code == 0, outcome.err
    assert len(list((tmp_path / "out").glob("[ab].parquet"))) == 2


def test_a_single_file_may_be_forecast_to_a_folder(forecast, folder, tmp_path):
    outcome = forecast(data=folder / "a.parquet", output=f"{tmp_path}/out/")
    assert outcome.code == 0, outcome.err
    assert len(pd.read_parquet(tmp_path / "out/a.parquet")) == 2 * HORIZON


def test_a_scheduler_forecasts_the_same(forecast, tmp_path):
    assert forecast().code == 0
    with LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        outcome = forecast("--scheduler", address, output=tmp_path / "other")
    assert outcome.code == 0, outcome.err
    for name in ("a.parquet", "region=north/c.parquet"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_the_same_command_goes_on_where_it_was(forecast, folder, tmp_path):
    forecast()
    (folder / "d.parquet").write_bytes((folder / "a.parquet").read_bytes())
    before = (tmp_path / "out/a.parquet").stat().st_mtime_ns
    assert "4 files, 8 series" in forecast().out
    assert (tmp_path / "out/a.parquet").stat().st_mtime_ns == before


def test_files_and_series_with_errors_are_recorded_and_told(forecast, folder, tmp_path):
    (folder / "b.parquet").write_bytes(b"PAR1 and no more")
    wrong = pd.read_parquet(folder / "a.parquet")
    wrong.loc[wrong["item_id"] == "0 1", "y"] = np.nan
    wrong.to_parquet(folder / "a.parquet", index=False)
    stopped = forecast()
    assert stopped.code == 2
    assert stopped.err.count("error: ") == 1
    assert "series '0 1'" in stopped.err
    outcome = forecast("--on-error", "record")
    assert outcome.code == 0, outcome.err
    assert "a.parquet, 0 1: " in outcome.err
    assert "b.parquet" in outcome.err
    told = f"Not forecast: 1 file and 1 series, see {tmp_path / 'out'}/_manifest.parquet\n"
    assert outcome.err.endswith(told)
    assert len(pd.read_parquet(tmp_path / "out/a.parquet")) == HORIZON


@pytest.mark.parametrize("option", ["--plot", "--plot-series", "--future"])
def test_options_for_single_files_are_refused(forecast, option):
    outcome = forecast(option, "x.png")
    assert outcome.code == 2
    assert f"error: {option} is for a single file" in outcome.err


def test_a_folder_needs_a_folder_for_its_forecasts(forecast, tmp_path):
    assert "name a folder" in forecast(output=None).err
    assert "must be a folder" in forecast(output=tmp_path / "out.csv").err
    (tmp_path / "taken").touch()
    assert "must be a folder" in forecast(output=tmp_path / "taken").err


@pytest.mark.parametrize(
    "options", [("--workers", 2), ("--scheduler", "tcp://x:1"), ("--on-error", "record")]
)
def test_a_single_file_takes_no_workers(forecast, folder, tmp_path, options):
    outcome = forecast(*options, data=folder / "a.parquet", output=tmp_path / "out.csv")
    assert outcome.code == 2
    assert f"error: {options[0]} needs a folder of Parquet files" in outcome.err


def test_a_scheduler_brings_its_workers(forecast):
    outcome = forecast("--scheduler", "tcp://127.0.0.1:1", "--workers", 2)
    assert "leave --workers out" in outcome.err


def test_a_scheduler_that_is_absent_is_an_error_of_one_line(forecast, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_TO_CONNECT", 0.2)
    outcome = forecast("--scheduler", "tcp://127.0.0.1:1")
    assert outcome.code == 2
    assert outcome.err.startswith("error: --scheduler tcp://127.0.0.1:1 can not be reached")
    assert outcome.err.count("\n") == 1
