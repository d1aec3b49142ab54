import json
import shutil

import pytest

from ttm_estimators import load_network, shipped_models
from ttm_estimators.weights import shipped

ACCURACY = [
    {"data": "ETTh1", "horizon": 96, "metric": "MSE", "value": 0.4, "command": "measure it"}
]


@pytest.fixture
def shelf(model, tmp_path, monkeypatch):
    """A package that ships two models, of which one has a card."""
    monkeypatch.setattr(shipped, "shipped_folder", lambda: tmp_path)
    for name in ("another", shipped.DEFAULT):
        shutil.copytree(model, tmp_path / name)
    (tmp_path / shipped.DEFAULT / "card.json").write_text(json.dumps({"accuracy": ACCURACY}))
    return tmp_path


def test_the_list_has_names_sizes_and_accuracy_with_the_default_first(run, shelf, model):
    code, out, err = run("models", "--json")
    assert (code, err) == (0, "")
    first, second = json.loads(out)
    network = load_network(model)
    assert first["name"] == shipped.DEFAULT
    assert first["default"] is True
    assert first["accuracy"] == ACCURACY
    assert first["parameters"] == sum(p.numel() for p in network.parameters())
    assert first["context_length"] == network.config.context_length
    assert first["horizon"] == network.config.horizon
    assert (second["name"], second["default"], second["accuracy"]) == ("another", False, [])


def test_the_table_shows_the_same(run, shelf):
    code, out, _ = run("models")
    assert code == 0
    for text in ("another", f"{shipped.DEFAULT} (default)", "ETTh1", "MSE 0.400"):
        assert text in out


def test_a_damaged_model_is_one_line(run, shelf):
    (shelf / "another" / "model.safetensors").write_bytes(b"")
    code, _, err = run("models")
    assert code == 2
    assert err.startswith("error: ")
    assert "is damaged" in err
    assert err.count("\n") == 1


def test_a_listed_model_can_be_named_in_a_forecast(run, shelf, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("date,load\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    names = [model["name"] for model in json.loads(run("models", "--json").out)]
    outcomes = [run("forecast", data, "--horizon", 2, "--model", name) for name in names]
    assert [outcome.code for outcome in outcomes] == [0, 0]
    assert run("forecast", data, "--horizon", 2).out == outcomes[0].out


def test_every_model_of_this_package_is_listed(run):
    listed = json.loads(run("models", "--json").out)
    assert [model["name"] for model in listed] == shipped_models()
    assert all(0 < model["parameters"] <= 1_000_000 for model in listed)


@pytest.mark.parametrize("columns", ["20", "40"])
def test_nothing_is_cut_in_a_narrow_terminal(run, shelf, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    out = run("models").out
    assert "…" not in out
    assert "ETTh1, horizon 96: MSE 0.400" in out
