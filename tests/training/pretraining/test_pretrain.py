import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save_file

from tests.tiny import TINY, tiny_network
from ttm_estimators import TinyTimeMixer
from ttm_estimators.data.stream import WindowStream
from ttm_estimators.weights import load_network, read_card

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_estimators.training.loss import pinball_loss
from ttm_estimators.training.pretraining import pretrain as pretraining
from ttm_estimators.training.pretraining.chunks import prepare_chunk
from ttm_estimators.training.pretraining.pretrain import Recipe, pretrain
from ttm_estimators.training.pretraining.run_folder import read_checkpoint
from ttm_estimators.training.pretraining.run_log import RunLog
from ttm_estimators.training.pretraining.step import Step, chunk_loss

RESOLVED = replace(TINY, resolutions=10)


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def same(network, other):
    return torch.equal(weights(network), weights(other))


class Clock:
    """A second, or another pace, passes at each look."""

    def __init__(self, pace=1.0):
        self.now = 0.0
        self.pace = pace

    def __call__(self):
        self.now += self.pace
        return self.now


class Killed(BaseException):
    """Leaves a run as a killed process does."""


def shorten_periods(setattr):
    setattr(pretraining, "CPU_CHUNK_WINDOWS", 16)
    setattr(pretraining, "REPORT_STEPS", 2)
    setattr(pretraining, "CHECKPOINT_SECONDS", 2.0)
    setattr(pretraining, "VALIDATION_WINDOWS", 8)
    setattr(pretraining, "VALIDATED_AT_ONCE", 8)


@pytest.fixture(autouse=True)
def _short_periods(monkeypatch):
    shorten_periods(monkeypatch.setattr)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = [np.random.default_rng(i).normal(size=200).cumsum() for i in range(8)]
    table = {"target": rows, "freq": ["h"] * 8}
    parquet.write_table(pyarrow.table(table), folder / "walks.parquet")
    return folder


def train(folder, *, corpus=None, budget=None, start=None, config=TINY, clock=None, **changes):
    recipe = {"steps": 16, "batch_size": 8, "warmup_steps": 2, "real_fraction": 0.0}
    return pretrain(
        config,
        Recipe(**{**recipe, **changes}),
        folder,
        corpus=corpus,
        budget=budget,
        start=start,
        workers=0,
        progress=False,
        clock=clock or Clock(),
    )


def kill(monkeypatch, step, folder, **options):
    """Train until a step has begun."""

    class Dying(Step):
        def __call__(self, batch, number, rate):
            if number == step:
                raise Killed
            super().__call__(batch, number, rate)

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "Step", Dying)
        with pytest.raises(Killed):
            train(folder, **options)


def read_log(folder):
    rows = []
    for path in sorted(folder.glob("log/*/metrics.csv")):
        with path.open() as file:
            rows += csv.DictReader(file)
    return rows


def test_training_lowers_the_loss(tmp_path):
    window = WindowStream(TINY.context_length, TINY.horizon, 256, seed=99).batch(0)

    def loss(network):
        return chunk_loss(network.eval(), prepare_chunk(TINY, window)).item()

    network = train(tmp_path, steps=40, learning_rate=1e-2)
    assert loss(network) < 0.9 * loss(TinyTimeMixer(TINY))


def test_a_network_with_a_resolution_prefix_learns_the_tokens_that_its_windows_have(
    tmp_path, monkeypatch, corpus
):
    monkeypatch.setattr(
        "ttm_estimators.data.corpus.read.SAMPLING_FACTORS", (2,)
    )  # of hours: no token
    options = {"corpus": corpus, "real_fraction": 0.5, "weight_decay": 0.0, "config": RESOLVED}
    first, trained = (
        train(tmp_path / f"{steps}", steps=steps, **options).backbone.prefix.embedding.weight
        for steps in (1, 16)
    )
    assert (first != trained).any(dim=1).nonzero().flatten().tolist() == [0, 7]


def test_a_resolution_without_a_token_of_the_network_is_unknown_to_it():
    network = tiny_network(resolutions=3)
    window = WindowStream(TINY.context_length, TINY.horizon, 8).batch(0)

    def loss(token):
        seen = window._replace(resolution=torch.full((8,), token))
        return chunk_loss(network, prepare_chunk(network.config, seen))

    assert loss(3) == loss(9) == loss(0)
    assert loss(2) != loss(0)


def test_a_seed_makes_training_repeat_exactly(tmp_path):
    first, again = (train(tmp_path / name) for name in ("first", "again"))
    assert same(first, again)
    assert not same(first, train(tmp_path / "other", seed=1))


def test_the_result_is_a_weights_folder_with_a_card(tmp_path):
    network = train(tmp_path)
    assert same(load_network(tmp_path), network)
    assert not network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    card = read_card(tmp_path)
    assert (card["steps"], card["windows"], card["start"]) == (16, 128, None)
    assert card["hardware"]
    assert card["cores"] >= 1
    assert card["core_hours"] == pytest.approx(card["cores"] * card["hours"], abs=0.01)


@pytest.mark.parametrize(
    ("steps", "changes"),
    [
        (7, {}),
        (8, {}),
        (13, {}),
        (13, {"precision": "bf16-mixed"}),
        (13, {"config": RESOLVED}),
        (13, {"batch_size": 5}),
        (13, {"batch_size": 20}),
    ],
)
def test_a_killed_run_ends_where_an_undisturbed_one_does(
    tmp_path, monkeypatch, corpus, steps, changes
):
    options = {"corpus": corpus, "real_fraction": 0.5, "validation_every": 4, "steps": steps}
    options |= changes
    monkeypatch.setattr(pretraining, "CHECKPOINT_SECONDS", 0.0)
    undisturbed = train(tmp_path / "undisturbed", **options)
    for step in (5, 6):  # twice, for a resumed run must be resumable too
        kill(monkeypatch, step, tmp_path / "killed", **options)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    assert same(train(tmp_path / "killed", **options), undisturbed)
    assert same(train(tmp_path / "killed", **options), undisturbed)  # and when it is done
    logs = {path.name for path in (tmp_path / "killed" / "log").iterdir()}
    assert {"from_step_0"} < logs


def test_a_killed_run_that_is_compiled_ends_where_an_undisturbed_one_does(tmp_path, monkeypatch):
    compiler, compiled = torch.compile, []

    def without_machine_code(loss, options):  # which would take minutes
        compiled.append(options)
        return compiler(loss, backend="aot_eager_decomp_partition")

    monkeypatch.setattr(torch, "compile", without_machine_code)
    small = replace(RESOLVED, adaptive_patching_levels=1, seasons=False, seasons_length=0)
    options = {"compile": True, "steps": 7, "validation_every": 4, "config": small}
    undisturbed = train(tmp_path / "undisturbed", **options)
    torch.compiler.reset()  # a resumed run is another process
    kill(monkeypatch, 5, tmp_path / "killed", **options)
    torch.compiler.reset()
    assert same(train(tmp_path / "killed", **options), undisturbed)
    assert compiled == 3 * [{"fallback_random": True}]


ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("tiny_run.py")


def start_process(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_process_that_is_killed_is_gone_on_from(tmp_path):
    process = start_process(SCRIPT, tmp_path / "killed", 60)
    checkpoint = tmp_path / "killed" / "checkpoints" / "last.safetensors"
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    process.kill()
    assert process.wait() != 0
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    resumed, undisturbed = (train(tmp_path / name, steps=60) for name in ("killed", "undisturbed"))
    assert len(list((tmp_path / "killed" / "log").iterdir())) == 2
    assert same(resumed, undisturbed)


def run_two_processes(*arguments):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    assert start_process(*launcher, SCRIPT, *arguments).wait(timeout=300) == 0


def test_two_processes_may_be_given_more_steps(tmp_path):
    run_two_processes(tmp_path / "extended", 12)
    run_two_processes(tmp_path / "extended", 20)
    run_two_processes(tmp_path / "undisturbed", 20)
    assert same(load_network(tmp_path / "extended"), load_network(tmp_path / "undisturbed"))
    first, second = (torch.load(tmp_path / "extended" / f"seen_by_{rank}.pt") for rank in (0, 1))
    assert torch.equal(first["weights"], second["weights"])


def test_two_processes_train_on_windows_of_their_own_and_agree(tmp_path):
    run_two_processes(tmp_path, 1, 40.0)
    first, second = (torch.load(tmp_path / f"seen_by_{rank}.pt") for rank in (0, 1))
    assert torch.equal(first["weights"], second["weights"])
    varying = [{row.numpy().tobytes() for row in each["windows"]} for each in (first, second)]
    assert varying[0].isdisjoint(varying[1])
    # The clock of the first process has decided for both.
    steps = json.loads((tmp_path / "run.json").read_text())["steps"]
    assert 20 < steps < 120
    assert 4 * steps < len(first["windows"]) <= 8 * steps
    assert read_card(tmp_path)["windows"] == 2 * 8 * steps


@pytest.mark.parametrize("stopped", [9, 12, 15, None])
def test_a_run_that_is_given_more_steps_ends_where_a_long_one_does(tmp_path, monkeypatch, stopped):
    undisturbed = train(tmp_path / "undisturbed", steps=24)
    if stopped is None:
        train(tmp_path / "extended")
    else:
        kill(monkeypatch, stopped, tmp_path / "extended")
    kill(monkeypatch, 14, tmp_path / "extended", steps=24)
    assert same(train(tmp_path / "extended", steps=24), undisturbed)


@pytest.mark.parametrize("decay_fraction", [0.0, 0.95, 1.0])
def test_a_run_of_any_decay_may_be_given_more_steps(tmp_path, decay_fraction):
    undisturbed = train(tmp_path / "undisturbed", steps=24, decay_fraction=decay_fraction)
    train(tmp_path / "extended", steps=10, decay_fraction=decay_fraction)
    extended = train(tmp_path / "extended", steps=24, decay_fraction=decay_fraction)
    assert same(extended, undisturbed)


def test_what_was_trained_before_the_decay_is_kept_when_a_run_is_extended_again(
    tmp_path, monkeypatch
):
    train(tmp_path, steps=16)
    kill(monkeypatch, 40, tmp_path, steps=100)
    train(tmp_path, steps=120)
    starts = {path.parent.name for path in tmp_path.glob("log/*/metrics.csv")}
    first = max(int(name.split("_")[2]) for name in starts)
    assert 30 < first <= 40


def test_a_run_that_has_finished_is_left_as_it_is(tmp_path, monkeypatch):
    network = train(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(pretraining, "Step", lambda *_: pytest.fail("trains again"))
    again = train(tmp_path)
    assert same(again, network)
    assert not again.training
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_of_an_earlier_version_is_left_alone(tmp_path):
    train(tmp_path)
    last = tmp_path / "checkpoints" / "last.safetensors"
    last.rename(last.with_name("last.ckpt"))
    with pytest.raises(ValueError, match="a run of an earlier version: choose another folder"):
        train(tmp_path)


def test_a_run_that_was_noted_with_old_names_is_resumed(tmp_path):
    network = train(tmp_path)
    run = tmp_path / "run.json"
    text = run.read_text().replace("_fraction", "_share")
    old = json.loads(text.replace("adaptive_patching_levels", "levels"))
    old["network"]["far_factors"] = [4, 12]
    run.write_text(json.dumps(old))
    assert same(train(tmp_path), network)
    assert "real_fraction" in run.read_text()


def test_a_damaged_checkpoint_is_named(tmp_path):
    train(tmp_path)
    last = tmp_path / "checkpoints" / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"last.safetensors is damaged .*: delete it"):
        train(tmp_path)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"steps": "1", "seconds": "1"}, "the checkpoint is of another network"),
        ({"steps": "one", "seconds": "1"}, "last.safetensors is damaged .*: delete it"),
        (None, "last.safetensors is damaged .*: delete it"),
    ],
)
def test_a_foreign_checkpoint_is_refused(tmp_path, about, said):
    train(tmp_path)
    save_file({"x": torch.zeros(3)}, tmp_path / "checkpoints" / "last.safetensors", about)
    (tmp_path / "card.json").unlink()
    with pytest.raises(ValueError, match=said):
        train(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[" * 100_000, '{"steps": 3, "budget": null, "recipe": {}, "network": 3}'],
)
def test_a_damaged_note_of_a_run_is_refused(tmp_path, text):
    train(tmp_path)
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"run.json .*: choose another folder"):
        train(tmp_path)


def test_a_corpus_of_one_series_has_none_to_hold_back(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    table = pyarrow.table({"target": [np.sin(np.arange(200.0))]})
    parquet.write_table(table, tmp_path / "one.parquet")
    with pytest.raises(ValueError, match="a corpus of one series"):
        train(tmp_path / "run", corpus=tmp_path, real_fraction=0.5)


def test_a_run_is_not_made_shorter_than_its_stable_phase(tmp_path):
    train(tmp_path, steps=16)
    with pytest.raises(ValueError, match="ask for at least 16"):
        train(tmp_path, steps=10)


def test_a_budget_decides_on_the_steps(tmp_path):
    network = train(tmp_path / "clock", budget=40.0)
    run = json.loads((tmp_path / "clock" / "run.json").read_text())
    assert 20 < run["steps"] < 120
    assert read_card(tmp_path / "clock")["steps"] == run["steps"]
    assert same(network, train(tmp_path / "steps", steps=run["steps"]))


def test_a_run_with_a_budget_keeps_its_decision_and_its_time(tmp_path, monkeypatch):
    kill(monkeypatch, 9, tmp_path, budget=40.0)
    assert json.loads((tmp_path / "run.json").read_text())["steps"] > 1000
    assert read_checkpoint(tmp_path / "checkpoints" / "last.safetensors").seconds > 3
    network = train(tmp_path, budget=40.0)
    run = json.loads((tmp_path / "run.json").read_text())
    assert same(train(tmp_path, budget=40.0), network)
    assert json.loads((tmp_path / "run.json").read_text()) == run


def test_the_time_before_the_first_report_is_none_of_the_pace(tmp_path):
    class SlowStart(Clock):
        looks = 0

        def __call__(self):
            self.looks += 1
            self.now += 16.0 if self.looks == 2 else 1.0
            return self.now

    def end(clock):
        folder = tmp_path / type(clock).__name__
        train(folder, budget=40.0, decay_fraction=0.5, clock=clock)
        return json.loads((folder / "run.json").read_text())["steps"]

    quick, slow = end(Clock()), end(SlowStart())
    # Of 40 seconds, two steps a second: all of them, and those that compiling left.
    assert quick == pytest.approx(80, abs=6)
    assert slow == pytest.approx(48, abs=6)


def test_a_budget_that_the_run_has_used_up_is_refused(tmp_path):
    train(tmp_path, budget=40.0)
    with pytest.raises(ValueError, match=r"past the stable phase of one of 9 seconds: ask for at"):
        train(tmp_path, budget=9.0)


def test_a_finished_run_may_be_given_a_larger_budget(tmp_path):
    train(tmp_path / "run", budget=8.0)
    steps = json.loads((tmp_path / "run" / "run.json").read_text())["steps"]
    network = train(tmp_path / "run", budget=16.0)
    more = json.loads((tmp_path / "run" / "run.json").read_text())["steps"]
    assert more > steps
    assert same(network, train(tmp_path / "steps", steps=more))


@pytest.mark.parametrize("budget", [None, 60.0])
def test_the_time_left_is_told_and_runs_out(tmp_path, monkeypatch, budget):
    left = []

    def show(log, step, steps, seconds_left):
        left.append(seconds_left)

    monkeypatch.setattr(RunLog, "show", show)
    train(tmp_path, budget=budget)
    assert left[len(left) // 2] > left[-1] == 0
    if budget is not None:
        assert left[:3] == sorted(left[:3], reverse=True)
        assert 0.8 * budget < left[0] < budget


def test_what_is_kept_is_the_running_mean_of_the_weights(tmp_path):
    seen = []

    class Recording(Step):
        def __call__(self, batch, number, rate):
            super().__call__(batch, number, rate)
            seen.append(weights(self.network).clone())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretraining, "Step", Recording)
        network = train(tmp_path / "mean", averaged_fraction=0.5)
    mean = seen[0]
    for n, latest in enumerate(seen[1:], start=1):
        mean = mean + (latest - mean) / (1 + 0.5 * n)
    torch.testing.assert_close(weights(network), mean)
    last = train(tmp_path / "last", averaged_fraction=0.0)
    torch.testing.assert_close(weights(last), seen[-1])


def test_training_is_relative_to_what_is_known_and_validation_is_not():
    network = tiny_network()
    window = WindowStream(64, 12, 8, input_length=128).batch(0)
    with torch.no_grad():
        forecast, scaling = network.decode(network.encode(window.past[..., None]))
    target = scaling.normalise(window.future[..., None])
    levels = network.config.quantile_levels
    relative = pinball_loss(forecast, target, levels, relative=True)
    absolute = pinball_loss(forecast, target, levels)
    chunk = prepare_chunk(network.config, window)
    trained = Step(network, Recipe(), chunk).loss(network.eval(), chunk, "32-true")
    assert trained.item() == pytest.approx(relative.item())
    assert chunk_loss(network, chunk).item() == pytest.approx(absolute.item())
    assert absolute.item() != pytest.approx(relative.item())


def test_validation_is_on_held_back_series_and_fresh_synthetic_ones(tmp_path, corpus):
    train(tmp_path, corpus=corpus, real_fraction=0.5, validation_every=8)
    rows = [row for row in read_log(tmp_path) if row["val_corpus"]]
    assert [int(row["step"]) for row in rows] == [8, 16]
    assert all(float(row["val_corpus"]) > 0 and float(row["val_synthetic"]) > 0 for row in rows)
    assert rows[0]["val_corpus"] != rows[0]["val_synthetic"]
    assert list(tmp_path.glob("tensorboard/from_step_0/events*"))


def test_the_log_counts_the_windows_that_were_not_finite(tmp_path, monkeypatch):
    batch = WindowStream.batch

    def broken(stream, k):
        window = batch(stream, k)
        if k < 1_000:
            window.past[3, -1] = torch.inf
        return window

    monkeypatch.setattr(WindowStream, "batch", broken)
    network = train(tmp_path, steps=6)
    rows = read_log(tmp_path)
    assert [int(row["windows_not_finite"]) for row in rows] == [1, 1, 1]  # one of each chunk
    assert weights(network).isfinite().all()
    assert all(float(row["windows_per_second"]) > 0 for row in rows)
    assert [float(row["learning_rate"]) > 0 for row in rows] == [True] * 3


def test_a_loss_that_is_no_longer_finite_ends_the_run_and_keeps_its_checkpoint(
    tmp_path, monkeypatch
):
    class Diverging(Step):
        def _gradients(self):
            super()._gradients()
            if self.learning_rate < 1e-3:  # at the end of the decay
                self.loss_sum += torch.nan

    monkeypatch.setattr(pretraining, "Step", Diverging)
    with pytest.raises(
        ValueError, match=r"the loss is not finite after 16 steps: train with a lower"
    ):
        train(tmp_path, decay_fraction=0.5)
    kept = read_checkpoint(tmp_path / "checkpoints" / "last.safetensors")
    assert 0 < kept.steps < 16
    assert all(tensor.isfinite().all() for tensor in kept.tensors.values())
    assert not (tmp_path / "model.safetensors").exists()


def test_a_large_gpu_makes_as_many_windows_as_it_may_and_a_small_one_fewer(monkeypatch):
    made = []
    for gigabytes in (80, 8):
        properties = SimpleNamespace(total_memory=gigabytes * 10**9)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _, p=properties: p)
        made.append(pretraining._chunk_windows(torch.device("cuda")))
    assert made == [131_072, 26_666]


def test_random_numbers_of_others_are_left_as_they_were(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(tmp_path, steps=2)
    assert torch.equal(torch.rand(3), expected)


def test_validation_windows_do_not_depend_on_the_batches_of_training(tmp_path, corpus):
    losses = []
    for size in (4, 8):
        options = {"steps": 1, "learning_rate": 1e-9, "corpus": corpus, "real_fraction": 0.5}
        train(tmp_path / f"{size}", batch_size=size, **options)
        losses.append([row["val_corpus"] for row in read_log(tmp_path / f"{size}")])
    assert [float(a) for a in losses[0]] == pytest.approx([float(a) for a in losses[1]], rel=1e-5)


def test_validation_leaves_training_as_it_is(tmp_path):
    often = train(tmp_path / "often", validation_every=2)
    assert same(often, train(tmp_path / "never", validation_every=1000))


def test_real_windows_need_a_corpus(tmp_path):
    with pytest.raises(ValueError, match="name a corpus"):
        train(tmp_path / "run", real_fraction=0.5)
    assert not (tmp_path / "run").exists()


def test_a_run_may_start_from_trained_weights(tmp_path):
    trained = train(tmp_path / "trained")
    # One step at a rate of next to nothing leaves them where they were.
    options = {"steps": 1, "learning_rate": 1e-12, "start": tmp_path / "trained"}
    network = train(tmp_path / "started", **options)
    torch.testing.assert_close(weights(network), weights(trained), rtol=0, atol=1e-9)
    assert read_card(tmp_path / "started")["start"]["model"] == str(tmp_path / "trained")
    with pytest.raises(ValueError, match="holds a run"):
        train(tmp_path / "started", **{**options, "start": None})


def test_weights_of_another_geometry_are_refused_as_a_start(tmp_path):
    train(tmp_path / "trained", steps=1)
    wider = replace(TINY, decoder_hidden_size=2 * TINY.decoder_hidden_size)
    with pytest.raises(ValueError, match="differs in decoder_hidden_size"):
        train(tmp_path / "started", config=wider, start=tmp_path / "trained")


def test_the_rate_warms_up_stays_and_decays():
    recipe = Recipe(steps=100, warmup_steps=10, decay_fraction=0.4)
    rates = [recipe.learning_rate_factor(step) for step in range(101)]
    assert rates[0] < rates[5] < rates[9] == 1.0
    assert rates[10:60] == [1.0] * 50
    assert rates[60] == 1.0
    assert rates[61] > rates[80] > rates[100] == 0.0
    assert recipe.stable_steps == 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"warmup_steps": 0},
        {"decay_fraction": 2.0},
        {"precision": "8"},
        {"learning_rate": -1.0},
        {"learning_rate": "fast"},
        {"real_fraction": 1.5},
        {"steps": 1.5},
        {"steps": True},
        {"compile": 1},
    ],
)
def test_a_recipe_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**wrong)


def test_a_network_for_more_than_single_series_is_refused(tmp_path):
    mixing = replace(TINY, channels=2, mix_channels=True)
    with pytest.raises(ValueError, match="single series"):
        pretrain(mixing, Recipe(steps=1, real_fraction=0.0), tmp_path / "run")
    assert not (tmp_path / "run").exists()
