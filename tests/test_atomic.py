"""Files and folders that are replaced as a whole."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from ttm_estimators import atomic
from ttm_estimators.atomic import read_json, remove_abandoned, replacing, write_json


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


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders")
def test_what_a_process_writes_that_only_seems_dead_stays(tmp_path, monkeypatch):
    # as of a container with the same host name, whose processes are numbered anew
    monkeypatch.setattr(atomic, "_is_running", lambda process: False)
    with replacing(tmp_path / "a.csv") as partial:
        partial.write_text("whole")
        remove_abandoned(tmp_path)
        assert partial.exists()
    abandoned = shutil.copytree(tmp_path, tmp_path / partial.parent.name)
    remove_abandoned(tmp_path)
    assert not abandoned.exists()


FORKED = """
import os, signal, sys, time
from pathlib import Path
from ttm_estimators.atomic import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    print("child", flush=True)
    sys.stdin.read()
    assert partial.exists()
    print("wrote on", flush=True)
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_what_a_fork_of_a_killed_process_writes_stays(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", FORKED, str(tmp_path / "a.csv")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout.readline() == "child\n"
        parent.wait()
        remove_abandoned(tmp_path)
        parent.stdin.close()
        assert parent.stdout.readline() == "wrote on\n"


LEFT_BY_FORK = """
import os, sys
from pathlib import Path
from ttm_estimators.atomic import replacing
child = None
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        assert not Path(sys.argv[1]).exists()
        partial.write_text("whole")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_fork_that_leaves_the_block_takes_nothing_from_its_parent(tmp_path):
    subprocess.run([sys.executable, "-c", LEFT_BY_FORK, str(tmp_path / "a.csv")], check=True)
    assert (tmp_path / "a.csv").read_text() == "whole"
    assert len([*tmp_path.iterdir()]) == 1


def test_what_is_removed_while_it_is_written_is_an_error(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"was removed while .*a\.csv was written"),
        replacing(tmp_path / "a.csv") as partial,
    ):
        shutil.rmtree(partial.parent)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/b.csv").write_text("old")
    (tmp_path / "a.csv").symlink_to(tmp_path / "real/b.csv")
    with replacing(tmp_path / "a.csv") as partial:
        partial.write_text("new")
        assert partial.name == "a.csv"
    assert (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "real/b.csv").read_text() == "new"


def test_a_folder_that_can_not_be_listed_is_written_to(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    atomic._remove_abandoned_once.cache_clear()
    with replacing(tmp_path / "a.csv") as partial:
        partial.write_text("new")
    assert (tmp_path / "a.csv").read_text() == "new"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000])
def test_what_is_no_object_is_refused_by_the_name_of_its_file(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json (is not JSON|does not hold a JSON object)"):
        read_json(tmp_path / "a.json")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pathlib keeps the calls that it found")
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
