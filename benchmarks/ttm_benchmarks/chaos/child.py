"""A command in a forked child: what it printed, how it ended, and what of that is a fault.

Importing torch takes seconds, and a fork takes milliseconds. The parent imports everything, and
runs nothing: libraries whose threads have begun to work do not outlive a fork.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from multiprocessing import util
from pathlib import Path
from typing import NamedTuple

from ttm_estimators.signals import ENDING, run_main

MAX_SECONDS = 300.0
"""Of a command, beyond which it hangs. They take a few seconds, on a busy machine too."""

NO_ERRORS = ("warning: ", "step ", "learning rate ")
"""What a line on standard error begins with that tells of none."""

MAX_SECONDS_ALONE = 20.0
"""Of a process that outlives the command that started it: torch's workers look every 5 seconds."""

MAX_PROCESSOR_SECONDS = 60
"""The same by the clock of the processor."""

MAX_BYTES = 2 << 30
"""Of memory, beyond what the imports take."""

WARM = (
    "lightning",
    "matplotlib.figure",
    "datasets",
    "gluonts.model.evaluation",
    "ttm_benchmarks.gift_eval.run",
    "ttm_estimators.backtest.cross_validation",
    "ttm_estimators.backtest.evaluation",
    "ttm_estimators.command_line.running",
    "ttm_estimators.tables.effects",
    "ttm_estimators.tables.fine_tune",
    "ttm_estimators.tables.forecast",
    "ttm_estimators.training.fine_tuning.fine_tune",
    "ttm_estimators.training.pretraining.pretrain",
)


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    """Exit code, or a signal with a minus sign."""

    output: str
    errors: str
    seconds: float
    grown_bytes: int
    """Memory at most, beyond that of the imports."""

    hung: bool

    alone: tuple[str, ...] = ()
    """Processes and shared memory that outlived it."""


def warm_up() -> None:
    """Import what the commands use."""
    for name in WARM:
        import_module(name)
    import torch

    torch.set_num_threads(1)
    gc.freeze()  # children that collect garbage would copy all of it


def run(
    command: Sequence[str],
    folder: Path,
    *,
    prepare: Callable[[], object] | None = None,
    kill: tuple[float, int] | None = None,
) -> Ended:
    """Run a command in a working folder of its own.

    Parameters
    ----------
    command : sequence of str
        ``ttm`` or ``ttm-bench``, and the arguments.
    folder : Path
        Where it runs. What libraries write to the user's cache or aside goes to ``home`` and
        ``tmp`` in it.
    prepare : callable, optional
        What the child does before, such as making a damaged file.
    kill : tuple of float and int, optional
        Seconds after which a signal is sent, and which. SIGINT goes to the processes that it
        started too, as from a terminal.
    """
    for name in ("tmp", "home"):
        (folder / name).mkdir(exist_ok=True)
    printed, errors = (folder.parent / f"{folder.name}-{name}" for name in ("out", "err"))
    for path in (printed, errors):  # which a child that is killed at once does not
        path.touch()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    before, shared = _resident_bytes(), _shared_memory()
    began = time.monotonic()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    process = os.fork()
    if process == 0:
        code = 70
        try:
            os.setpgid(0, 0)
            for number in ENDING:
                signal.signal(number, lambda number, _: os._exit(128 + number))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            code = _in_child(command, folder, printed, errors, prepare)
        finally:
            os._exit(code)
    os.setpgid(process, process)  # whichever of the two comes first
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    hung = False
    try:
        while True:
            ended, status, used = os.wait4(process, os.WNOHANG)
            if ended:
                break
            passed = time.monotonic() - began
            if kill is not None and passed >= kill[0]:
                (os.killpg if kill[1] == signal.SIGINT else os.kill)(process, kill[1])
                kill = None
            if passed > MAX_SECONDS:
                hung = True
                os.kill(process, signal.SIGKILL)
            time.sleep(0.002)
    except BaseException:  # such as Ctrl-C, which does not reach that group
        os.killpg(process, signal.SIGKILL)
        raise
    seconds = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    said = [path.read_text(encoding="utf-8", errors="replace") for path in (printed, errors)]
    for path in (printed, errors):
        path.unlink()
    grown = used.ru_maxrss * 1024 - before
    hung = hung or code == -signal.SIGXCPU
    return Ended(code, said[0], said[1], seconds, grown, hung, _alone(process, shared))


def faults_of(ended: Ended, codes: Sequence[int] = (0, 2)) -> list[str]:
    """What is wrong with the end of a command, nothing where it kept its promises."""
    faults = []
    if ended.hung:
        faults.append("hung")
    elif ended.code not in codes:
        faults.append(f"exit code {ended.code}")
    if "Traceback" in ended.errors or "Traceback" in ended.output:
        faults.append("traceback")
    if ended.code == 2:
        lines = errors_of(ended)
        if len(lines) != 1 or not lines[0].startswith("error: "):
            faults.append(f"{len(lines)} lines of error")
    if ended.alone:
        faults.append(f"left alone: {', '.join(ended.alone)}")
    if ended.grown_bytes > MAX_BYTES:
        faults.append(f"{ended.grown_bytes / 2**30:.1f} GiB")
    return faults


def errors_of(ended: Ended) -> list[str]:
    """Lines on standard error, less warnings and the progress of what takes long."""
    return [line for line in ended.errors.splitlines() if not line.startswith(NO_ERRORS)]


def _in_child(
    command: Sequence[str],
    folder: Path,
    printed: Path,
    errors: Path,
    prepare: Callable[[], object] | None,
) -> int:
    for path, number in ((printed, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ |= {"TMPDIR": str(folder / "tmp"), "XDG_CACHE_HOME": str(folder / "home")}
    tempfile.tempdir = None
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_PROCESSOR_SECONDS, MAX_PROCESSOR_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = 0
    try:
        if prepare is not None:
            prepare()
        module = {"ttm": "ttm_estimators.command_line", "ttm-bench": "ttm_benchmarks.command_line"}
        sys.argv = list(command)
        run_main(module[command[0]])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    util._exit_function()  # type: ignore[attr-defined]  # ends worker processes, as at the end of any process
    return code


def _alone(group: int, shared: set[str]) -> tuple[str, ...]:
    """What of a group of processes goes on for too long, which ends it."""
    ends = time.monotonic() + MAX_SECONDS_ALONE
    while left := _running(group):
        if time.monotonic() > ends:
            os.killpg(group, signal.SIGKILL)
            break
        time.sleep(0.02)
    more = _shared_memory() - shared
    return (*left, *(name for name in more if not Path("/proc", name.split("_")[1]).exists()))


def _running(group: int) -> list[str]:
    """Names of the processes of a group, less those that have ended and are not waited for."""
    names = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = place.read_text("utf-8", "replace").rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        state, _, of_group = rest.split()[:3]
        if int(of_group) == group and state not in "ZX":
            names.append(name.partition("(")[2])
    return names


def _shared_memory() -> set[str]:
    """Tensors that processes share by name, which has the number of one of them."""
    place = Path("/dev/shm")
    names = os.listdir(place) if place.is_dir() else []
    return {name for name in names if re.match(r"torch_\d+_", name)}


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
