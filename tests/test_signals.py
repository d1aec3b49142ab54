"""Ctrl-C and SIGTERM end a command with exit code 130 or 143, without a word, at any moment."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module

import pytest

from ttm_estimators.signals import ENDING, ended_by_signals, without_interrupts

if sys.platform == "win32":
    pytest.skip("no such signals", allow_module_level=True)

BOTH = pytest.mark.parametrize("number", ENDING)


def receive(number):
    os.kill(os.getpid(), number)
    time.sleep(5)


def code_of(block):
    """Exit code of a block."""
    with pytest.raises(SystemExit) as end, ended_by_signals():
        block()
    return end.value.code


@BOTH
def test_a_block_ends_as_an_exit_and_cleans_up(number):
    cleaned = []

    def block():
        try:
            receive(number)
        finally:
            cleaned.append(True)

    assert code_of(block) == 128 + number
    assert cleaned


@BOTH
def test_what_a_library_makes_of_it_does_not_count(number):
    def makes_an_error_of_it():
        try:
            receive(number)
        except SystemExit:
            raise TypeError("an error of a library") from None

    def swallows_it():
        with suppress(SystemExit):
            receive(number)

    assert code_of(makes_an_error_of_it) == 128 + number
    assert code_of(swallows_it) == 128 + number


def test_errors_of_a_block_pass_and_handlers_are_as_before():
    before = [signal.getsignal(number) for number in ENDING], sys.unraisablehook
    with pytest.raises(KeyError), ended_by_signals():
        raise KeyError("a")
    assert ([signal.getsignal(number) for number in ENDING], sys.unraisablehook) == before


def test_a_signal_in_a_destructor_is_not_lost():
    class Sent:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    def block():
        Sent()
        time.sleep(5)

    began = time.monotonic()
    assert code_of(block) == 130
    assert time.monotonic() - began < 4


def test_an_import_is_not_broken_off_and_ends_all_the_same(tmp_path, monkeypatch):
    """C++ that imports, as torch does, aborts the process where an import raises."""
    (tmp_path / "slow_to_import.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.1)\ndone = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def block():
        import_module("slow_to_import")
        time.sleep(5)

    assert code_of(block) == 130
    assert sys.modules["slow_to_import"].done


@BOTH
@pytest.mark.parametrize("package", ["ttm_estimators", "ttm_benchmarks"])
def test_a_command_that_still_loads_ends_without_a_word(tmp_path, package, number):
    (tmp_path / "typer.py").write_text("import time\nprint('loads', flush=True)\ntime.sleep(60)\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-m", package, "--help"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "loads\n"
    process.send_signal(number)
    time.sleep(0.7)
    process.send_signal(number)  # an impatient user
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (128 + number, "")


@pytest.mark.parametrize("others", [0, 1], ids=["alone", "beside a thread that may take it"])
def test_ctrl_c_waits_until_processes_are_started(others):
    began, ends = [], threading.Event()
    for _ in range(others):
        threading.Thread(target=ends.wait, daemon=True).start()

    def block():
        with without_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            began.append(True)
        time.sleep(5)

    assert code_of(block) == 130
    assert began
    ends.set()


def test_nothing_is_told_of_errors_in_destructors_after_a_signal(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    class Worker:
        def __del__(self):
            raise RuntimeError("a worker exited unexpectedly")

    def block():
        try:
            receive(signal.SIGINT)
        finally:
            Worker()

    assert code_of(block) == 130
    assert not told


def test_nothing_is_told_of_what_is_destroyed_at_the_end_of_a_process(tmp_path):
    (tmp_path / "of_mine.py").write_text(
        """
import os, signal, time

class Worker:
    def __init__(self):
        self.itself = self  # freed by the collector, after the command

    def __del__(self):
        raise RuntimeError("a worker exited unexpectedly")

def main():
    worker = Worker()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
"""
    )
    program = "from ttm_estimators.signals import run_main; run_main('of_mine')"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (130, "")
