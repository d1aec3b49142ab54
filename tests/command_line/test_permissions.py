"""What may not be read or written is told in one line with its path, and exit code 2.

The superuser passes over the modes of files: the commands run in a child that may not. It runs all
of them, for to load torch takes longer than any of them.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightning", reason="some commands train")

from tests.command_line.test_pretrain import RECIPE

WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
"""Command that starts another without the superuser's rights over files."""

IN_CHILD = """
import json, os, sys
from typer.testing import CliRunner
from ttm_estimators.command_line import app
for command in json.load(sys.stdin):
    result = CliRunner().invoke(app, command)
    found = result.exit_code, result.stderr, repr(result.exception)
    print("ended", json.dumps(found), flush=True)
"""


def run_without_rights(commands, folder):
    if sys.platform == "win32":
        pytest.skip("no modes of files")
    before = [] if os.geteuid() else WITHOUT_RIGHTS
    if before:
        able = (
            shutil.which(before[0])
            and not subprocess.run([*before, "true"], check=False).returncode
        )
        if not able:
            pytest.skip("the superuser's rights can not be given up here")
    done = subprocess.run(
        [*before, sys.executable, "-c", IN_CHILD],
        input=json.dumps([list(map(str, command)) for command in commands]),
        env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "MPLCONFIGDIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ended ")]
    return [json.loads(line.removeprefix("ended ")) for line in lines]


def test_what_may_not_be_read_or_written_is_told_with_its_path(model, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("step,y\n" + "".join(f"{k},{k % 7}\n" for k in range(100)))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    closed = tmp_path / "closed"
    closed.mkdir()
    commands, paths, shut = [], [], [closed]

    def refuse(path, *command):
        commands.append(command)
        paths.append(path)

    def shut_copy(of, name, inner="."):
        copy = tmp_path / name
        (shutil.copytree if of.is_dir() else shutil.copy)(of, copy)
        shut.append(copy / inner)
        return copy

    def forecast(*options, of=data):
        return ("forecast", of, "--horizon", 3, "--model", model, *options)

    for part in ("config.json", "model.safetensors"):
        folder = shut_copy(model, f"weights-{part}", part)
        refuse(folder / part, *forecast()[:4], "--model", folder)
    card = tmp_path / "weights-card"
    shutil.copytree(model, card)
    (card / "card.json").write_text("{}")
    shut.append(card / "card.json")
    refuse(card / "card.json", *forecast()[:4], "--model", card)
    unread = shut_copy(data, "unread.csv")
    refuse(unread, *forecast(of=unread))
    for option, name in (("--output", "out.csv"), ("--plot", "out.png")):
        refuse(closed / name, *forecast(option, closed / name))
    tune = ("--horizon", 3, "--steps", 1, "--model", model, "--output")
    refuse(closed / "tuned", "finetune", data, *tune, closed / "tuned")
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "fine_tuning.ckpt").write_bytes(b"x")
    shut.append(kept / "fine_tuning.ckpt")
    refuse(kept / "fine_tuning.ckpt", "finetune", data, *tune, kept)

    refuse(closed / "run", "pretrain", recipe, "--output", closed / "run")
    hidden = shut_copy(recipe, "hidden.yaml")
    refuse(hidden, "pretrain", hidden, "--output", tmp_path / "run")
    began = tmp_path / "began"
    began.mkdir()
    (began / "run.json").write_text("{}")
    shut.append(began / "run.json")
    refuse(began / "run.json", "pretrain", recipe, "--output", began)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    rows = pd.DataFrame({"target": [np.sin(np.arange(100.0) + k) for k in range(3)]})
    rows.to_parquet(corpus / "ours.parquet")
    other = shut_copy(corpus, "corpus-unread", "ours.parquet")
    command = ("pretrain", recipe, "--output", tmp_path / "run", "--corpus")
    refuse(other / "ours.parquet", *command, other)

    table = pd.DataFrame({"id": "a", "step": range(60), "y": np.arange(60.0) % 7})
    many = tmp_path / "many" / "deep"
    many.mkdir(parents=True)
    table.to_parquet(many / "part.parquet")
    refuse(closed / "out", *forecast("--output", closed / "out", of=many.parent))
    part = shut_copy(many.parent, "many-part", "deep/part.parquet")
    refuse(part / "deep/part.parquet", *forecast("--output", tmp_path / "out", of=part))
    deep = shut_copy(many.parent, "many-deep", "deep")
    refuse(deep, *forecast("--output", tmp_path / "out", of=deep))

    modes = [(path, path.stat().st_mode) for path in shut]
    for path in shut:
        path.chmod(0o500 if path == closed else 0)
    try:
        ends = run_without_rights(commands, tmp_path)
    finally:
        for path, mode in modes:
            path.chmod(mode)
    assert len(ends) == len(commands)
    for command, path, (code, errors, _) in zip(commands, paths, ends, strict=True):
        assert code == 2, (command, ends)
        assert re.fullmatch(r"error: .+\n", errors), (command, errors)
        assert str(path) in errors, command
    assert not list(closed.iterdir())
