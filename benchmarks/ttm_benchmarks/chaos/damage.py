"""Damaged inputs: each is either read, or refused in one line with exit code 2."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

from ttm_benchmarks.chaos.child import faults_of, run
from ttm_benchmarks.chaos.trial import Trial
from ttm_estimators.weights import resolve

HOSTILE = (
    "", " ", "nan", "NaN", "inf", "-inf", "None", "#N/A", "1e308", "-1e308", "1e400",
    "9" * 400, "1e-320", "0x1F", "1,5", "1.234.567,8", "1_000", "True", "=1+1", "+1", "@SUM(A1)",
    "\t", "\r", "\0", "\ufeff", "\u202e", "٣", "½", "日本", "é" * 300, "x" * 100_000, '"', "'",
    "a\nb", "2024-13-45", "0000-00-00", "9999-12-31", "10000-01-01", "1677-09-21", "2262-04-12",
    "2024-02-30", "2024-03-31T02:30:00+02:00", "24:00", "-1", "0", "1e18", str(2**63), str(2**64),
    "[1]", "{}", "<b>", "${HOME}", "../../etc/passwd", ";", "|", "\\", '""',
)  # fmt: skip
"""Text for a cell or a value."""

START = datetime(2024, 1, 1)

ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "cp1252", "utf-8-sig", "cp037", "shift_jis")

MAX_CUT_FRACTION = 0.999

LARGE = (0, -1, 1, 2**31, 2**33, 2**63, 10**30, 1e308, -0.5, 0.5)

VALUES: tuple[object, ...] = (
    *LARGE,
    None,
    True,
    "",
    "x" * 1000,
    "nan",
    [],
    {},
    [[]],
    [1] * 10_000,
    {"a": 1},
    [None],
)
"""What a setting of a JSON or YAML file may be replaced by."""


def damage_table(draw: random.Random, folder: Path) -> Trial:
    """Forecast, explain, backtest or fine-tune a damaged CSV or Parquet file."""
    kind = draw.choices(["csv", "parquet"], [3, 1])[0]
    file = f"data.{kind}"
    does = draw.choices(["forecast", "explain", "backtest", "finetune"], [90, 4, 4, 2])[0]
    options = {
        "forecast": ("--horizon", "5", "--output", "out." + draw.choice(["csv", "parquet"])),
        "explain": ("--horizon", "5", "--known", "price", "--output", "out.csv"),
        "backtest": ("--horizon", "2", "--windows", "2", "--output", "out.csv"),
        "finetune": ("--horizon", "3", "--steps", "1", "--windows", "4", "--output", "out"),
    }[does]
    if does == "finetune":
        options += ("--learning-rate", "0.001")
    if does == "forecast" and draw.random() < 0.2:
        options += draw.choice([("--known", "price"), ("--calendar",), ("--fill-gaps",)])
    if draw.random() < 0.9:
        options += ("--value", "sales")
    seed = draw.random()
    ended = run(
        ("ttm", does, file, *options),
        folder,
        prepare=lambda: _write_table(random.Random(seed), folder / file, kind),
    )
    trial = Trial(f"{kind} {does}", faults_of(ended), code=ended.code, said=ended.errors)
    if ended.code == 0 and "out.csv" in options and does == "forecast":
        trial.faults += _not_finite(folder / "out.csv")
    return trial


def _write_table(draw: random.Random, path: Path, kind: str) -> None:
    cells = [["id", "date", "sales", "price"]]
    rows = draw.choice([3, 30, 60])
    for one in ("north", "south"):
        for day in range(rows):
            date = str((START + timedelta(days=day)).date())
            cells.append([one, date, str(20 + day % 7 + draw.random()), str(draw.randint(1, 9))])
    if draw.random() < 0.2:
        cells = [row[1:3] for row in cells[: rows + 1]]
    for _ in range(draw.choice([0, 1, 1, 2, 5, 40])):
        _damage_cells(draw, cells)
    if kind == "parquet":
        _write_parquet(draw, path, cells)
        data = path.read_bytes()
    else:
        text = io.StringIO()
        quoted = draw.random() < 0.3
        writer = csv.writer(
            text,
            delimiter=draw.choice(",,,,;\t|"),
            quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
            escapechar="\\" if sys.version_info < (3, 11) else None,  # for the character 0
        )
        writer.writerows(cells)
        encoding = draw.choice(ENCODINGS) if draw.random() < 0.05 else "utf-8"
        data = text.getvalue().encode(encoding, errors="replace")
    if draw.random() < 0.25:
        data = damage_bytes(draw, data)
    path.write_bytes(data)


def _damage_cells(draw: random.Random, cells: list[list[str]]) -> None:
    row = draw.randrange(len(cells)) if draw.random() < 0.8 else 0
    if not cells[row]:
        return
    column = draw.randrange(len(cells[row]))
    match draw.randrange(9):
        case 0:
            for each in cells[1:]:  # a whole column
                if column < len(each):
                    each[column] = draw.choice(HOSTILE)
        case 1 if draw.random() < 0.2:
            del cells[row][column]
        case 2 if draw.random() < 0.2:
            cells[row].insert(column, draw.choice(HOSTILE))
        case 3:
            cells.insert(row, list(cells[draw.randrange(len(cells))]))
        case 4:
            text = draw.choice(HOSTILE)
            for each in cells[1:]:
                if column < len(each):
                    each[column] = text
        case 5 if len(cells) > 2:
            del cells[row]
        case _:
            cells[row][column] = draw.choice(HOSTILE)


def _write_parquet(draw: random.Random, path: Path, cells: list[list[str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = max(1, min(map(len, cells)))
    names = [name or f"c{i}" for i, name in enumerate((cells[0] + ["x"])[:width])]
    types = [pa.string(), pa.float64(), pa.float32(), pa.int64(), pa.int8(), pa.bool_(),
             pa.timestamp("ns"), pa.timestamp("us", "Europe/Berlin"), pa.date32(), pa.time64("us"),
             pa.binary(), pa.decimal128(38, 10), pa.duration("s"), pa.list_(pa.float64()),
             pa.dictionary(pa.int32(), pa.string())]  # fmt: skip
    usual = {"sales": pa.float64(), "price": pa.float64(), "date": pa.timestamp("ns")}
    columns = []
    for i, name in enumerate(names):
        values = pa.array([(row + [""] * width)[i] for row in cells[1:]], pa.string())
        kind = draw.choice(types) if draw.random() < 0.2 else usual.get(name, pa.string())
        try:
            columns.append(values.cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            columns.append(values)
    pq.write_table(pa.Table.from_arrays(columns, names=names), path)


def damage_bytes(draw: random.Random, data: bytes) -> bytes:
    """Flip, cut, remove, repeat or overwrite bytes."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 10])):
        if not changed:
            break
        place = draw.randrange(len(changed))
        stop = min(len(changed), place + draw.choice([1, 4, 64, 1000]))
        match draw.randrange(6):
            case 0:
                changed[place] ^= 1 << draw.randrange(8)
            case 1:
                changed[place] = draw.choice([0, 255, 10, 13, 34, 44, draw.randrange(256)])
            case 2:
                del changed[int(len(changed) * MAX_CUT_FRACTION * draw.random()) :]
            case 3:
                del changed[place:stop]
            case 4:
                changed[place:place] = changed[place:stop]
            case 5:
                changed[place:stop] = draw.randbytes(stop - place)
    return bytes(changed)


def _not_finite(path: Path) -> list[str]:
    """Say where a table of forecasts holds what is no finite number."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in ("median", "0.1", "0.9"):
            if row.get(name, "").lower() in ("", "nan", "inf", "-inf"):
                return [f"{name} of a forecast is {row.get(name)!r}"]
    return [] if rows else ["no forecasts"]


def damage_weights(draw: random.Random, folder: Path) -> Trial:
    """Forecast with a weights folder that is damaged, or made to ask for too much."""
    shutil.copytree(resolve(None), folder / "weights")
    part = draw.choice(["config.json", "config.json", "model.safetensors", "card.json"])
    path = folder / "weights" / part
    match draw.randrange(4) if part.endswith(".json") else 0:
        case 0:
            path.write_bytes(damage_bytes(draw, path.read_bytes()))
        case 1:
            path.unlink()
            if draw.random() < 0.5:
                path.mkdir()
        case _:
            values = _damage_values(draw, json.loads(path.read_text("utf-8")))
            path.write_text(json.dumps(values), encoding="utf-8")
    if draw.random() < 0.6:
        _forge_checksums(folder / "weights")
    (folder / "data.csv").write_text("step,y\n" + "".join(f"{k},{k % 7}\n" for k in range(60)))
    command = ("ttm", "forecast", "data.csv", "--horizon", "5", "--model", "weights")
    ended = run((*command, "--output", "out.csv"), folder)
    return Trial(f"weights {part}", faults_of(ended), code=ended.code, said=ended.errors)


def _forge_checksums(weights: Path) -> None:
    """Let the checksums of a folder, where it has a configuration still, hide its damage."""
    try:
        path = weights / "config.json"
        config = json.loads(path.read_text("utf-8"))
        config.pop("config_sha256", None)
        data = (weights / "model.safetensors").read_bytes()
        config["sha256"] = hashlib.sha256(data).hexdigest()
        path.write_text(json.dumps(config), encoding="utf-8")
    except (OSError, ValueError, AttributeError):
        pass


def _damage_values(draw: random.Random, values: dict[str, object]) -> dict[str, object]:
    for _ in range(draw.choice([1, 1, 2, 4])):
        at = values
        while True:
            key = draw.choice([*at, "made_up"])
            inner = at.get(key)
            if not isinstance(inner, dict) or not inner or draw.random() < 0.1:
                break
            at = inner
        if draw.random() < 0.2:
            at.pop(key, None)
        else:
            at[key] = draw.choice(VALUES)
    return values


def damage_recipe(draw: random.Random, folder: Path) -> Trial:
    """Pre-train by a damaged recipe."""
    import yaml

    path = folder / "recipe.yaml"
    if draw.random() < 0.5:
        path.write_bytes(damage_bytes(draw, path.read_bytes()))
    else:
        values = _damage_values(draw, yaml.safe_load(path.read_text("utf-8")))
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = ("ttm", "pretrain", "recipe.yaml", "--output", "out", "--workers", "0")
    ended = run((*command, "--steps", "1"), folder)
    return Trial("recipe", faults_of(ended), code=ended.code, said=ended.errors)


def damage_run(draw: random.Random, folder: Path, finished: Path) -> Trial:
    """Go on with a run of pre-training whose folder is damaged."""
    shutil.copytree(finished / "out", folder / "out")
    files = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    path = draw.choice(files)
    data = path.read_bytes()
    if path.suffix == ".json" and draw.random() < 0.5:
        data = json.dumps(_damage_values(draw, json.loads(data))).encode()
    else:
        data = damage_bytes(draw, data)
    path.write_bytes(data)
    command = ("ttm", "pretrain", "recipe.yaml", "--output", "out", "--workers", "0")
    ended = run((*command, "--steps", draw.choice(["12", "14"])), folder)
    return Trial(f"run {path.name}", faults_of(ended), code=ended.code, said=ended.errors)


def damage_corpus(draw: random.Random, folder: Path) -> Trial:
    """Pre-train on a damaged corpus, or with a damaged cache of one that is not."""
    seed, of_cache = draw.random(), draw.random() < 0.5
    recipe = (folder / "recipe.yaml").read_text("utf-8").replace("fraction: 0", "fraction: 0.5")
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    command = ("ttm", "pretrain", "recipe.yaml", "--corpus", "corpus", "--output", "out")
    ended = run(
        (*command, "--workers", "0", "--steps", "1"),
        folder,
        prepare=lambda: _write_corpus(random.Random(seed), folder, of_cache),
    )
    trial = Trial("cache" if of_cache else "corpus", code=ended.code, said=ended.errors)
    trial.faults = faults_of(ended, (0,) if of_cache else (0, 2))
    cache = folder / "home" / "ttm-estimators" / "corpus"
    if cache.exists():
        trial.leftovers = [
            path.name for path in cache.iterdir() if not (path / "index.json").is_file()
        ]
    return trial


def _write_corpus(draw: random.Random, folder: Path, of_cache: bool) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ttm_estimators.data.corpus import Corpus

    corpus = folder / "corpus"
    corpus.mkdir()
    rng = np.random.default_rng(draw.randrange(2**32))
    for name in ("ours", "theirs"):
        target = [rng.normal(size=draw.choice([20, 300])).cumsum() for _ in range(3)]
        if not of_cache and draw.random() < 0.5:
            hostile = draw.choice([np.nan, np.inf, 1e308, -1e308, 1e-320, 0.0])
            target[draw.randrange(3)][draw.randrange(10) :] = hostile
        freq = [draw.choice(["h", "D", "MS", "nonsense", "", "999999999999D", None])] * 3
        pq.write_table(pa.table({"target": target, "freq": freq}), corpus / f"{name}.parquet")
    if of_cache:
        Corpus.read(corpus)
        made = sorted(path for path in (folder / "home").rglob("*") if path.is_file())
        path = draw.choice(made)
        path.write_bytes(damage_bytes(draw, path.read_bytes()))
        return
    match draw.randrange(4):
        case 0:
            (corpus / "more.parquet").mkdir()
        case 1:
            names = [draw.choice(["target", "x"]), draw.choice(["freq", "target"])]
            column = draw.choice(
                [[1.0, 2.0], ["a", "b"], [[1], [None]], [["a"], ["b"]], [[[1]]] * 2]
            )
            table = pa.Table.from_arrays([pa.array(column), pa.array([1, 2])], names)
            pq.write_table(table, corpus / "more.parquet")
        case _:
            path = corpus / "ours.parquet"
            path.write_bytes(damage_bytes(draw, path.read_bytes()))
