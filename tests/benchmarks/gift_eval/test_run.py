import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pandas as pd
import psutil
import pytest

from ttm_benchmarks.gift_eval import run as runner

NAMES = ["m4_weekly/W/short", "ett1/W/short", "hospital/M/short", "us_births/M/short"]


@pytest.fixture
def measure(bench, gift, tmp_path):
    """Run ``ttm-bench gift-eval`` and return the exit code, the folder and the error output."""

    def run(folder, *options: object):
        code, _, error = bench("gift-eval", "--data", gift, "--output", tmp_path / folder, *options)
        return code, tmp_path / folder, error

    return run


def read(folder) -> str:
    return (folder / "all_results.csv").read_text()


def test_our_model_gets_a_row_for_each_task_and_a_config(measure, model_folder):
    code, folder, error = measure("out", "--model", model_folder)
    assert (code, error) == (0, "")
    table = pd.read_csv(folder / "all_results.csv")
    assert list(table["dataset"]) == NAMES
    assert set(table["model"]) == {model_folder.name}
    assert list(table["num_variates"]) == [1, 7, 1, 1]
    assert table.notna().all(axis=None)
    config = json.loads((folder / "config.json").read_text())
    assert config["model"] == model_folder.name
    assert config["ttm_estimators"] == version("ttm-estimators")
    assert "no GPU" in config["machine"]
    assert pd.Timestamp(config["date"])


def test_the_data_may_be_named_by_the_environment(bench, gift, tmp_path, monkeypatch):
    monkeypatch.setenv("GIFT_EVAL", str(gift))
    options = ("--output", tmp_path / "out", "--model", "naive", "--tasks", "us_births/*")
    code, shown, error = bench("gift-eval", *options)
    assert (code, error) == (0, "")
    assert "us_births/M/short" in shown
    assert read(tmp_path / "out").count("\n") == 2


def test_a_stopped_run_goes_on_without_loss_or_repetition(measure, monkeypatch):
    _, whole, _ = measure("whole", "--model", "naive")
    measured = []
    evaluate = runner.evaluate

    def stops_at_the_third(folder, task, **options):
        measured.append(task.name)
        if len(measured) == 3:
            raise KeyboardInterrupt
        return evaluate(folder, task, **options)

    monkeypatch.setattr(runner, "evaluate", stops_at_the_third)
    code, parts, _ = measure("parts", "--model", "naive")
    assert code != 0
    assert read(parts).count("\n") == 3
    code, _, error = measure("parts", "--model", "naive")
    assert (code, error) == (0, "")
    assert sorted(measured) == sorted([*NAMES, measured[2]])
    assert read(parts) == read(whole)


def test_a_folder_that_is_removed_while_a_model_is_measured(measure, tmp_path, monkeypatch):
    evaluate = runner.evaluate

    def then_remove(*arguments, **options):
        measured = evaluate(*arguments, **options)
        shutil.rmtree(tmp_path / "out")
        return measured

    monkeypatch.setattr(runner, "evaluate", then_remove)
    code, folder, error = measure("out", "--model", "naive")
    assert (code, error) == (2, f"error: {folder / 'config.json'}: no such file or directory\n")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("all_results.csv", b"\xff\xfe\x00"),
        ("all_results.csv", b"a,b\n1,2\n"),
        ("costs.csv", b""),
        ("costs.csv", b"nonsense"),
        ("coverage.csv", b"dataset,0.1\nus_births/M/short,x\n"),
        ("coverage.csv", b"nonsense"),
        ("examples.parquet", b"PAR1"),
        ("config.json", b"[" * 100_000),
    ],
)
def test_a_damaged_file_of_a_stopped_run_is_refused_by_name(measure, tmp_path, file, content):
    options = ("--model", "naive", "--tasks", "us_births/*")
    measure("out", *options)
    (tmp_path / "out" / file).write_bytes(content)
    code, folder, error = measure("out", *options)
    assert code == 2
    assert re.fullmatch(rf"error: {re.escape(str(folder / file))} .*\n", error)


@pytest.mark.parametrize("device", ["nonsense", "cuda:77"])
def test_a_device_that_is_not_there_is_one_line(measure, device):
    code, folder, error = measure("out", "--model", "naive", "--device", device)
    assert code == 2
    assert re.fullmatch(rf"error: device '{device}' can not be used: .*\n", error)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_its_workers_without_a_word(gift, tmp_path, number):
    command = ["gift-eval", "--data", gift, "--output", tmp_path / "out", "--model", "naive"]
    command = [sys.executable, "-m", "ttm_benchmarks", *command, "--workers", "2"]
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = []
    while len(workers) < 2:
        workers = [
            each
            for each in psutil.Process(process.pid).children()
            if "spawn_main" in " ".join(each.cmdline())
        ]
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal does
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (128 + number, "")
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


def test_processes_with_other_tasks_may_write_to_one_folder(measure, gift, tmp_path):
    _, whole, _ = measure("whole", "--model", "naive")
    command = ["gift-eval", "--data", gift, "--output", tmp_path / "shared", "--model", "naive"]
    program = "from ttm_benchmarks.command_line import main; import sys; main(sys.argv[1:])"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, *map(str, command), "--tasks", tasks])
        for tasks in (f"{NAMES[0]},{NAMES[1]}", f"{NAMES[2]},{NAMES[3]}")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    shared = tmp_path / "shared"
    assert read(shared) == read(whole)
    for name in ("coverage.csv", "costs.csv"):
        assert sorted(pd.read_csv(shared / name)["dataset"]) == sorted(NAMES)
    assert set(pd.read_parquet(shared / "examples.parquet")["dataset"]) == set(NAMES)


def test_a_run_that_was_killed_goes_on(measure, gift, predictors, tmp_path):
    folder = tmp_path / "killed"
    options = ("--model", f"{predictors}.KillsItsProcess")
    command = ["gift-eval", "--data", gift, "--output", folder, *options]
    program = f"from ttm_benchmarks.command_line import main; main({[str(c) for c in command]})"
    python_path = os.pathsep.join([str(tmp_path / "importable"), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": python_path, "KILL_AT_HORIZON": "13"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert done.returncode == 9
    before = read(folder)
    assert before.count("\n") == 4
    code, _, error = measure("killed", *options)
    assert (code, error) == (0, "")
    assert list(pd.read_csv(folder / "all_results.csv")["dataset"]) == NAMES
    assert set(before.splitlines()) < set(read(folder).splitlines())


def test_progress_tells_each_task_and_the_time_left(bench, gift, tmp_path, monkeypatch):
    minutes = iter(range(0, 600, 60))
    monkeypatch.setattr(runner, "monotonic", lambda: next(minutes))
    command = ("gift-eval", "--data", gift, "--output", tmp_path / "out", "--model", "naive")
    _, shown, _ = bench(*command)
    # The tasks ask for 112, 36, 24 and 13 values, and the first takes a minute.
    assert re.search(r"^1/4 ett1/W/short: MASE \d.\d+, CRPS \d.\d+, 0:00:39 left$", shown, re.M)
    assert re.search(r"^4/4 m4_weekly/W/short: MASE \d+.\d+, CRPS \d.\d+$", shown, re.M)
    _, shown, _ = bench(*command)
    assert "4 of 4 tasks are already in" in shown


def test_tasks_in_processes_give_the_same_file(measure, predictors):
    _, one, _ = measure("one", "--model", f"{predictors}.Zero")
    code, two, error = measure("two", "--model", f"{predictors}.Zero", "--workers", 2)
    assert (code, error) == (0, "")
    assert read(two) == read(one)


def test_when_a_process_dies_then_one_line_tells_how_to_go_on(measure, predictors, monkeypatch):
    options = ("--tasks", "ett1/*", "--workers", 2)
    monkeypatch.setenv("KILL_AT_HORIZON", "8")
    code, _, error = measure("out", "--model", f"{predictors}.KillsItsProcess", *options)
    assert code == 2
    assert error.startswith("error: a worker process died")
    assert error.count("\n") == 1


def test_a_task_that_fails_does_not_stop_the_others(measure, predictors):
    code, folder, error = measure("out", "--model", f"{predictors}.FailsOnWeeks")
    assert code == 2
    assert "1 of 4 tasks failed: ett1/W/short" in error
    assert "no weeks today" in error
    assert read(folder).count("\n") == 4


def test_the_folder_of_another_model_is_refused(measure):
    measure("out", "--model", "naive", "--tasks", "us_births/*")
    code, folder, error = measure("out", "--model", "seasonal_naive")
    assert code == 2
    assert "empty --output folder" in error
    assert read(folder).count("\n") == 2


def test_tasks_without_data_are_refused(measure):
    code, _, error = measure("out", "--model", "naive", "--tasks", "solar/*")
    assert code == 2
    assert "'solar/*' matches none of the 4 tasks" in error
