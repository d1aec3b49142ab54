"""Files and folders that are replaced as a whole."""

import json
import os
import subprocess
import sys

import pytest

from ttm_estimators.atomic import read_json, replacing, write_json


def test_a_file_is_replaced_once_the_block_ends(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert partial.name == path.name
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_appears_with_all_its_files(tmp_path):
    with replacing(tmp_path / "a") as partial:
        partial.mkdir()
        (partial / "b").write_text("b")
        assert not (tmp_path / "a").exists()
    assert [*tmp_path.rglob("*")] == [tmp_path / "a", tmp_path / "a" / "b"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def fail():
        with replacing(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_block_that_writes_nothing_replaces_nothing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with replacing(path):
        pass
    assert path.read_text() == "old"


def test_two_blocks_that_write_one_file_at_once_do_not_meet(tmp_path):
    path = tmp_path / "a.csv"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"


def test_json_is_for_people_too(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"a": 1}
    assert text == '{\n  "a": 1\n}\n'


KILLED = """
import os, signal, sys
from pathlib import Path
from ttm_estimators.atomic import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_what_a_killed_process_left_is_removed_and_what_a_running_one_writes_stays(tmp_path):
    path = tmp_path / "a.csv"
    for _ in range(2):  # the second removes what the first left
        subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
        assert len([*tmp_path.iterdir()]) == 1
    with replacing(path) as partial:
        partial.write_text("whole")
        assert [*tmp_path.iterdir()] == [partial.parent]
        subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
        assert partial.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000])
def test_what_is_no_object_is_refused_by_the_name_of_its_file(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json (is not JSON|does not hold a JSON object)"):
        read_json(tmp_path / "a.json")


def test_a_signal_at_any_moment_leaves_nothing(tmp_path, monkeypatch):
    """Whatever call of the operating system it comes after."""
    for name in ("mkdir", "replace", "rmdir"):
        call = getattr(os, name)

        def interrupted(*arguments, call=call, name=name, **options):
            monkeypatch.setattr(os, name, call)
            call(*arguments, **options)
            raise SystemExit(143)

        monkeypatch.setattr(os, name, interrupted)
        with pytest.raises(SystemExit), replacing(tmp_path / "a.csv") as partial:
            partial.write_text("new")
        assert {path.name for path in tmp_path.iterdir()} <= {"a.csv"}
