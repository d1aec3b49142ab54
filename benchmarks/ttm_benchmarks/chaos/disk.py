"""Full disks: one line and exit code 2, and once there is space, the run ends as it would have."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ttm_benchmarks.chaos.child import faults_of, run
from ttm_benchmarks.chaos.commands import COMMANDS
from ttm_benchmarks.chaos.kill import aside, check_end
from ttm_benchmarks.chaos.trial import Reference, Trial

MIN_KB, MAX_KB = 4, 600
"""Space that is left, in kilobytes."""


def fill_disk(draw: random.Random, folder: Path, references: dict[str, Reference]) -> Trial:
    """Run a command where there is too little space, and again where there is enough.

    The disk is a file system in memory of its own. Where none may be mounted, no file may grow
    beyond a size.
    """
    name = draw.choice([*COMMANDS])
    command, reference = COMMANDS[name], references[name]
    kilobytes = int(MIN_KB * (MAX_KB / MIN_KB) ** draw.random())
    with _small_disk(folder.parent / f"{folder.name}-disk", folder, kilobytes) as (place, limit):
        ended = run(command.arguments, place, prepare=limit)
        trial = Trial(name, faults_of(ended), code=ended.code, said=ended.errors)
        trial.leftovers += sorted(aside(place))
        _grow(place)
        if ended.code == 2 and limit is None:
            again = run(command.arguments, place)
            trial.faults += faults_of(again, (0,))
            check_end(trial, again, place, reference)
        if trial.failed and place != folder:
            shutil.copytree(place, folder, dirs_exist_ok=True, symlinks=True)
    return trial


@contextmanager
def _small_disk(
    place: Path, inputs: Path, kilobytes: int
) -> Iterator[tuple[Path, Callable[[], object] | None]]:
    place.mkdir()
    try:
        if not _mount(place, "size=64m"):
            yield inputs, lambda: _limit_files(kilobytes)
            return
        try:
            shutil.copytree(inputs, place, dirs_exist_ok=True)
            (place / "tmp").mkdir(exist_ok=True)
            used = shutil.disk_usage(place).used // 1024
            _mount(place, f"remount,size={used + kilobytes}k")
            yield place, None
        finally:
            subprocess.run(["umount", "-l", place], check=True)
    finally:
        place.rmdir()


def _mount(place: Path, options: str) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    call = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    return subprocess.run(call, capture_output=True, check=False).returncode == 0


def _grow(place: Path) -> None:
    if place.is_mount():
        _mount(place, "remount,size=64m")


def _limit_files(kilobytes: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))
