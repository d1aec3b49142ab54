import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ttm_benchmarks.many_series import run as stages
from ttm_benchmarks.many_series.make import POINTS, make_folder, make_values
from ttm_benchmarks.many_series.measure import digests, peaks

WHOLE = {
    "series": 1000,
    "seconds": 2.0,
    "workers": 2,
    "series a second": 500.0,
    "series a second and worker": 250.0,
    "network fraction": 0.9,
    "arrays, one process": 300.0,
    "arrays, a process each": 280.0,
    "of arrays, one process": 250 / 300,
    "of arrays, a process each": 250 / 280,
    "worker megabytes": {"first tenth": [500.0], "last tenth": [510.0], "all": [520.0]},
    "driver megabytes": {"first tenth": [400.0], "last tenth": [400.0], "all": [400.0]},
    "last tenth of first tenth": 1.02,
    "input bytes": 2_000_000,
    "output bytes": 1_000_000,
    "scheduler tasks a second": 1000.0,
}
SCALING = {"seconds of one worker": [4.0], "seconds of two workers": [2.0], "times as fast": 2.0}
KILLS = {"files": 16, "killed workers": 3, "files with other bytes": []}


@pytest.fixture
def staged(monkeypatch):
    """Stages that measure nothing, and which of them ran."""
    ran = []

    def stage(name, result):
        def run(*_):
            ran.append(name)
            return dict(result)

        return run

    monkeypatch.setattr(stages, "whole_run", stage("whole", WHOLE))
    monkeypatch.setattr(stages, "scaling", stage("scaling", SCALING))
    monkeypatch.setattr(stages, "kill_trial", stage("kills", KILLS))
    return ran


def arguments(folder, *more):
    small = ("--series", 64, "--per-file", 32, "--subset", 16)
    return ("many-series", "--output", folder, *small, *more)


def test_files_are_full_of_whole_series_and_stay_as_they_are(tmp_path):
    paths = make_folder(tmp_path, 6, 3)
    frame = pd.read_parquet(tmp_path)
    assert frame.groupby("unique_id").size().eq(POINTS).all()
    assert frame["unique_id"].nunique() == 6
    np.testing.assert_array_equal(
        pq.read_table(paths[1])["y"].to_numpy().reshape(3, POINTS), make_values(1, 3)
    )
    before = paths[0].stat().st_mtime_ns
    make_folder(tmp_path, 6, 3)
    assert paths[0].stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="no multiple"):
        make_folder(tmp_path, 7, 3)


def test_stages_run_once_and_end_in_a_table(bench, tmp_path, staged):
    code, text, _ = bench(*arguments(tmp_path))
    assert code == 0
    assert staged == ["whole", "scaling", "kills"]
    assert "A billion series on paper" in text
    assert (tmp_path / "results.md").read_text().count("| yes |") == 5
    code, text, _ = bench(*arguments(tmp_path))
    assert (code, staged) == (0, ["whole", "scaling", "kills"])
    assert "whole: done before" in text


def test_a_stage_runs_alone(bench, tmp_path, staged):
    bench(*arguments(tmp_path, "--stages", "kills"))
    bench(*arguments(tmp_path, "--stages", "whole"))
    assert staged == ["kills", "whole"]
    assert {"kills", "whole"} <= {*json.loads((tmp_path / "results.json").read_text())}
    assert bench(*arguments(tmp_path, "--stages", "other"))[0] == 2


def test_results_of_other_options_are_refused(bench, tmp_path, staged):
    bench(*arguments(tmp_path))
    code, _, error = bench(*arguments(tmp_path, "--subset", 32))
    assert (code, "choose another --output" in error) == (2, True)


@pytest.mark.parametrize(
    ("stage", "change"),
    [
        ("whole", {"of arrays, one process": 0.69}),
        ("whole", {"last tenth of first tenth": 1.11}),
        ("whole", {"worker megabytes": {"all": [701.0]}}),
        ("scaling", {"times as fast": 1.79}),
        ("kills", {"files with other bytes": ["part-00000.parquet"]}),
    ],
)
def test_a_bar_that_is_missed_shows(stage, change):
    done = {"whole": dict(WHOLE), "scaling": dict(SCALING), "kills": dict(KILLS)}
    assert all(held for *_, held in stages.bars(done))
    done[stage] |= change
    assert [held for *_, held in stages.bars(done)].count(False) == 1


def test_memory_is_compared_between_the_first_and_the_last_tenth_of_the_time():
    samples = pd.DataFrame(
        {"seconds": np.arange(101.0), "process": 1, "megabytes": np.arange(101.0) % 60}
    )
    assert peaks(samples).loc[1].to_dict() == {"first tenth": 10, "last tenth": 40, "all": 59}


def test_a_changed_byte_and_an_absent_file_show(tmp_path):
    for name, content in (("a.parquet", b"1"), ("b.parquet", b"2"), ("_manifest.parquet", b"3")):
        (tmp_path / name).write_bytes(content)
    before = digests(tmp_path)
    assert sorted(before) == ["a.parquet", "b.parquet"]
    (tmp_path / "a.parquet").write_bytes(b"4")
    assert digests(tmp_path) != before
