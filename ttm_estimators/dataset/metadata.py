"""What an output file says of itself, so that a run that is started again skips it.

It stands in the key-value metadata of the Parquet file, which a reader of the rows does not see.
Seconds are not among it: the bytes of a file depend on its input, the weights and the options only.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ttm_estimators import __version__
from ttm_estimators.dataset.sources import open_system
from ttm_estimators.dataset.unit import Done, Unit
from ttm_estimators.tables.steps import parse_step
from ttm_estimators.tables.timetable import Timetable
from ttm_estimators.weights import resolve
from ttm_estimators.weights.folder import CONFIG_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    import pandas as pd

KEY = b"ttm_estimators"


def identity_of(options: Mapping[str, Any], model: str | Path | None) -> dict[str, Any]:
    """All that decides the numbers of an output, beside its input: options, weights, version.

    Parameters
    ----------
    options : mapping
        The ``identity`` of a task, for JSON.
    model : str or Path, optional
        Shipped model or a weights folder. The fingerprint is of what its files hold.
    """
    folder, digest = resolve(model), hashlib.sha256()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        digest.update((folder / name).read_bytes() if (folder / name).is_file() else b"")
    own = {"weights": digest.hexdigest()[:16], "version": __version__}
    return json.loads(json.dumps({**options, **own}))


def freq_identity(freq: str | pd.offsets.BaseOffset | None) -> str | None:
    """Name a frequency, with all that its offset holds: holidays are not in its alias."""
    if freq is None:
        return None
    step = parse_step(freq)
    if isinstance(step, int | Timetable):
        return str(step)
    # A calendar is what its weekmask and holidays say.
    kept = {name: value for name, value in step.kwds.items() if name != "calendar"}
    custom = "".join(
        f" {name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in sorted(kept.items())
    )
    return f"{step.freqstr}{custom}{' normalize' if getattr(step, 'normalize', False) else ''}"


def metadata_of(
    unit: Unit, identity: Mapping[str, Any], series: int, failed: tuple[tuple[str, str], ...]
) -> dict[bytes, bytes]:
    """Key-value metadata of an output, for the Parquet writer."""
    facts = {"input": unit.fingerprint, "identity": identity, "series": series, "failed": failed}
    return {KEY: json.dumps(facts, sort_keys=True).encode()}


def read_done(unit: Unit, output: str, identity: Mapping[str, Any]) -> Done | None:
    """What an earlier run made of a unit, its seconds NaN; None where it is to be made.

    Parameters
    ----------
    unit : Unit
    output : str
        Output folder: a local path or a URL.
    identity : mapping
        As of :func:`identity_of`. What was made of another input, or with other weights or options,
        is to be made again.
    """
    found = read_facts(output, unit.target)
    if found is None:
        return None
    rows, facts = found
    if facts.get("input") != unit.fingerprint or facts.get("identity") != identity:
        return None
    failed = tuple((name, reason) for name, reason in facts["failed"])
    return Done(unit.target, rows, facts["series"], math.nan, math.nan, failed)


def read_facts(output: str, target: str) -> tuple[int, dict[str, Any]] | None:
    """Rows of an output and what it says of itself, which is nothing where it is of another kind.

    None where it is missing or damaged.
    """
    system, root = open_system(output)
    try:
        with system.open(f"{root}/{target}", "rb") as file:
            found = pq.read_metadata(file)
    except (FileNotFoundError, pyarrow.ArrowInvalid):
        return None
    except OSError as error:
        if is_damage(error, system):
            return None
        raise
    try:
        return found.num_rows, json.loads((found.metadata or {})[KEY])
    except (KeyError, ValueError):
        return found.num_rows, {}


def is_damage(error: OSError, system: Any) -> bool:
    """Whether pyarrow could not read a footer, which it says as an error of the system without
    number. Those of storage elsewhere may pass.
    """
    return error.errno is None and isinstance(system, LocalFileSystem)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Options that differ, as a run had them and as they are given now."""
    told = [
        f"{name}={old.get(name)!r}, not {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return " and ".join(told)
