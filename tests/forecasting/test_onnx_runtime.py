"""Forecasts of the weights that ship are the same by onnxruntime and by torch."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.properties.draws import KINDS, Drawn, spread
from tests.tiny import tiny_network
from ttm_estimators import Covariates, WeightsError, load
from ttm_estimators.forecasting.onnx_runtime import OnnxRuntime
from ttm_estimators.forecasting.torch_runtime import TorchRuntime
from ttm_estimators.weights import resolve
from ttm_estimators.weights.folder import WEIGHTS_FILE, sha256_of
from ttm_estimators.weights.seal import sealed
from ttm_estimators.weights.shipped import onnx_file

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::ttm_estimators.inputs.outliers.OutlierWarning")

ROUNDING = 1e-5
"""In standard deviations of a series, or in distances of its forecast from its mean where these are
more. Forecasts by torch differ as much from those in float64."""

GAPS = ["none", "none", "points", "stretch", "end", "outliers", "codes"]


@pytest.fixture(scope="module")
def onnx():
    return load(runtime="onnx")


@pytest.fixture(scope="module")
def by_torch():
    return load(runtime="torch")


def series(seed, count, longest=24_576):
    """Series of all kinds, of lengths and scales of many sizes."""
    random = np.random.default_rng(seed)
    drawn = [
        Drawn(
            list(KINDS)[i % len(KINDS)],
            int(2 ** random.uniform(0, np.log2(longest + 1))),
            GAPS[random.integers(len(GAPS))],
            int(random.integers(2**32)),
        ).values
        for i in range(count)
    ]
    return [values * 10.0 ** random.choice([0, 0, 0, -30, 30]) for values in drawn]


@pytest.mark.parametrize(
    ("horizon", "count"), [(1, 250), (48, 300), (300, 250), (720, 170), (1000, 30)]
)
def test_a_thousand_series_are_forecast_alike(onnx, by_torch, horizon, count):
    given = series(horizon, count)
    expected = by_torch.forecast(given, horizon).quantiles
    found = onnx.forecast(given, horizon).quantiles
    spreads = np.array([spread(values) for values in given])
    means = np.array([np.nanmean(values) for values in given])[:, None, None]
    errors = np.abs(found - expected).max(axis=(1, 2))
    farthest = np.abs(expected - means).max(axis=(1, 2))
    within = errors / np.maximum(spreads, farthest)
    assert (within < ROUNDING).mean() > 0.99  # but for counts, of which many values are the same
    assert np.all(within < 10 * ROUNDING)


def test_channels_and_other_levels_are_forecast_alike(onnx, by_torch):
    given = [np.random.default_rng(0).normal(size=(900, 3)).cumsum(axis=0)]
    levels = [0.01, 0.5, 0.95]
    expected = by_torch.forecast(given, 60, quantile_levels=levels).quantiles
    found = onnx.forecast(given, 60, quantile_levels=levels).quantiles
    assert found.shape == (1, 60, 3, 3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * given[0].std())


def test_covariates_help_by_regression_too(onnx, by_torch):
    price = np.random.default_rng(0).normal(size=420)
    sales = 40 - 5 * price[:400]
    given = [Covariates(known=price)]
    expected = by_torch.forecast([sales], 20, covariates=given)
    found = onnx.forecast([sales], 20, covariates=given)
    assert found.effects[0].kept
    np.testing.assert_allclose(found.point, expected.point, atol=1e-4)


def test_settings_of_forecasts_are_those_of_the_weights(onnx, by_torch):
    assert onnx.config == by_torch.config
    assert onnx.forecasting == by_torch.forecasting
    assert onnx.device == "cpu"


def test_a_copy_forecasts_the_same(onnx):
    given = [np.sin(np.arange(300) / 7)]
    copy = pickle.loads(pickle.dumps(onnx))
    np.testing.assert_array_equal(
        copy.forecast(given, 9).quantiles, onnx.forecast(given, 9).quantiles
    )


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_fork_forecasts_the_same(threads):
    """It has none of its parent's threads, which the end of the parent's session waits for."""
    program = """
import multiprocessing, numpy as np, ttm_estimators
model = ttm_estimators.load(runtime="onnx")
def forecast(_):
    return model.forecast([np.sin(np.arange(300) / 7)], 9).point
if __name__ == "__main__":
    here = forecast(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for there in pool.map(forecast, range(2)):
            np.testing.assert_allclose(there, here, atol=1e-6)
"""
    environment = os.environ | {"OMP_NUM_THREADS": threads}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=environment)


WITHOUT = """
import sys
from importlib.machinery import PathFinder
HIDDEN = {"torch", "pyarrow"}
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name in HIDDEN else find(name, *rest)
"""


def without_torch(program):
    """Run a program where neither torch nor pyarrow can be imported."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_torch_the_default_is_onnxruntime(by_torch):
    out = without_torch(
        "import json, ttm_estimators\n"
        "forecast = ttm_estimators.load().forecast([[1.0, 2, 3, 2] * 40], 12)\n"
        "print(json.dumps(forecast.point.tolist()))\n"
        "assert 'pandas' not in sys.modules\n"
    )
    expected = by_torch.forecast([[1.0, 2, 3, 2] * 40], 12).point
    np.testing.assert_allclose(json.loads(out), expected, atol=1e-5)


def test_the_command_line_forecasts_a_csv_file_without_torch(tmp_path):
    (tmp_path / "in.csv").write_text("x\n" + "\n".join(str(t % 7) for t in range(70)))
    without_torch(
        "from ttm_estimators.command_line import main\n"
        f"sys.argv = ['ttm', 'forecast', r'{tmp_path / 'in.csv'}', '--no-time', '--horizon', '7',"
        f" '--output', r'{tmp_path / 'out.csv'}']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
    )
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 8


def test_the_command_line_backtests_a_csv_file_without_torch(tmp_path):
    (tmp_path / "in.csv").write_text("x\n" + "\n".join(str(t % 7) for t in range(70)))
    out = without_torch(
        "from ttm_estimators.command_line import main\n"
        f"sys.argv = ['ttm', 'backtest', r'{tmp_path / 'in.csv'}', '--no-time', '--horizon', '7',"
        f" '--season', '7', '--folder', r'{tmp_path / 'parts'}']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
    )
    assert "seasonal_naive" in out
    assert len([*(tmp_path / "parts").glob("ttm-*.npy")]) == 5


def test_the_number_of_its_weights_is_that_of_their_file(onnx):
    weights = (onnx_file(None).parent / WEIGHTS_FILE).read_bytes()
    assert onnx.runtime.weights_sha256 == sha256_of(weights)
    assert pickle.loads(pickle.dumps(onnx)).runtime.weights_sha256 == sha256_of(weights)


def test_other_weights_have_another_number_by_torch():
    runtime = TorchRuntime(tiny_network(0))
    before = runtime.weights_sha256
    assert TorchRuntime(tiny_network(0)).weights_sha256 == before
    next(runtime.network.parameters()).data += 1
    assert runtime.weights_sha256 != before


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("load(runtime='torch')", "pip install 'ttm-estimators[torch]'"),
        ("load()", "pip install 'ttm-estimators[onnx]'"),
    ],
)
def test_what_to_install_is_said_in_one_line(call, told):
    out = without_torch(
        "HIDDEN.add('onnxruntime')\nfrom ttm_estimators import load\n"
        f"try:\n    {call}\nexcept ImportError as error:\n    print(error)\n"
    )
    assert told in out
    assert len(out.splitlines()) == 1


def test_the_command_line_says_in_one_line_what_an_onnx_file_needs(tmp_path):
    (tmp_path / "in.csv").write_text("x\n" + "\n".join(str(t % 7) for t in range(70)))
    out = without_torch(
        "HIDDEN -= {'torch'}\nHIDDEN |= {'onnxruntime'}\n"
        "from ttm_estimators.command_line import main\n"
        f"sys.argv = ['ttm', 'forecast', r'{tmp_path / 'in.csv'}', '--no-time', '--horizon', '7',"
        f" '--model', r'{onnx_file(None)}']\nsys.stderr = sys.stdout\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 2\n"
    )
    told = "error: onnxruntime is not installed: pip install 'ttm-estimators[onnx]'"
    assert told in out.splitlines()


def test_the_network_is_there_with_torch_only(onnx):
    with pytest.raises(AttributeError, match='runtime="torch"'):
        onnx.network  # noqa: B018


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"runtime": "tensorflow"}, "give one of torch, onnx"),
        ({"runtime": "onnx", "device": "cuda"}, "runs on the cpu only"),
    ],
)
def test_wrong_options_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        load(**options)


def test_files_that_are_missing_or_foreign_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="write it with ttm export"):
        load(tmp_path / "none.onnx")
    with pytest.raises(WeightsError, match=r"has no model\.onnx"):
        load(tmp_path, runtime="onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(WeightsError, match=r"does not end in a checksum.*ttm export"):
        OnnxRuntime(tmp_path / "text.onnx")


@pytest.mark.parametrize("place", [0.01, 0.5, 0.99])
def test_one_flipped_bit_is_noticed(tmp_path, place):
    for name in ("model.onnx", "model.safetensors"):
        shutil.copy(resolve(None) / name, tmp_path)
    data = bytearray((tmp_path / "model.onnx").read_bytes())
    data[int(place * len(data))] ^= 1
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(WeightsError, match=r"is damaged or was edited.*ttm export"):
        load(tmp_path / "model.onnx")


def test_what_is_cut_off_or_no_network_is_refused(tmp_path):
    (tmp_path / "short.onnx").write_bytes((resolve(None) / "model.onnx").read_bytes()[:-1])
    with pytest.raises(WeightsError, match="cut off"):
        load(tmp_path / "short.onnx")
    (tmp_path / "text.onnx").write_bytes(sealed(b"no network"))
    with pytest.raises(WeightsError, match="can not be read by onnxruntime"):
        load(tmp_path / "text.onnx")


def test_weights_may_be_links_as_in_the_cache_of_the_hub(tmp_path, onnx):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    for i, name in enumerate(("model.onnx", "model.safetensors")):
        shutil.copy(resolve(None) / name, tmp_path / "blobs" / str(i))
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "blobs" / str(i))
    given = [np.sin(np.arange(300) / 7)]
    np.testing.assert_array_equal(
        load(tmp_path / "snapshot" / "model.onnx").forecast(given, 9).point,
        onnx.forecast(given, 9).point,
    )


def test_weights_that_are_not_beside_the_file_are_named(tmp_path):
    shutil.copy(resolve(None) / "model.onnx", tmp_path)
    with pytest.raises(WeightsError, match=r"there is no .*model\.safetensors, to which"):
        load(tmp_path / "model.onnx")


def test_a_folder_may_end_in_onnx(tmp_path, onnx):
    shutil.copytree(resolve(None), tmp_path / "mine.onnx")
    given = [np.sin(np.arange(300) / 7)]
    for runtime in ("torch", "onnx"):
        found = load(tmp_path / "mine.onnx", runtime=runtime)
        np.testing.assert_allclose(
            found.forecast(given, 9).point, onnx.forecast(given, 9).point, atol=1e-5
        )


def test_fine_tuning_says_that_it_needs_torch(onnx):
    import pandas as pd

    df = pd.DataFrame({"ds": pd.date_range("2020", periods=90), "y": range(90)})
    with pytest.raises(AttributeError, match='load it with runtime="torch"'):
        onnx.fine_tune_df(df, 3)
