import errno
import os
import platform
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import dask
import pandas as pd
import pyarrow.dataset
import pytest
from distributed import Client, KilledWorker, LocalCluster

from tests.dataset.tasks import Last
from ttm_estimators import TableError, TableWarning
from ttm_estimators.dataset import run as module
from ttm_estimators.dataset.manifest import locked
from ttm_estimators.dataset.run import run_dataset
from ttm_estimators.dataset.sources import find_units

ROOT = Path(__file__).parents[2]

FILES = 12

TIMEOUT = 120
"""Seconds. What is waited for takes a twentieth of it."""


@dataclass(frozen=True)
class Two(Last):
    """Writes a second table."""

    def __call__(self, forecaster, panel):
        return {"": super().__call__(forecaster, panel), "_counts": panel.keys.assign(n=1)}


@dataclass(frozen=True)
class Fails(Last):
    """Can not use one of the series."""

    def __call__(self, forecaster, panel):
        if "series 1" in [series.name for series in panel.series]:
            raise ValueError("odd")
        return super().__call__(forecaster, panel)


@dataclass(frozen=True)
class Warns(Last):
    """Warns of each series."""

    def __call__(self, forecaster, panel):
        frame = super().__call__(forecaster, panel)
        warnings.warn(f"odd series {panel.series[0].name}", TableWarning, stacklevel=1)
        return frame


def write(folder: Path, files: int = FILES, partition: str = "") -> Path:
    days = pd.date_range("2024-01-01", periods=4)
    for i in range(files):
        frame = pd.DataFrame({"id": f"series {i}", "ds": days, "y": [1.0, 2.0, 1.0, float(i)]})
        path = folder / partition / f"part-{i:02d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path, index=False)
    return folder


def run(source, output, task=None, **options):
    return run_dataset(find_units(source, output), str(output), task or Last(), **options)


def contents(folder: Path) -> dict[str, bytes]:
    found = folder.rglob("*.parquet")
    return {str(p.relative_to(folder)): p.read_bytes() for p in found if p.name[0] not in "._"}


@pytest.fixture(name="client")
def _client():
    """A cluster of two threads in this process."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(name="undisturbed", scope="module")
def _undisturbed(tmp_path_factory):
    """Sources, and the outputs of a run in one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write(folder / "in")
    run(folder / "in", folder / "out")
    return folder / "in", contents(folder / "out")


def test_all_rows_are_in_the_output_folder(tmp_path):
    manifest = run(write(tmp_path / "in"), tmp_path / "out")
    frame = pd.read_parquet(tmp_path / "out")
    assert frame["median"].tolist() == list(range(FILES))
    assert manifest["file"].tolist() == [f"part-{i:02d}.parquet" for i in range(FILES)]
    assert manifest["rows"].eq(1).all()
    assert manifest["series"].eq(1).all()
    assert manifest["seconds"].gt(0).all()
    assert manifest["error"].isna().all()


def test_the_manifest_is_in_the_folder_and_readers_pass_over_it(tmp_path):
    manifest = run(write(tmp_path / "in"), tmp_path / "out")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out/_manifest.parquet"), manifest)
    files = pyarrow.dataset.dataset(tmp_path / "out").files
    assert len(files) == FILES


def test_partitions_stay_and_are_columns_for_readers(tmp_path):
    write(tmp_path / "in", 2, "region=north")
    write(tmp_path / "in", 3, "region=south")
    run(tmp_path / "in", tmp_path / "out")
    frame = pd.read_parquet(tmp_path / "out")
    assert frame["region"].value_counts().to_dict() == {"south": 3, "north": 2}
    assert pd.read_parquet(tmp_path / "out", filters=[("region", "=", "north")]).shape[0] == 2


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_source_and_output_may_be_urls(tmp_path, scheme):
    import fsspec

    local = write(tmp_path / "in", 2)
    system, folder = fsspec.core.url_to_fs(f"{scheme}://{tmp_path}/remote")
    system.makedirs(folder)
    for path in local.iterdir():
        system.pipe(f"{folder}/{path.name}", path.read_bytes())
    output = f"{scheme}://{tmp_path}/remote-out"
    assert len(run(f"{scheme}://{tmp_path}/remote", output)) == 2
    with fsspec.open(f"{output}/part-01.parquet", "rb") as file:
        assert pd.read_parquet(file)["median"].tolist() == [1.0]
    again = run(f"{scheme}://{tmp_path}/remote", output, Last(seconds=TIMEOUT))
    assert again["rows"].tolist() == [1, 1]


def test_a_cluster_gives_the_same_files(undisturbed, tmp_path, client):
    source, files = undisturbed
    manifest = run(source, tmp_path / "out", client=client)
    assert contents(tmp_path / "out") == files
    assert len(manifest) == FILES
    assert client.status == "running"


def test_a_second_run_skips_what_is_done_and_starts_no_worker(undisturbed, tmp_path, monkeypatch):
    source, files = undisturbed
    first = run(source, tmp_path / "out")
    monkeypatch.setattr(module, "process_file", None)
    second = run(source, tmp_path / "out", workers=2)
    pd.testing.assert_frame_equal(first, second)
    assert contents(tmp_path / "out") == files


def test_only_new_and_changed_files_are_done_again(tmp_path, monkeypatch):
    source, seen = write(tmp_path / "in"), []
    run(source, tmp_path / "out")
    real = module.process_file
    monkeypatch.setattr(
        module,
        "process_file",
        lambda unit, *a, **k: seen.append(unit.target) or real(unit, *a, **k),
    )
    changed = pd.read_parquet(source / "part-03.parquet").assign(y=99.0)
    changed.to_parquet(source / "part-03.parquet", index=False)
    changed.assign(id="new").to_parquet(source / "part-new.parquet", index=False)
    run(source, tmp_path / "out")
    assert seen == ["part-03.parquet", "part-new.parquet"]
    assert pd.read_parquet(tmp_path / "out")["median"].eq(99).sum() == 2


def test_a_manifest_that_was_lost_is_made_again_but_for_seconds(tmp_path):
    source = write(tmp_path / "in", 3)
    first = run(source, tmp_path / "out")
    (tmp_path / "out/_manifest.parquet").unlink()
    with pytest.raises(TableError, match="no results of such a run"):
        run(source, tmp_path / "out")
    # as a killed run leaves it, before its first file
    units = find_units(source, tmp_path / "out")
    output = tmp_path / "new"
    run_dataset([], str(output), Last())
    for path in (tmp_path / "out").iterdir():
        path.rename(output / path.name)
    second = run_dataset(units, str(output), Last(seconds=TIMEOUT))
    assert second["seconds"].isna().all()
    times = ["seconds", "network_seconds"]
    pd.testing.assert_frame_equal(first.drop(columns=times), second.drop(columns=times))


def test_other_options_are_not_mixed_into_a_folder(tmp_path):
    source = write(tmp_path / "in", 2)
    run(source, tmp_path / "out")
    with pytest.raises(TableError, match=r"a run with scale=1\.0, not 2\.0: choose another folder"):
        run(source, tmp_path / "out", Last(scale=2.0))


def test_results_without_a_source_are_told_of(tmp_path):
    source = write(tmp_path / "in", 3)
    run(source, tmp_path / "out")
    (source / "part-01.parquet").unlink()
    with pytest.raises(TableError, match=r"not in the source: 'part-01\.parquet': remove"):
        run(source, tmp_path / "out")


def test_files_that_have_no_rows_any_more_are_told_of(tmp_path):
    source = write(tmp_path / "in", 4)
    run(source, tmp_path / "out")
    for name in ("part-01.parquet", "part-02.parquet"):
        pd.read_parquet(source / name)[:0].to_parquet(source / name, index=False)
    with pytest.warns(TableWarning, match=r"source of part-01\.parquet \(and 1 more\) has no rows"):
        run(source, tmp_path / "out")
    assert sorted(contents(tmp_path / "out")) == ["part-00.parquet", "part-03.parquet"]


def test_a_folder_with_other_files_is_no_output(tmp_path):
    source = write(tmp_path / "in", 2)
    mine = write(tmp_path / "mine", 1) / "part-00.parquet"
    before = mine.read_bytes()
    with pytest.raises(TableError, match="files that are no results"):
        run(source, tmp_path / "mine")
    assert mine.read_bytes() == before


def partial_of(process: int, folder: Path) -> Path:
    """What a process writes to, or has left."""
    left = folder / f".{platform.node()}-{process}-abc.partial"
    left.mkdir(parents=True)
    (left / "a.parquet").write_bytes(b"half")
    return left


def test_what_killed_runs_left_is_removed_and_what_is_being_written_stays(tmp_path):
    source, output = write(tmp_path / "in", 2), tmp_path / "out"
    run(source, output)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    partial_of(ended.pid, output)
    partial_of(ended.pid, output / "region=x")
    living = partial_of(os.getpid(), output / "region=x")
    run(source, output)
    assert list(output.rglob("*.partial")) == [living]


def test_a_script_without_a_guard_is_told_what_it_needs_once(tmp_path):
    source = write(tmp_path / "in", 2)
    script = tmp_path / "script.py"
    script.write_text(
        "from ttm_estimators import forecast_dataset\n"
        f"forecast_dataset({str(source)!r}, {str(tmp_path / 'out')!r}, 3, workers=1)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert done.stderr.endswith(
        "RuntimeError: the worker processes could not be started: in a script, call this behind "
        'if __name__ == "__main__":\n'
    )


def test_one_run_at_a_time_writes_to_a_folder(tmp_path):
    source, output = write(tmp_path / "in", 2), tmp_path / "out"
    with locked(str(output)):
        with pytest.raises(TableError, match=r"another run writes to .*out: wait for its end"):
            run(source, output)
        assert not contents(output)
    run(source, output)
    mine = write(tmp_path / "mine", 1)
    with pytest.raises(TableError, match="files that are no results"):
        run(source, mine)
    assert len([*mine.iterdir()]) == 1


def test_storage_without_locks_is_told_of(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.warns(TableWarning, match=r"can not be locked \(No locks available\): start one"):
        run(write(tmp_path / "in", 2), tmp_path / "out")
    assert len(contents(tmp_path / "out")) == 2


def test_weights_that_change_during_a_run_are_not_mixed(tmp_path, monkeypatch):
    real = module.identity_of
    monkeypatch.setattr(module, "identity_of", lambda *a: {**real(*a), "weights": "of before"})
    with pytest.raises(TableError, match=r"part-00.*the run began with weights='of before', not"):
        run(write(tmp_path / "in", 2), tmp_path / "out")
    assert not contents(tmp_path / "out")


def test_results_go_where_a_changed_file_can_not_be_used(tmp_path):
    source, output = write(tmp_path / "in", 2), tmp_path / "out"
    run(source, output, Two())
    (source / "part-01.parquet").write_bytes(b"PAR1 and no more")
    run(source, output, Two(), on_error="record")
    assert list(contents(output)) == ["part-00.parquet", "_counts/part-00.parquet"]


def test_what_an_earlier_run_left_out_stops_one_that_leaves_out_nothing(tmp_path):
    source, output = write(tmp_path / "in", 2), tmp_path / "out"
    pd.read_parquet(source).to_parquet(source / "part-01.parquet", index=False)
    run(source, output, Fails(), on_error="record")
    assert run(source, output, Fails(), on_error="record")["failed"].map(len).tolist() == [0, 1]
    with pytest.raises(TableError, match=r"part-01\.parquet: series 'series 1': odd"):
        run(source, output, Fails())


GARBLED_FOOTER = b"PAR1" + b"\xff" * 40 + b"\x28\0\0\0PAR1"


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", GARBLED_FOOTER])
def test_a_manifest_that_is_cut_short_is_made_anew(tmp_path, content):
    source, output = write(tmp_path / "in", 3), tmp_path / "out"
    first = run(source, output)
    (output / "_manifest.parquet").write_bytes(content)
    (output / "part-02.parquet").write_bytes(content)
    with pytest.raises(TableError, match=r"scale=1\.0, not 2\.0"):
        run(source, output, Last(scale=2.0))
    with pytest.warns(TableWarning, match="damaged: it is made anew"):
        second = run(source, output)
    assert second["seconds"].isna().tolist() == [True, True, False]
    times = ["seconds", "network_seconds"]
    pd.testing.assert_frame_equal(first.drop(columns=times), second.drop(columns=times))
    (output / "_manifest.parquet").write_bytes(content)
    pd.DataFrame({"a": [1]}).to_parquet(output / "part-00.parquet")
    with pytest.raises(TableError, match=r"no results of such a run: 'part-00\.parquet'"):
        run(source, output)


@pytest.mark.parametrize("linked", [False, True])
def test_other_files_are_seen_whatever_they_are(tmp_path, linked):
    source, output = write(tmp_path / "in", 2), tmp_path / "out"
    output.mkdir()
    if linked:
        (output / "a.parquet").symlink_to(write(tmp_path / "mine", 1) / "part-00.parquet")
    else:
        write(tmp_path / "mine", 1).joinpath("part-00.parquet").rename(output / "A.PARQUET")
    with pytest.raises(TableError, match="files that are no results"):
        run(source, output)


def test_a_source_in_upper_case_is_skipped_when_it_is_done(tmp_path):
    source, output = write(tmp_path / "in", 1), tmp_path / "out"
    (source / "part-00.parquet").rename(source / "A.PARQUET")
    run(source, output)
    assert len(run(source, output, Last(seconds=TIMEOUT))) == 1
    (source / "A.PARQUET").rename(source / "b.parquet")
    with pytest.raises(TableError, match=r"not in the source: 'A\.PARQUET'"):
        run(source, output)


def test_threads_of_one_process_lose_no_warnings(tmp_path):
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=4, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
        pytest.warns(TableWarning) as told,
    ):
        run(write(tmp_path / "in", 4), tmp_path / "out", Warns(seconds=0.1), client=client)
    texts = sorted(str(one.message)[-8:] for one in told if "odd" in str(one.message))
    assert texts == [f"series {i}" for i in range(4)]


def test_an_output_that_is_damaged_is_made_again(undisturbed, tmp_path):
    source, files = undisturbed
    run(source, tmp_path / "out")
    (tmp_path / "out/part-05.parquet").write_bytes(b"PAR1 and no more")
    run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == files


@pytest.fixture(name="damaged")
def _damaged(tmp_path):
    source = write(tmp_path / "in")
    (source / "part-04.parquet").write_bytes(b"PAR1 and no more")
    return source


def test_a_file_with_an_error_stops_the_run_and_is_named(damaged, tmp_path, client):
    for where in ({}, {"client": client}):
        with pytest.raises(TableError, match=r"part-04\.parquet") as error:
            run(damaged, tmp_path / "out", **where)
        assert "\n" not in str(error.value)
    assert not client.futures


def test_a_file_with_an_error_is_recorded(damaged, tmp_path, client):
    manifest = run(damaged, tmp_path / "out", client=client, on_error="record")
    assert len(manifest) == FILES
    assert manifest["error"].notna().tolist() == [i == 4 for i in range(FILES)]
    assert len(pd.read_parquet(tmp_path / "out")) == FILES - 1
    # It is tried again, and forgotten once it is whole.
    pd.read_parquet(damaged / "part-03.parquet").to_parquet(damaged / "part-04.parquet")
    assert run(damaged, tmp_path / "out", on_error="record")["error"].isna().all()


def test_the_scheduler_never_sees_all_files_at_once(tmp_path, client, monkeypatch):
    source, seen = write(tmp_path / "in", 40), []
    real = Client.submit

    def submit(self, *arguments, **options):
        seen.append(len(self.futures))
        return real(self, *arguments, **options)

    monkeypatch.setattr(Client, "submit", submit)
    run(source, tmp_path / "out", client=client)
    assert len(seen) == 40
    assert max(seen) <= 2 * module.TASKS_PER_THREAD


def test_workers_may_come_while_a_run_goes_on(tmp_path, client, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_COUNTS", 0.0)
    source, seen = write(tmp_path / "in", 40), []
    real = Client.submit

    def submit(self, *arguments, **options):
        seen.append(len(self.futures))
        if len(seen) == 10:
            self.cluster.scale(4)
            self.wait_for_workers(4)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Client, "submit", submit)
    assert len(run(source, tmp_path / "out", client=client)) == 40
    assert 2 * module.TASKS_PER_THREAD < max(seen) <= 4 * module.TASKS_PER_THREAD


def test_workers_that_are_killed_change_nothing(undisturbed, tmp_path):
    source, files = undisturbed
    (tmp_path / "marks").mkdir()
    task = Last(kills=1, marks=tmp_path / "marks")
    manifest = run(source, tmp_path / "out", task, workers=2)
    # What a lost worker had in memory may be done again.
    assert len(list((tmp_path / "marks").iterdir())) > FILES
    assert contents(tmp_path / "out") == files
    assert len(manifest) == FILES


def test_a_driver_that_is_killed_goes_on_where_it_was(undisturbed, tmp_path):
    source, files = undisturbed
    code = f"""
from tests.dataset.tasks import Last
from tests.dataset.test_run import run
if __name__ == "__main__":
    run({str(source)!r}, {str(tmp_path / "out")!r}, Last(seconds=0.2), workers=2)
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    folders = os.pathsep.join([str(ROOT), str(ROOT / "adapters")])
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": folders},
        start_new_session=True,
    )
    began = time.monotonic()
    try:
        # Not the folders in it, which come and go.
        while len([*(tmp_path / "out").glob("[!._]*.parquet")]) < 2:
            assert driver.poll() is None
            assert time.monotonic() - began < TIMEOUT
            time.sleep(0.02)
    finally:
        driver.send_signal(signal.SIGKILL)  # only the driver: its workers have to notice
        driver.wait()
    before = contents(tmp_path / "out")
    assert 2 <= len(before) < FILES
    while True:  # workers leave when their driver is gone
        try:
            os.killpg(driver.pid, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() - began < TIMEOUT
        time.sleep(0.05)
    run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == files
    assert not list((tmp_path / "out").rglob("*.partial"))


class Ended:
    """A future that has ended with an error."""

    def __init__(self, error: Exception | None, status: str = "error") -> None:
        self.error, self.status = error, status

    def exception(self):
        return self.error


def test_a_file_that_kills_its_workers_is_an_error_of_one_line():
    outcome = module._outcome(Ended(KilledWorker("forecast-1-1", None, 3)))
    assert outcome.fault == "every worker that took it died, perhaps for want of memory"


def test_storage_that_fails_is_an_error_of_one_line():
    assert module._outcome(Ended(PermissionError("access denied"))).fault == "access denied"


def test_a_scheduler_that_is_lost_ends_the_run():
    with pytest.raises(ConnectionError, match="start it again, what is done is skipped"):
        module._outcome(Ended(None, "lost"))


def test_further_tables_have_hidden_folders_of_their_own(tmp_path):
    source = write(tmp_path / "in", 2)
    run(source, tmp_path / "out", Two())
    assert list(pd.read_parquet(tmp_path / "out")) == ["id", "median"]
    assert len(list((tmp_path / "out/_counts").iterdir())) == 2
    assert len(run(source, tmp_path / "out", Two(seconds=TIMEOUT))) == 2


def test_workers_that_do_not_start_are_explained(tmp_path, monkeypatch):
    def fail(**options):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr("distributed.LocalCluster", fail)
    with pytest.raises(RuntimeError, match='behind if __name__ == "__main__":'):
        run(write(tmp_path / "in", 2), tmp_path / "out", workers=2)


def test_options_that_are_wrong_are_refused(tmp_path, client):
    with pytest.raises(ValueError, match="leave workers out"):
        run_dataset([], str(tmp_path / "out"), Last(), client=client, workers=2)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        run_dataset([], str(tmp_path / "out"), Last(), workers=0)
    with pytest.raises(ValueError, match="'stop' or 'record'"):
        run_dataset([], str(tmp_path / "out"), Last(), on_error="ignore")


def test_processes_of_this_machine_keep_no_profiles_which_would_grow():
    with module._cluster(None, 1, False) as client:
        known = client.run(lambda: dask.config.get("distributed.worker.profile.enabled"))
    assert [*known.values()] == [False]
