import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from ttm_tabpfn import TabPFNError
from ttm_tabpfn import checkpoint as module
from ttm_tabpfn.checkpoint import Checkpoint, find_checkpoint
from ttm_tabpfn.model import TabPFNTS


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(TabPFNError, match=r"pip install 'ttm-estimators\[tabpfn\]'"):
        TabPFNTS().facts()


@pytest.mark.parametrize("version", ["v2.5", "v3", "v3.5", "v3.5-fast"])
def test_all_versions_but_2_are_for_non_commercial_use(version, tmp_path):
    assert Checkpoint(tmp_path, version).licence == "non-commercial"
    assert Checkpoint(tmp_path, "v2").licence == "Apache-2.0 with attribution"


@pytest.mark.parametrize("name", [None, "tabpfn-v3.5-20260909.safetensors"])
def test_a_missing_checkpoint_is_one_clear_sentence_before_any_work(name, checkpoint, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        from tabpfn import settings

        patch.setattr(settings.settings.tabpfn, "model_cache_dir", tmp_path)
        with pytest.raises(TabPFNError) as error:
            TabPFNTS(name).facts()
    message = str(error.value)
    assert str(tmp_path / "tabpfn-v3.5-20260909.safetensors") in message
    assert "gated" in message
    assert "non-commercial" in message
    assert "model_path" in message
    assert "\n" not in message


def test_nothing_is_fetched_unless_it_is_asked_for(checkpoint, tmp_path, monkeypatch):
    import tabpfn.model_loading

    asked = []

    def fetch(path, **options):
        asked.append(path)
        return [OSError("no way out")]

    monkeypatch.setattr(tabpfn.model_loading, "download_model", fetch)
    missing = tmp_path / "tabpfn-v3.5-x.safetensors"
    with pytest.raises(TabPFNError):
        find_checkpoint(missing, download=False)
    assert asked == []
    with pytest.raises(TabPFNError, match=r"could not be downloaded \(no way out\)"):
        find_checkpoint(missing, download=True)
    assert asked == [missing]

    def arrives(path, **options):
        shutil.copy(checkpoint, path)
        return "ok"

    monkeypatch.setattr(tabpfn.model_loading, "download_model", arrives)
    assert find_checkpoint(missing, download=True) == Checkpoint(missing, "v3.5")


@pytest.mark.filterwarnings("default:.*licensed for non-commercial use only")
def test_who_uses_gated_weights_is_told_of_their_licence(checkpoint, tmp_path, recwarn):
    with pytest.warns(UserWarning, match="TabPFN v3.5 are licensed for non-commercial use only"):
        TabPFNTS(checkpoint).facts()
    recwarn.clear()
    TabPFNTS(shutil.copy(checkpoint, tmp_path / "tabpfn-v2-x.safetensors")).facts()
    assert not recwarn.list


def test_facts_tell_path_version_licence_size_and_packages(checkpoint):
    assert TabPFNTS(checkpoint).facts() == {
        "mode": "local",
        "model_path": str(checkpoint),
        "model_version": "v3.5",
        "model_licence": "non-commercial",
        "parameters": Checkpoint(checkpoint, "v3.5").parameters(),
        "tabpfn": version("tabpfn"),
        "tabpfn-time-series": version("tabpfn-time-series"),
    }


def test_parameters_are_counted_where_the_file_tells(checkpoint, tmp_path):
    from safetensors.torch import load_file

    counted = sum(tensor.numel() for tensor in load_file(checkpoint).values())
    assert Checkpoint(checkpoint, "v3.5").parameters() == counted > 10_000
    assert Checkpoint(tmp_path / "old.ckpt", "v2").parameters() is None


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"mode": "clouds"}, "mode must be one of local, cloud"),
        ({"context_length": 0}, "context_length must be at least 1"),
        ({"workers": 0}, "workers must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        TabPFNTS(**setting)


def test_data_go_to_the_cloud_only_when_it_is_named(checkpoint, monkeypatch):
    import tabpfn_time_series
    from tabpfn_time_series import TabPFNMode

    modes = []

    def pipeline(**options):
        modes.append(options["tabpfn_mode"])
        return SimpleNamespace(predictor=SimpleNamespace(inference_routine=None))

    monkeypatch.setattr(tabpfn_time_series, "TabPFNTSPipeline", pipeline)
    TabPFNTS(checkpoint)._pipeline(calendar=True)
    TabPFNTS(mode="cloud")._pipeline(calendar=True)
    assert modes == [TabPFNMode.LOCAL, TabPFNMode.CLIENT]
    assert "model_version" not in TabPFNTS(mode="cloud").facts()


@pytest.mark.parametrize(("asked", "given"), [(None, "cores"), (3, 3)])
def test_workers_default_to_the_cores_of_the_machine(checkpoint, asked, given):
    from joblib import cpu_count

    pipeline = TabPFNTS(checkpoint, workers=asked)._pipeline(calendar=True)
    assert pipeline.predictor.num_workers == (cpu_count() if given == "cores" else given)


def test_a_forecast_opens_no_connection_not_even_for_telemetry(checkpoint):
    program = f"""
import os, socket
for name in ("CI", "TABPFN_DISABLE_TELEMETRY", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)
tried = []
socket.socket.connect = lambda self, address: tried.append(address)
socket.getaddrinfo = lambda *arguments, **options: tried.append(arguments)
import numpy as np, pandas as pd
from ttm_tabpfn import TabPFNPredictor
row = {{"start": pd.Period("2024-01-01", "h"), "target": np.sin(np.arange(30.0))}}
(forecast,) = TabPFNPredictor(2, {str(checkpoint)!r}, workers=1).predict([row])
print(forecast.mean.shape, tried)
"""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stdout.strip() == "(2,) []"
