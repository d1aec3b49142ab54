import shutil

import numpy as np
import pytest

from tests.tiny import PUBLISHED_KIND, tiny_network
from ttm_estimators import Forecaster, WeightsError, load, save_network
from ttm_estimators.weights import resolve
from ttm_estimators.weights.folder import WEIGHTS_FILE
from ttm_estimators.weights.onnx import export_onnx

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


@pytest.fixture(scope="module")
def network():
    return tiny_network()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    return export_onnx(network, tmp_path_factory.mktemp("exported") / "tiny.onnx")


def test_an_exported_network_forecasts_as_it_does(network, exported):
    assert_same(load(exported), Forecaster(network))


def test_beside_its_weights_a_file_refers_to_them(tmp_path):
    network = tiny_network(**PUBLISHED_KIND, resolutions=3)
    save_network(network, tmp_path)
    export_onnx(network, tmp_path / "model.onnx", weights_file=tmp_path / WEIGHTS_FILE)
    assert_same(load(tmp_path, runtime="onnx"), Forecaster(network))
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
