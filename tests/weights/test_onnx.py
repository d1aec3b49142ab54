import shutil
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch

from tests.tiny import PUBLISHED_KIND, tiny_network
from ttm_estimators import Forecaster, WeightsError, load, save_network
from ttm_estimators.weights import onnx as ours
from ttm_estimators.weights import resolve
from ttm_estimators.weights.folder import WEIGHTS_FILE
from ttm_estimators.weights.onnx import export_onnx
from ttm_estimators.weights.seal import sealed

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

HISTORIES = [np.random.default_rng(n).normal(size=n).cumsum() for n in (1, 9, 64, 70, 128, 500)]


def assert_same(found, expected):
    for horizon in (1, 5, 12, 30):
        np.testing.assert_allclose(
            found.forecast(HISTORIES, horizon).quantiles,
            expected.forecast(HISTORIES, horizon).quantiles,
            atol=1e-3,  # of histories of a size of 10 to 30, by random weights
        )


@pytest.fixture(scope="module", autouse=True)
def traced_once():
    """Torch takes 20 seconds to trace a length of a network, of whatever size."""
    traced = cache(ours._exported)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "_exported", lambda *args: deepcopy(traced(*args)))
        yield


@pytest.fixture(scope="module")
def network():
    return tiny_network()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    return export_onnx(network, tmp_path_factory.mktemp("exported") / "tiny.onnx")


def test_an_exported_network_forecasts_as_it_does(network, exported):
    assert_same(load(exported), Forecaster(network))


def test_weights_of_8_bits_forecast_as_those_that_they_stand_for(network, exported, tmp_path):
    file = export_onnx(network, tmp_path / "int8.onnx", weights="int8")
    rounded = deepcopy(network)
    with torch.no_grad():
        for matrix in (one for one in rounded.parameters() if one.ndim == 2):
            scale = matrix.abs().amax(dim=1, keepdim=True) / 127
            matrix.copy_((matrix / scale).round().clamp(-127, 127) * scale)
    assert_same(load(file), Forecaster(rounded))
    assert load(file).runtime.weights_sha256 != load(exported).runtime.weights_sha256
    with pytest.raises(AssertionError):
        assert_same(load(file), Forecaster(network))


def test_the_weights_that_ship_lose_little_as_8_bits(tmp_path):
    import onnx

    model = onnx.load(resolve(None) / "model.onnx")
    kept = {one.key: one.value for one in model.metadata_props if "file" not in one.key}
    onnx.helper.set_model_props(model, {k: v for k, v in kept.items() if k != "sha256"})
    ours._store_as_int8(model)
    (tmp_path / "int8.onnx").write_bytes(sealed(model.SerializeToString()))
    assert (tmp_path / "int8.onnx").stat().st_size < 1.4e6
    steps = np.arange(400)
    given = [
        np.sin(steps * 2 * np.pi / period) + np.random.default_rng(period).normal(size=400) / 3
        for period in range(5, 37)
    ]
    found, whole = load(tmp_path / "int8.onnx"), load(runtime="onnx")
    change = found.forecast(given, 48).quantiles - whole.forecast(given, 48).quantiles
    assert 0 < np.abs(change).mean() < 0.02 * np.std(given)


def test_beside_its_weights_a_file_refers_to_them(tmp_path):
    network = tiny_network(**PUBLISHED_KIND, resolutions=3)
    save_network(network, tmp_path)
    export_onnx(network, tmp_path / "model.onnx", weights_file=tmp_path / WEIGHTS_FILE)
    assert_same(load(tmp_path, runtime="onnx"), Forecaster(network))
    with pytest.raises(ValueError, match=r"are not those of .*leave one out"):
        export_onnx(network, tmp_path / "x.onnx", weights_file=tmp_path / "y", weights="int8")
    save_network(tiny_network(seed=1), tmp_path)
    with pytest.raises(WeightsError, match="are not the weights that"):
        load(tmp_path, runtime="onnx")


def test_the_file_that_ships_refers_to_the_weights_that_ship(tmp_path):
    for name in ("model.onnx", WEIGHTS_FILE):
        shutil.copy(resolve(None) / name, tmp_path)
    weights = tmp_path / WEIGHTS_FILE
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(WeightsError, match="or are damaged"):
        load(tmp_path, runtime="onnx")


def test_networks_that_mix_channels_are_refused(tmp_path):
    with pytest.raises(ValueError, match="mixes channels or takes covariates"):
        export_onnx(tiny_network(mix_channels=True), tmp_path / "mixing.onnx")
