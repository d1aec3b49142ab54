"""Trials one after the other, each drawn from the seed and its number, and what came of them."""

from __future__ import annotations

import csv
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ttm_benchmarks.chaos.child import run as run_child
from ttm_benchmarks.chaos.child import warm_up
from ttm_benchmarks.chaos.commands import write_inputs
from ttm_benchmarks.chaos.damage import (
    damage_corpus,
    damage_recipe,
    damage_run,
    damage_table,
    damage_weights,
)
from ttm_benchmarks.chaos.disk import fill_disk
from ttm_benchmarks.chaos.kill import kill, undisturbed
from ttm_benchmarks.chaos.trial import Reference, Trial

KINDS = {
    "kill": 30,
    "table": 790,
    "weights": 130,
    "recipe": 14,
    "run folder": 12,
    "corpus": 14,
    "full disk": 10,
}
"""How often each kind is drawn, of a thousand."""

TRIED = ("kills", "damaged inputs", "weights folders", "full disks")
WRONG = ("faults", "losses", "leftovers")

COLUMNS = ("number", "kind", "what", "kills", "code", "faults", "losses", "leftovers", "said")

MAX_SAID_CHARACTERS = 300


def run(output: Path, *, minutes: float, seed: int, only: int | None) -> bool:
    """Run trials for a while, and say what came of them.

    Writes ``trials.csv``, and keeps the working folder of each trial that failed.

    Parameters
    ----------
    output : Path
        Folder for these, made where there is none.
    minutes : float
        How long.
    seed : int
        Of everything that is random.
    only : int or None
        Number of the trial to repeat. The moments of kills are not exactly the same.

    Returns
    -------
    bool
        Whether all was as it should be.
    """
    if not sys.platform.startswith("linux"):
        raise OSError("trials need Linux, where processes can be forked and memory is told")
    ends = time.monotonic() + 60 * minutes
    output.mkdir(parents=True, exist_ok=True)
    warm_up()
    counts: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as aside,
        (output / "trials.csv").open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(COLUMNS)
        folder = Path(aside)
        inputs = folder / "inputs"
        inputs.mkdir()
        made = run_child(("ttm", "--version"), inputs, prepare=lambda: write_inputs(inputs))
        if made.code:
            raise RuntimeError(made.errors)
        references = undisturbed(folder, inputs)
        number = 0 if only is None else only
        while True:
            kind, trial, place = _one(seed, number, folder, inputs, references)
            said = " / ".join(trial.said.split("\n"))[-MAX_SAID_CHARACTERS:]
            found = [", ".join(each) for each in (trial.faults, trial.losses, trial.leftovers)]
            table.writerow([number, kind, trial.what, trial.kills, trial.code, *found, said])
            file.flush()
            counts += _counted(kind, trial)
            if trial.failed:
                kept = output / f"seed-{seed}-trial-{number}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(place, kept, symlinks=True, ignore=_sockets)
                (kept / "said.txt").write_text(trial.said, encoding="utf-8")
                print(f"trial {number}, {kind}, {trial.what}: {'; '.join(filter(None, found))}")
                print(f"  {said}", flush=True)
            shutil.rmtree(place)
            number += 1
            if only is not None or time.monotonic() > ends:
                break
    print(", ".join(f"{counts[name]} {name}" for name in (*TRIED, *WRONG)))
    return not any(counts[name] for name in WRONG)


def _one(
    seed: int, number: int, folder: Path, inputs: Path, references: dict[str, Reference]
) -> tuple[str, Trial, Path]:
    draw = random.Random(f"{seed}/{number}")
    kind = draw.choices([*KINDS], [*KINDS.values()])[0]
    place = folder / f"trial-{number}"
    if kind in ("table", "weights"):
        place.mkdir()
    else:
        shutil.copytree(inputs, place)
    match kind:
        case "kill":
            trial = kill(draw, place, references)
        case "table":
            trial = damage_table(draw, place)
        case "weights":
            trial = damage_weights(draw, place)
        case "recipe":
            trial = damage_recipe(draw, place)
        case "run folder":
            trial = damage_run(draw, place, folder / "pretrain")
        case "corpus":
            trial = damage_corpus(draw, place)
        case _:
            trial = fill_disk(draw, place, references)
    return kind, trial, place


def _counted(kind: str, trial: Trial) -> Counter[str]:
    names = {"kill": "kills", "weights": "weights folders", "full disk": "full disks"}
    counts = Counter({names.get(kind, "damaged inputs"): trial.kills if kind == "kill" else 1})
    for name in WRONG:
        counts[name] += len(getattr(trial, name))
    return counts


def _sockets(folder: str, names: list[str]) -> list[str]:
    """Of workers that were killed, which can not be copied."""
    return [name for name in names if Path(folder, name).is_socket()]
