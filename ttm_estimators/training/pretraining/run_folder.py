"""The folder of a run: what is trained there, its checkpoints, and how to go on from them."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ttm_estimators.atomic import read_json, replacing, write_json
from ttm_estimators.network import TTMConfig, config
from ttm_estimators.training.recipe import OLD_NAMES, Recipe
from ttm_estimators.weights import resolve
from ttm_estimators.weights.folder import WEIGHTS_FILE
from ttm_estimators.weights.hub import pinned

UNDECIDED = 2**62
"""Steps of a run whose end a time budget decides later."""

RUN_FILE = "run.json"
"""What a folder's run trains, and how."""


def start_or_resume(
    output: Path, config: TTMConfig, recipe: Recipe, budget: float | None, start: str | Path | None
) -> int:
    """Start a run in a folder, or resume the one that is there if it is the same.

    Returns the number of steps. Under several processes the first one writes. What another finds
    is the same before and after.
    """
    if budget is not None and recipe.decay_fraction == 1:
        raise ValueError("decay_fraction must be below 1 when a budget decides on the steps")
    steps = recipe.steps if budget is None else UNDECIDED
    run: dict[str, Any] = {
        "network": asdict(config),
        "recipe": asdict(recipe),
        "start": None if start is None else {"model": pinned(start), "sha256": _fingerprint(start)},
        "budget": budget,
        "steps": steps,
    }
    del run["recipe"]["steps"]
    run = json.loads(json.dumps(run))
    if (output / RUN_FILE).exists():
        found = read_run(output)
        _refuse_other(output, found, run)
        if budget is not None and found["budget"] == budget:
            steps = run["steps"] = found["steps"]
        if steps != found["steps"]:
            _go_back(output, replace(recipe, steps=steps), found["steps"], budget)
    if is_first_process():
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / RUN_FILE, run)
    return steps


def _refuse_other(output: Path, found: dict[str, Any], run: dict[str, Any]) -> None:
    if any((output / "checkpoints").glob("*.ckpt")):
        raise ValueError(f"{output} holds a run of an earlier version: choose another folder")
    for part in ("network", "recipe", "start"):
        values, others = run[part] or {}, found.get(part) or {}
        for name in {**values, **others}:
            if name != "model" and others.get(name) != values.get(name):
                raise ValueError(
                    f"{output} holds a run whose {name} is {others.get(name)!r}, not "
                    f"{values.get(name)!r}: choose another folder, or the same settings to go on"
                )


def _go_back(output: Path, recipe: Recipe, found_steps: int, budget: float | None) -> None:
    """Make the last checkpoint one from which a run of other length can go on.

    That is the one before the decay, where the run that is found there has begun to decay.
    """
    last, stable = checkpoints(output)
    decayed = trained_steps(last) > replace(recipe, steps=found_steps).stable_steps
    chosen = read_checkpoint(stable if decayed and stable.exists() else last)
    if chosen is None:
        return
    if chosen.steps > recipe.stable_steps:
        raise ValueError(
            f"{output} holds a run that is past the stable phase of one of {recipe.steps} steps: "
            f"ask for at least {recipe.steps_for(chosen.steps)}"
        )
    if budget is not None and chosen.seconds > (1 - recipe.decay_fraction) * budget:
        raise ValueError(
            f"{output} holds a run that is past the stable phase of one of {budget:.0f} seconds: "
            f"ask for at least {math.ceil(chosen.seconds / (1 - recipe.decay_fraction))}"
        )
    if is_first_process():
        save_checkpoint(last, *chosen)


def check_run(output: Path) -> None:
    """See that the folder of a run is still there, before logs would be made without it.

    Raises
    ------
    FileNotFoundError
        When it is not.
    """
    if is_first_process() and not (output / RUN_FILE).exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(output / RUN_FILE))


def is_first_process() -> bool:
    """Whether this process is the one that writes."""
    return int(os.environ.get("RANK", "0")) == 0  # as torchrun sets it


class Checkpoint(NamedTuple):
    """The state of a run."""

    tensors: dict[str, Tensor]
    """All that it had to keep, on the processor."""

    steps: int
    seconds: float
    """Of training, over all restarts."""


def checkpoints(output: Path) -> tuple[Path, Path]:
    """The last checkpoint, and the one at the end of the stable phase."""
    folder = output / "checkpoints"
    return folder / "last.safetensors", folder / "stable.safetensors"


def save_checkpoint(path: Path, tensors: dict[str, Tensor], steps: int, seconds: float) -> None:
    """Write a checkpoint so that it is there as a whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    kept = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    about = {"steps": str(steps), "seconds": repr(seconds)}
    with replacing(path) as partial:
        partial.write_bytes(save(kept, about))


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint, None where there is none."""
    if not path.exists():
        return None
    with _reading(path) as file:
        steps, seconds = _progress(file)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return Checkpoint(tensors, steps, seconds)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """Open a checkpoint, with one error for all kinds of damage."""
    path.open("rb").close()  # what the system refuses is no damage
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({error}): delete it, and the run goes on without it"
        ) from error


def _progress(file: Any) -> tuple[int, float]:
    """Steps and seconds of training before a checkpoint."""
    about = file.metadata()
    return int(about["steps"]), float(about["seconds"])


def trained_steps(checkpoint: Path) -> int:
    """Steps that were trained before a checkpoint."""
    if not checkpoint.exists():
        return 0
    with _reading(checkpoint) as file:
        return _progress(file)[0]


def read_run(output: Path) -> dict[str, Any]:
    """What a folder's run trains, and how.

    Raises
    ------
    ValueError
        When the file is damaged.
    """
    path = output / RUN_FILE
    try:
        run = read_json(path)
        if not (isinstance(run.get("steps"), int) and "budget" in run):
            raise ValueError(f"{path} names no steps or no budget")
        for part, old_names in (("recipe", OLD_NAMES), ("network", config.OLD_NAMES)):
            if not isinstance(run.get(part), dict):
                raise ValueError(f"{path} names no {part}")
            run[part] = {old_names.get(name, name): value for name, value in run[part].items()}
        if not isinstance(run.get("start"), dict | None):
            raise ValueError(f"{path} names no model to start from")
    except ValueError as error:
        raise ValueError(f"{error}: choose another folder") from error
    run["network"].pop("far_factors", None)  # is no setting of a network any more
    return run


def _fingerprint(start: str | Path) -> str:
    return hashlib.sha256((resolve(start) / WEIGHTS_FILE).read_bytes()).hexdigest()
