import hashlib
import json
import pickle
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import TINY, tiny_network
from tests.weights.conftest import PUBLISHED_SETTINGS
from ttm_estimators import (
    PRESETS,
    ForecastConfig,
    TinyTimeMixer,
    WeightsError,
    atomic,
    load,
    load_network,
    save_network,
)
from ttm_estimators.weights.shipped import DEFAULT, shipped_folder


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def put_weights(folder: Path, data: bytes) -> None:
    """Replace the weights and the checksum, as someone would who knows the format."""
    (folder / "model.safetensors").write_bytes(data)
    edit_config(folder, sha256=hashlib.sha256(data).hexdigest())


def refused(folder: Path, complaint: str) -> None:
    """Loading fails, naming the folder."""
    with pytest.raises(WeightsError, match=complaint) as error:
        load_network(folder)
    assert str(folder) in str(error.value)


def is_network(found: TinyTimeMixer, expected: TinyTimeMixer) -> bool:
    weights = expected.state_dict()
    return (
        found.config == expected.config
        and found.state_dict().keys() == weights.keys()
        and all(torch.equal(tensor, weights[name]) for name, tensor in found.state_dict().items())
    )


def test_a_loaded_network_is_the_one_that_was_saved(folder):
    network = load_network(folder)
    assert is_network(network, tiny_network())
    past = torch.randn(2, 64, 3)
    assert torch.equal(network(past), tiny_network()(past))


def test_a_loaded_network_is_ready_to_forecast_and_to_train(folder):
    network = load_network(folder)
    assert not network.training
    network(torch.randn(2, 64, 1)).sum().backward()
    assert all(p.is_leaf and p.grad is not None for p in network.parameters())


def test_loading_leaves_the_random_state_alone(folder):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load_network(folder)
    assert torch.equal(torch.rand(2), expected)


def test_saving_takes_a_path_as_text_and_leaves_nothing_else(tmp_path):
    save_network(tiny_network(), str(tmp_path / "new" / "model"))
    names = sorted(path.name for path in (tmp_path / "new" / "model").iterdir())
    assert names == ["config.json", "model.safetensors"]


def test_weights_in_half_precision_are_loaded_in_single(folder):
    tensors = load_file(folder / "model.safetensors")
    save_file({name: t.half() for name, t in tensors.items()}, folder / "model.safetensors")
    put_weights(folder, (folder / "model.safetensors").read_bytes())
    network = load_network(folder)
    assert {p.dtype for p in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("position", [9, 600, -1])
def test_a_damaged_byte_is_noticed(folder, position):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[position] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    refused(folder, r"model\.safetensors is damaged, its checksum .* write it again")


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_truncated_file_is_noticed(folder, length):
    data = (folder / "model.safetensors").read_bytes()[:length]
    (folder / "model.safetensors").write_bytes(data)
    refused(folder, "damaged.*write it again")
    put_weights(folder, data)
    refused(folder, "no whole safetensors file.*write it again")


def test_a_missing_folder_is_named(tmp_path):
    refused(tmp_path / "nowhere", "is not a folder")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, f"has no {re.escape(name)}")


def test_a_folder_of_another_format_tells_to_convert_it(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(folder, "Only safetensors are read: convert")


@pytest.mark.parametrize("config", ["ours", "published"])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_nothing_is_unpickled(folder, config, name):
    trace = folder / "trace"

    class Trap:
        def __reduce__(self):
            return Path.touch, (trace,)

    pickle.loads(pickle.dumps(Trap()))
    assert trace.exists()
    trace.unlink()
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Trap()))
    if config == "published":
        (folder / "config.json").write_text(json.dumps(PUBLISHED_SETTINGS))
    elif name == "model.safetensors":
        put_weights(folder, pickle.dumps(Trap()))
    refused(folder, "safetensors")
    assert not trace.exists()


def test_foreign_tensors_are_named(folder):
    save_file({"encoder.weight": torch.zeros(3)}, folder / "model.safetensors")
    put_weights(folder, (folder / "model.safetensors").read_bytes())
    refused(folder, r"does not fit its config\.json: \d+ tensors differ, such as .*write it again")


def test_a_configuration_of_another_size_is_refused_before_memory_is_taken(folder):
    for hidden_size in (32, 2**18):
        network = json.loads(replace(TINY, hidden_size=hidden_size).to_json())
        edit_config(folder, network=network, config_sha256=None)
        refused(folder, r"such as backbone\.embedding\.bias \(expected .*, found \(16,\)\)")


def test_a_number_format_that_torch_does_not_know_is_refused(folder):
    header = json.dumps({"x": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}).encode()
    put_weights(folder, len(header).to_bytes(8, "little") + header + b"\0")
    refused(folder, "no whole safetensors file")


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e300])
def test_weights_that_are_not_finite_are_refused(folder, value):
    tensors = load_file(folder / "model.safetensors")
    tensors["decoder.adapter.bias"] = tensors["decoder.adapter.bias"].double()
    tensors["decoder.adapter.bias"][3] = value
    save_file(tensors, folder / "model.safetensors")
    put_weights(folder, (folder / "model.safetensors").read_bytes())
    refused(folder, r"NaN or infinity in decoder\.adapter\.bias: .*write it again")


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "\xff"])
def test_a_configuration_that_is_not_json_is_refused(folder, text):
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    refused(folder, "config.json is not JSON.*write it again")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_a_configuration_that_is_nested_without_an_end_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    refused(folder, "config.json is not JSON.*write it again")


@pytest.mark.parametrize("field", ["network", "forecasting"])
def test_a_configuration_that_was_changed_is_refused(folder, field):
    config = json.loads((folder / "config.json").read_text())
    changed = {"network": {"dropout": 0.5}, "forecasting": {"aggregation_factors": [3, 4]}}
    edit_config(folder, **{field: {**config[field], **changed[field]}})
    refused(folder, "config.json is damaged or was edited.*write it again")


BOMBS = {
    "adaptive_patching_levels": 10**6,
    "channels": 2**40,
    "context_length": 2**40,
    "decoder_hidden_size": 2**31 + 64,
    "exogenous_context": 2**40,
    "horizon": 2**33,
    "levels": 10**6,
    "output_patch_length": 2**33,
    "quantile_levels": [i / 1e6 for i in range(1, 10**6)],
    "scales": list(range(1, 10**5)),
    "seasons_length": 10**9,
    "patch_length": [64] * 10**5,
    "static_cardinalities": [2] * 10**5,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_configuration_that_asks_for_too_much_is_refused_in_one_line_at_once(tmp_path, name):
    folder = shutil.copytree(shipped_folder() / DEFAULT, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    edit_config(folder, network={**config["network"], name: BOMBS[name]})
    began, before = time.process_time(), psutil.Process().memory_info().rss
    with pytest.raises(WeightsError, match="no valid network") as error:
        load_network(folder)
    assert time.process_time() - began < 1
    assert psutil.Process().memory_info().rss - before < 100e6
    assert len(str(error.value)) < 1000


def test_a_configuration_that_is_no_object_is_refused(folder):
    (folder / "config.json").write_text("[]")
    refused(folder, "does not hold a JSON object.*write it again")


@pytest.mark.parametrize("config", [{}, {"model_type": "bert"}, {"format": "other"}])
def test_a_foreign_configuration_is_refused(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder, "neither a network of this package nor a published TinyTimeMixer.*give")


@pytest.mark.parametrize("version", [2, None, "1"])
def test_another_format_version_tells_to_update(folder, version):
    edit_config(folder, format_version=version)
    refused(folder, "this version reads 1: update ttm-estimators")


@pytest.mark.parametrize(
    "network", [None, 3, [], {"horizon": -1}, {"scales": 3}, {"attention": True}]
)
def test_a_configuration_without_a_valid_network_is_refused(folder, network):
    edit_config(folder, network=network)
    refused(folder, "no valid network.*write it again")


@pytest.mark.parametrize("step", ["write", "replace"])
@pytest.mark.parametrize("number", [0, 1])
def test_an_interrupted_save_leaves_the_old_network_or_is_noticed(
    folder, monkeypatch, step, number
):
    calls = iter(range(10))
    real_write, real_replace = Path.write_bytes, atomic.os.replace

    def write(path: Path, data: bytes) -> None:
        if step == "write" and next(calls) == number:
            real_write(path, data[: len(data) // 2])
            raise KeyboardInterrupt
        real_write(path, data)

    def move(source: Path, target: Path) -> None:
        if step == "replace" and next(calls) == number:
            raise KeyboardInterrupt
        real_replace(source, target)

    monkeypatch.setattr(Path, "write_bytes", write)
    monkeypatch.setattr(atomic.os, "replace", move)
    with pytest.raises(KeyboardInterrupt):
        save_network(tiny_network(seed=1), folder)
    monkeypatch.undo()
    if step == "replace" and number == 1:
        refused(folder, "checksum.*write it again")
    else:
        assert is_network(load_network(folder), tiny_network(seed=0))
    save_network(tiny_network(seed=2), folder)
    assert is_network(load_network(folder), tiny_network(seed=2))


def test_a_compiled_network_is_saved_as_what_it_compiles(tmp_path):
    network = tiny_network(seed=3)
    save_network(torch.compile(network, backend="eager"), tmp_path)
    assert is_network(load_network(tmp_path), network)


def test_a_network_that_diverged_is_not_saved(folder):
    network = tiny_network(seed=3)
    next(network.parameters()).data.fill_(float("nan"))
    with pytest.raises(ValueError, match="NaN or infinity"):
        save_network(network, folder)
    assert is_network(load_network(folder), tiny_network(seed=0))


FORECASTING = ForecastConfig(aggregation_factors=(3, 4))


def test_how_to_forecast_is_saved_with_the_weights(tmp_path):
    folder = save_network(tiny_network(), tmp_path / "first", FORECASTING)
    assert load(folder).forecasting == FORECASTING
    again = save_network(load_network(folder), tmp_path / "second")
    assert load(again).forecasting == FORECASTING
    config = json.loads((again / "config.json").read_text())
    assert config["forecasting"] == {"aggregation_factors": [3, 4]}


def test_a_new_network_of_a_preset_is_saved_with_what_is_usual_for_it(tmp_path):
    folder = save_network(TinyTimeMixer(PRESETS["ttm_2048_720"]), tmp_path)
    assert load(folder).forecasting == ForecastConfig((4, 12))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fields", [{}, {"far_factors": []}, {"far_factors": [3, 4]}])
def test_folders_of_version_0_1_0_have_the_factors_among_the_fields_of_the_network(folder, fields):
    config = json.loads((folder / "config.json").read_text())
    del config["forecasting"], config["config_sha256"]
    config["network"] |= fields
    (folder / "config.json").write_text(json.dumps(config))
    assert load(folder).forecasting == ForecastConfig(tuple(fields.get("far_factors", ())))


@pytest.mark.parametrize("forecasting", [[4], {}, {"aggregation_factors": [2]}])
def test_a_forecasting_configuration_that_does_not_fit_is_refused(folder, forecasting):
    edit_config(folder, forecasting=forecasting)
    refused(folder, "no valid network.*write it again")


def test_nothing_is_saved_with_a_forecasting_configuration_that_does_not_fit(tmp_path):
    with pytest.raises(ValueError, match="further back"):
        save_network(tiny_network(), tmp_path / "new", ForecastConfig((2,)))
    assert not (tmp_path / "new").exists()
