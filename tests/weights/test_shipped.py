import pytest

from tests.tiny import tiny_network
from ttm_estimators import WeightsError, load_network, save_network, shipped_models
from ttm_estimators.weights import DEFAULT, read_card, resolve

LARGEST_FILE = 5_000_000

every_model = pytest.mark.parametrize("name", shipped_models())


def test_the_default_model_ships_and_comes_first():
    assert shipped_models()[:1] == [DEFAULT]
    assert resolve(None) == resolve(DEFAULT)


@every_model
def test_a_shipped_model_loads_and_has_the_parameters_of_its_card(name):
    network = load_network(resolve(name))
    parameters = sum(p.numel() for p in network.parameters())
    assert parameters == read_card(resolve(name))["parameters"] <= 1_000_000


@every_model
def test_a_shipped_folder_is_whole_and_small(name):
    sizes = {path.name: path.stat().st_size for path in resolve(name).iterdir()}
    assert {"README.md", "card.json", "config.json", "model.safetensors"} <= sizes.keys()
    assert all(0 < size < LARGEST_FILE for size in sizes.values())


def test_models_are_listed_with_the_default_first(tmp_path, monkeypatch):
    monkeypatch.setattr("ttm_estimators.weights.shipped.shipped_folder", lambda: tmp_path)
    for name in ("another", DEFAULT, "zebra"):
        save_network(tiny_network(), tmp_path / name)
    (tmp_path / "__pycache__").mkdir()
    assert shipped_models() == [DEFAULT, "another", "zebra"]
    assert resolve("zebra") == tmp_path / "zebra"


@pytest.mark.parametrize("name", ["no-such-model", "no/such/folder"])
def test_an_unknown_name_lists_the_known_ones(tmp_path, monkeypatch, name):
    monkeypatch.setattr("ttm_estimators.weights.shipped.shipped_folder", lambda: tmp_path)
    for known in ("first", "second"):
        save_network(tiny_network(), tmp_path / known)
    with pytest.raises(WeightsError, match=rf"unknown model '{name}'.*\['first', 'second'\]"):
        resolve(name)


def test_a_file_is_told_to_be_one_and_which_folder_to_give(folder, tmp_path):
    onnx, table = tmp_path / "small.onnx", tmp_path / "table.csv"
    for file in (onnx, table):
        file.touch()
    for file, said in (
        (folder / "model.safetensors", f"is a file: give its folder {folder}"),
        (onnx, "is an ONNX file, which only forecasts: give the folder of its weights"),
        (table, "is a file: give the folder of its weights"),
    ):
        with pytest.raises(WeightsError) as told:
            resolve(file)
        assert str(told.value) == f"model {str(file)!r} {said}"


def test_a_folder_on_disk_is_taken_as_it_is(folder):
    assert resolve(folder) == folder
    assert resolve(str(folder)) == folder
