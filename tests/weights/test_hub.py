"""Addresses on the hub: from a folder laid out as its cache, and from a hub on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

pytest.importorskip("huggingface_hub", reason="needs the extra hub")

from huggingface_hub import constants

from tests.tiny import tiny_network
from ttm_estimators import (
    Forecaster,
    WeightsError,
    forecast_dataset,
    load,
    save_network,
    save_to_hub,
)
from ttm_estimators.command_line import app
from ttm_estimators.example import FILES as SALES
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.weights import read_card, resolve, upload, write_card
from ttm_estimators.weights.hub import FILES, fetch, pinned

OLD, NEW = "0" * 39 + "1", "0" * 39 + "2"
SERIES = np.sin(np.arange(60.0))


@pytest.fixture(autouse=True)
def fresh():
    """A process that has read no address."""
    fetch.cache_clear()
    yield
    fetch.cache_clear()


def write_weights(folder: Path, seed: int) -> Path:
    save_network(tiny_network(seed), folder)
    write_card(folder, {"licence": "Apache-2.0", "seed": seed})
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Two commits of one repository: main is at the new one, the tag v1 at the old one."""
    root = tmp_path_factory.mktemp("cache")
    repository = root / "models--someone--tiny"
    for commit, names in ((OLD, ["v1"]), (NEW, ["main"])):
        write_weights(repository / "snapshots" / commit, int(commit[-1]))
        for name in names:
            (repository / "refs").mkdir(exist_ok=True)
            (repository / "refs" / name).write_text(commit)
    return root


@pytest.fixture
def offline(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def point(model) -> np.ndarray:
    return model.forecast(SERIES, 5).point


@pytest.mark.parametrize(
    ("address", "commit"),
    [
        ("hf://someone/tiny", NEW),
        ("hf://someone/tiny@main", NEW),
        ("hf://someone/tiny@v1", OLD),
        (f"hf://someone/tiny@{OLD}", OLD),
        (Path("hf://someone/tiny@v1"), OLD),
    ],
)
def test_a_revision_is_read_and_named_by_its_commit(offline, address, commit):
    model = load(address)
    assert model.source == pinned(address) == f"hf://someone/tiny@{commit}"
    expected = Forecaster(tiny_network(int(commit[-1])))
    np.testing.assert_array_equal(point(model), point(expected))
    assert read_card(resolve(address))["seed"] == int(commit[-1])


def test_a_shipped_model_and_a_folder_name_themselves(tmp_path):
    folder = write_weights(tmp_path / "mine", 1)
    assert load(folder).source == str(folder)
    assert load().source == "ttm-2048-720"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://someone", "'hf://someone' is no address on the hub: give hf://owner/name"),
        ("hf://someone/tiny@", "is no address"),
        ("hf://someone/tiny/file", "is no address"),
        ("hf://someone/other", "someone/other is not, or not whole, in the cache .*unset HF_HUB_O"),
        ("hf://someone/tiny@v2", "tiny@v2 is not, or not whole, in the cache"),
        (f"hf://someone/tiny@{'f' * 40}", "is not, or not whole, in the cache"),
        ("hf://some..one/tiny", "some..one/tiny: Cannot have -- or .."),
    ],
)
def test_what_is_not_there_is_one_line(offline, address, message):
    with pytest.raises(WeightsError, match=message) as caught:
        load(address)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "name",
    ["owner/name", "https://huggingface.co/owner/name", "https://hf.co/owner/name/tree/main"],
)
def test_what_may_be_on_the_hub_is_told_its_address(name):
    with pytest.raises(WeightsError, match=r"of the hub, give hf://owner/name$"):
        load(name)


def test_an_address_may_end_in_onnx(offline):
    with pytest.raises(
        WeightsError, match=r"hf://owner/name\.onnx is not, or not whole, in the cache"
    ):
        load("hf://owner/name.onnx")


def test_a_forecaster_by_onnxruntime_is_told_what_sends_it():
    pytest.importorskip("onnxruntime")
    with pytest.raises(AttributeError, match='load it with runtime="torch"'):
        save_to_hub(load(runtime="onnx"), "owner/name")


def test_a_damaged_download_is_refused(offline, cache, monkeypatch, tmp_path):
    copy = tmp_path / "models--someone--broken" / "snapshots" / OLD
    write_weights(copy, 1)
    (copy / "model.safetensors").write_bytes(b"damaged")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="is damaged, its checksum is not that in config"):
        load(f"hf://someone/broken@{OLD}")


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsError, match=r"pip install 'ttm-estimators\[hub\]'"):
        load("hf://someone/tiny")


def test_no_other_model_needs_the_library_or_a_request():
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('a request')\n"
        "socket.socket.connect = refuse\n"
        "import ttm_estimators\n"
        "ttm_estimators.load().forecast([1.0, 2.0, 3.0], 2)\n"
        "print('huggingface_hub' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.split() == [b"False"]


def test_the_command_line_takes_an_address_and_names_the_commit(offline, tmp_path):
    def ttm(model):
        arguments = ["forecast", str(SALES[0]), "--value", "sales", "--horizon", "3"]
        arguments += ["--output", str(tmp_path / "out.csv"), "--model", model]
        return CliRunner().invoke(app, arguments)

    done = ttm("hf://someone/tiny")
    assert done.exit_code == 0, done.output
    assert f"model hf://someone/tiny@{NEW}" in done.stdout
    refused = ttm("hf://someone/no")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: hf://someone/no is not, or not whole, in the cache")
    assert refused.stderr.count("\n") == 1


def test_a_backtest_names_the_commit(offline, tmp_path):
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=60), "y": SERIES})
    frame.to_csv(tmp_path / "y.csv", index=False)
    arguments = ["backtest", str(tmp_path / "y.csv"), "--horizon", "3", "--windows", "2"]
    done = CliRunner().invoke(app, [*arguments, "--model", "hf://someone/tiny@v1"])
    assert done.exit_code == 0, done.output
    assert f"Model hf://someone/tiny@{OLD}\n" in done.stdout


def test_a_folder_of_files_is_forecast_with_an_address(offline, tmp_path):
    sales = pd.read_csv(SALES[0], parse_dates=["date"])
    (tmp_path / "data").mkdir()
    sales.to_parquet(tmp_path / "data" / "sales.parquet")
    options = {"id": "shop", "time": "date", "value": "sales"}
    for model in ("hf://someone/tiny@v1", "hf://someone/tiny@main"):
        manifest = forecast_dataset(
            tmp_path / "data", tmp_path / model[-2:], 3, model=model, **options
        )
        assert manifest["series"].tolist() == [3]
    old, new = (pd.read_parquet(tmp_path / name)["median"] for name in ("v1", "in"))
    assert (old != new).all()
    with pytest.raises(WeightsError, match="is not, or not whole, in the cache"):
        forecast_dataset(tmp_path / "data", tmp_path / "no", 3, model="hf://someone/no", **options)


class Hub(BaseHTTPRequestHandler):
    """So much of the hub as a download asks of it: one repository at one commit."""

    folder: Path
    requests: list[str]

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        self.requests.append(f"{self.command} {path}")
        name = path.rpartition("/")[2]
        if path.startswith("/api/models/someone/served/tree/"):
            files = [
                {"type": "file", "path": each.name, "size": each.stat().st_size, "oid": "0" * 40}
                for each in sorted(self.folder.iterdir())
            ]
            self.send(json.dumps(files).encode())
        elif path.startswith("/api/models/someone/served"):
            siblings = [{"rfilename": each.name} for each in sorted(self.folder.iterdir())]
            facts = {"id": "someone/served", "_id": "1", "sha": NEW, "siblings": siblings}
            self.send(json.dumps(facts).encode())
        elif path.startswith("/someone/served/resolve/") and (self.folder / name).is_file():
            self.send((self.folder / name).read_bytes())
        else:
            self.send(b"{}", 404, {"X-Error-Code": "RepoNotFound"})

    def send(self, data: bytes, status: int = 200, headers: dict | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", NEW)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path):
    """A hub on this machine, whose repository has more files than a weights folder."""
    Hub.folder, Hub.requests = write_weights(tmp_path / "served", 2), []
    (Hub.folder / "pytorch_model.bin").write_bytes(b"a pickle")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    server.shutdown()


DOWNLOADS = """
import sys, ttm_estimators
from ttm_estimators.weights.hub import fetch
print(ttm_estimators.load("hf://someone/served").source)
print(ttm_estimators.load("hf://someone/served@" + sys.argv[1]).source)
try:
    ttm_estimators.load("hf://someone/nothing")
except ttm_estimators.WeightsError as error:
    print(error)
"""


def test_a_download_fetches_the_files_of_a_weights_folder_and_no_others(hub, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DOWNLOADS, NEW],
        env={**os.environ, **hub},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, pinned_one, refused = done.stdout.splitlines()
    assert first == pinned_one == f"hf://someone/served@{NEW}"
    assert refused.startswith("there is no hf://someone/nothing on the hub, or it is private")
    snapshot = tmp_path / "cache" / "models--someone--served" / "snapshots" / NEW
    assert {each.name for each in snapshot.iterdir()} <= {*FILES}
    assert not any("pytorch_model" in request for request in Hub.requests)
    # What is there by its commit is not asked for.
    weights = f"GET /someone/served/resolve/{NEW}/model.safetensors"
    assert Hub.requests.count(weights) == 1
    assert not any(request.endswith(f"/revision/{NEW}") for request in Hub.requests)


class Api:
    """The part of ``HfApi`` that an upload calls, which keeps what it is given."""

    calls: list

    def __init__(self, **options: object) -> None:
        pass

    def create_repo(self, repository: str, **options: object) -> None:
        self.calls.append(("create_repo", repository, options))

    def create_branch(self, repository: str, **options: object) -> None:
        self.calls.append(("create_branch", repository, options))

    def upload_folder(self, folder_path: Path, **options: object):
        files = {each.name: each.read_bytes() for each in Path(folder_path).iterdir()}
        self.calls.append(("upload_folder", files, options))
        return type("Commit", (), {"oid": NEW})


@pytest.fixture
def sent(monkeypatch, tmp_path):
    """Upload a model and give the address, the calls, and what was sent as a folder."""
    import huggingface_hub

    Api.calls = []
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)

    def send(model, **options):
        address = save_to_hub(model, "someone/mine", **options)
        folder = tmp_path / "sent"
        folder.mkdir()
        for name, data in Api.calls[-1][1].items():
            (folder / name).write_bytes(data)
        return address, Api.calls, folder

    return send


def test_a_folder_is_sent_with_its_card_and_metadata_and_nothing_else(sent, tmp_path):
    folder = write_weights(tmp_path / "mine", 3)
    (folder / "notes.txt").write_text("private")
    (folder / "training.ckpt").write_bytes(b"a pickle")
    address, calls, found = sent(folder, private=True, message="First")
    assert address == f"hf://someone/mine@{NEW}"
    assert calls[0] == ("create_repo", "someone/mine", {"private": True, "exist_ok": True})
    options = calls[1][2]
    assert (options["repo_id"], options["commit_message"]) == ("someone/mine", "First")
    assert set(options["allow_patterns"]) == {*FILES}
    assert {each.name for each in found.iterdir()} == {*FILES}
    np.testing.assert_array_equal(point(load(found)), point(load(folder)))
    assert read_card(found) == read_card(folder)
    metadata = (found / "README.md").read_text().split("---")[1]
    assert "license: apache-2.0" in metadata
    assert "library_name: ttm-estimators" in metadata


def test_a_forecaster_is_sent_with_how_it_forecasts_and_the_names_of_its_covariates(sent):
    network = tiny_network(
        channels=2, mix_channels=True, target_channels=(0,), covariate_channels=(1,),
        exogenous_mixing=True, exogenous_context=2,
    )  # fmt: skip
    model = Forecaster(network, roles=Roles(["price"]))
    _, calls, folder = sent(model, revision="trial")
    assert calls[1] == ("create_branch", "someone/mine", {"branch": "trial", "exist_ok": True})
    again = load(folder)
    assert list(again.roles.known) == ["price"]
    assert again.forecasting == model.forecasting
    assert again.config == network.config


def test_a_shipped_model_keeps_its_readme(sent):
    _, _, folder = sent("ttm-2048-720")
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name")
    assert text.endswith((resolve(None) / "README.md").read_text(encoding="utf-8"))


def test_what_can_not_be_sent_is_refused_before_a_request(sent, tmp_path):
    folder = write_weights(tmp_path / "mine", 3)
    (folder / "model.safetensors").write_bytes(b"damaged")
    for model, repository, message in (
        (folder, "someone/mine", "damaged"),
        ("nowhere", "someone/mine", "unknown model"),
        ("ttm-2048-720", "mine", "'mine' is no repository of the hub: give owner/name"),
    ):
        with pytest.raises(WeightsError, match=message):
            save_to_hub(model, repository)
    assert Api.calls == []


def test_a_refusal_of_the_hub_is_one_line(monkeypatch):
    def offline(*args, **options):
        raise ConnectionError("no\nnetwork")

    monkeypatch.setattr(Api, "create_repo", offline)
    monkeypatch.setattr(upload, "library", lambda: type("hub", (), {"HfApi": Api}))
    with pytest.raises(WeightsError, match="hf://someone/mine: no network, check the network"):
        save_to_hub("ttm-2048-720", "someone/mine")
