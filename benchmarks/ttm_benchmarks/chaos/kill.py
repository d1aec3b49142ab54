"""Kills at random moments: what was there stays, and the next run ends as if none had been."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

from ttm_benchmarks.chaos.child import Ended, errors_of, faults_of, run
from ttm_benchmarks.chaos.commands import COMMANDS, content, listing
from ttm_benchmarks.chaos.trial import Reference, Trial

MAX_KILLS_IN_A_ROW = 4

LOGS = ("out/log/", "out/tensorboard/")

OLD = b"what was there before\n"


def kill(draw: random.Random, folder: Path, references: dict[str, Reference]) -> Trial:
    """Kill a command up to four times in a row, and let it end.

    Parameters
    ----------
    draw : random.Random
        Chooses the command, the moments and the signals.
    folder : Path
        Of the trial, with the inputs.
    references : dict of str to Reference
        Runs that were not disturbed.
    """
    name = draw.choice([*COMMANDS])
    command, reference = COMMANDS[name], references[name]
    old = {file: OLD for file in command.files if "/" not in file and draw.random() < 0.5}
    for file, text in old.items():
        (folder / file).write_bytes(text)
    faults, losses, kills, said = [], [], 0, ""
    rows: set[bytes] = set()
    for _ in range(draw.randint(1, MAX_KILLS_IN_A_ROW)):
        sent = draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        moment = draw.uniform(0.0, reference.seconds)
        before = aside(folder)  # what SIGKILL has left, if this run ends before it removes it
        ended = run(command.arguments, folder, kill=(moment, sent))
        done = ended.code == 0
        kills += not done
        faults += faults_of(ended, (0, -sent if sent == signal.SIGKILL else 128 + sent))
        said += ended.errors
        if sent != signal.SIGKILL and not done:
            faults += [f"{path} after {sent.name}" for path in sorted(aside(folder) - before)]
            faults += [f"{line!r} after {sent.name}" for line in errors_of(ended)]
        losses += [
            f"{file} was cut"
            for file, text in old.items()
            if content(folder / file) not in (text, reference.contents[file])
        ]
        if name == "gift-eval":
            found = set((content(folder / "out/all_results.csv") or b"").splitlines())
            losses += [f"row lost: {row.decode()}" for row in rows - found]
            rows |= found
    ended = run(command.arguments, folder)
    faults += faults_of(ended, (0,))
    trial = Trial(name, faults, losses, kills=kills, said=said)
    return check_end(trial, ended, folder, reference)


def check_end(trial: Trial, ended: Ended, folder: Path, reference: Reference) -> Trial:
    """Compare what a run has left with what one that was not disturbed leaves."""
    trial.said += ended.errors
    for file, expected in reference.contents.items():
        if content(folder / file) != expected:
            trial.losses.append(f"{file} differs")
    # A log has a part for each start. What SIGKILL leaves in tmp is for the system to remove.
    found = {path for path in listing(folder) if not path.startswith((*LOGS, "tmp/"))}
    trial.leftovers += sorted(found - reference.listing)
    return trial


def aside(folder: Path) -> set[str]:
    """What is written aside, and is to be gone after a signal that can be handled."""
    return {path for path in listing(folder) if ".partial" in path or path.startswith("tmp/")}


def undisturbed(folder: Path, inputs: Path) -> dict[str, Reference]:
    """Run each command once."""
    references = {}
    for name, command in COMMANDS.items():
        place = folder / name
        shutil.copytree(inputs, place)
        ended = run(command.arguments, place)
        if faults := faults_of(ended, (0,)):
            raise RuntimeError(f"{name} undisturbed: {faults}: {ended.errors}")
        contents = {file: content(place / file) for file in command.files}
        references[name] = Reference(ended.seconds, contents, listing(place))
    return references
