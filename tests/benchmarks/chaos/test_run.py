"""A short form of ``make chaos``, and whether its trials can fail at all."""

import csv
import random
import signal
import socket
import subprocess
import sys

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("trials need Linux", allow_module_level=True)
pytest.importorskip("lightning", reason="some commands train")

from ttm_benchmarks.chaos.child import Ended, faults_of
from ttm_benchmarks.chaos.commands import COMMANDS
from ttm_benchmarks.chaos.damage import damage_bytes
from ttm_benchmarks.chaos.kill import check_end, kill
from ttm_benchmarks.chaos.run import _sockets
from ttm_benchmarks.chaos.trial import Reference, Trial


def test_a_short_run_finds_nothing_wrong(tmp_path):
    """In a process of its own, whose libraries have not begun to work."""
    program = "from ttm_benchmarks.command_line import main; main()"
    command = [sys.executable, "-c", program, "chaos", "--output", tmp_path / "chaos"]
    command += ["--minutes", "0.4", "--seed", "0"]
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 faults, 0 losses, 0 leftovers" in done.stdout
    with (tmp_path / "chaos" / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert [int(trial["number"]) for trial in trials] == [*range(len(trials))]
    assert {"kill", "table", "weights"} >= {trial["kind"] for trial in trials[:1]}
    assert [path.name for path in (tmp_path / "chaos").iterdir()] == ["trials.csv"]


def ended(code=0, errors="", **changes):
    return Ended(code, "", errors, 1.0, 0, False)._replace(**changes)


@pytest.mark.parametrize(
    ("end", "found"),
    [
        (ended(), []),
        (ended(2, "warning: a\nerror: b\n"), []),
        (ended(2, "error: a\nb\n"), ["2 lines of error"]),
        (ended(2, ""), ["0 lines of error"]),
        (ended(1), ["exit code 1"]),
        (ended(-11), ["exit code -11"]),
        (ended(0, "Traceback (most recent call last):"), ["traceback"]),
        (ended(-9, hung=True), ["hung"]),
        (ended(grown_bytes=3 << 30), ["3.0 GiB"]),
    ],
)
def test_what_is_a_fault(end, found):
    assert faults_of(end) == found


def test_a_file_that_differs_is_a_loss_and_one_that_is_more_a_leftover(tmp_path):
    (tmp_path / "out.csv").write_text("half")
    (tmp_path / ".x.partial").mkdir()
    reference = Reference(1.0, {"out.csv": b"whole"}, {"out.csv"})
    trial = check_end(Trial("forecast"), ended(), tmp_path, reference)
    assert trial.losses == ["out.csv differs"]
    assert trial.leftovers == [".x.partial"]
    assert trial.failed


@pytest.mark.parametrize(
    ("leaves", "faulty"), [(signal.SIGKILL, False), (signal.SIGTERM, True), (signal.SIGINT, True)]
)
def test_only_a_signal_that_can_be_handled_may_leave_nothing(tmp_path, monkeypatch, leaves, faulty):
    """What SIGKILL has left is there after signals that come before the next run removes it."""

    def run(arguments, folder, *, kill=None):
        sent = kill and kill[1]
        if sent is None:
            for left in folder.iterdir():
                left.rmdir()
        elif sent == leaves:
            (folder / ".x.partial").mkdir(exist_ok=True)
        return ended(0 if sent is None else -sent if sent == signal.SIGKILL else 128 + sent)

    monkeypatch.setattr("ttm_benchmarks.chaos.kill.run", run)
    monkeypatch.setattr("ttm_benchmarks.chaos.kill.COMMANDS", {"pretrain": COMMANDS["pretrain"]})
    references = {"pretrain": Reference(1.0, {}, set())}
    trials = []
    for seed in range(30):
        folder = tmp_path / str(seed)
        folder.mkdir()
        trials.append(kill(random.Random(seed), folder, references))
    assert {trial.kills for trial in trials} == {1, 2, 3, 4}
    assert any(trial.faults for trial in trials) == faulty
    assert not any(trial.leftovers for trial in trials)


def test_damage_is_of_the_seed():
    data = bytes(range(256))
    draws = [[damage_bytes(random.Random(seed), data) for seed in range(20)] for _ in range(2)]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 15


def test_sockets_of_killed_workers_are_not_kept(tmp_path):
    (tmp_path / "data.csv").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "listener"))
        assert _sockets(str(tmp_path), ["data.csv", "listener"]) == ["listener"]
