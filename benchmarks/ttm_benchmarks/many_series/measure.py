"""What is measured of a run: memory, speed, scaling, and whether kills change a byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from ttm_benchmarks.many_series.make import make_values
from ttm_estimators.dataset.run import NO_PROFILER

HORIZON = 28

SECONDS_BETWEEN_SAMPLES = 0.5

ARRAY_SERIES = 5_000
"""Series that are forecast from arrays, for comparison."""

PROBE_TASKS = 5_000
"""Tasks that do nothing, by which the scheduler is timed."""

KILLS = 3
"""Workers that are killed in a run, before its driver is."""

MEGABYTE = 1e6


class Memory:
    """Resident memory of processes, sampled from a thread of this one.

    Parameters
    ----------
    pids : list of int
        Processes.
    """

    def __init__(self, pids: list[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self._rows: list[tuple[float, int, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._began = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_SAMPLES):
            now = time.perf_counter() - self._began
            for one in self._processes:
                with suppress(psutil.NoSuchProcess):
                    self._rows.append((now, one.pid, one.memory_info().rss / MEGABYTE))

    def frame(self) -> pd.DataFrame:
        """Samples: seconds, process, megabytes."""
        return pd.DataFrame(self._rows, columns=["seconds", "process", "megabytes"])


def peaks(samples: pd.DataFrame) -> pd.DataFrame:
    """Peak memory of each process: in the first and the last tenth of the time, and in all."""
    end = samples["seconds"].max()
    parts = {
        "first tenth": samples[samples["seconds"] <= 0.1 * end],
        "last tenth": samples[samples["seconds"] >= 0.9 * end],
        "all": samples,
    }
    return pd.DataFrame(
        {name: part.groupby("process")["megabytes"].max() for name, part in parts.items()}
    )


@contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """A client of worker processes of one thread each."""
    import distributed
    from dask import config

    dask: Any = distributed  # has no type information of these
    with (
        config.set(NO_PROFILER),
        dask.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        ) as local,
        dask.Client(local) as client,
    ):
        yield client


def forecast_arrays() -> float:
    """Series a second that ``Forecaster.forecast`` makes of arrays, on one thread."""
    import torch

    from ttm_estimators import load

    torch.set_num_threads(1)
    model = load()
    values = [*make_values(0, ARRAY_SERIES)]
    model.forecast(values[:256], HORIZON)
    began = time.perf_counter()
    model.forecast(values, HORIZON)
    return ARRAY_SERIES / (time.perf_counter() - began)


def array_speed(processes: int) -> float:
    """Series a second of each of so many processes that forecast arrays at the same time."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = [pool.submit(forecast_arrays) for _ in range(processes)]
    return sum(each.result() for each in found) / processes


def timed_run(source: Path, output: Path, client: Any) -> tuple[float, pd.DataFrame]:
    """Seconds of a run, and its manifest."""
    from ttm_estimators import forecast_dataset

    shutil.rmtree(output, ignore_errors=True)
    began = time.perf_counter()
    manifest = forecast_dataset(str(source), str(output), HORIZON, client=client)
    return time.perf_counter() - began, manifest


def whole_run(
    source: Path, warm: Path, output: Path, samples: Path, workers: int
) -> dict[str, Any]:
    """Forecast everything, and note memory, speed and the network's part of it.

    The same is forecast from arrays before and after, so that a machine that slows down slows both.
    """
    arrays = [array_speed(1), array_speed(workers)]
    with cluster(workers) as client:
        timed_run(warm, output.with_name("warm"), client)  # loads the model
        pids = list(client.run(os.getpid).values())
        with Memory([*pids, os.getpid()]) as memory:
            seconds, manifest = timed_run(source, output, client)
        tasks = scheduler_speed(client)
    arrays += [array_speed(1), array_speed(workers)]
    memory.frame().to_csv(samples, index=False)
    found = peaks(memory.frame())
    series = int(manifest["series"].sum())
    alone, together = (arrays[0] + arrays[2]) / 2, (arrays[1] + arrays[3]) / 2
    mine = series / seconds / workers
    return {
        "series": series,
        "seconds": seconds,
        "workers": workers,
        "series a second": series / seconds,
        "series a second and worker": mine,
        "network fraction": float(manifest["network_seconds"].sum() / manifest["seconds"].sum()),
        "arrays, one process": alone,
        "arrays, a process each": together,
        "of arrays, one process": mine / alone,
        "of arrays, a process each": mine / together,
        "worker megabytes": found.loc[pids].round(1).to_dict("list"),
        "driver megabytes": found.loc[[os.getpid()]].round(1).to_dict("list"),
        "last tenth of first tenth": float(
            (found.loc[pids, "last tenth"] / found.loc[pids, "first tenth"]).max()
        ),
        "input bytes": sum(path.stat().st_size for path in source.rglob("*.parquet")),
        "output bytes": sum(path.stat().st_size for path in output.rglob("*.parquet")),
        "scheduler tasks a second": tasks,
    }


def scheduler_speed(client: Any) -> float:
    """Tasks a second that the scheduler hands out and takes back, each of which does nothing."""
    began = time.perf_counter()
    client.gather(client.map(nothing, range(PROBE_TASKS), pure=False))
    return PROBE_TASKS / (time.perf_counter() - began)


def nothing(number: int) -> int:
    """Return what was given."""
    return number


def scaling(source: Path, warm: Path, output: Path, rounds: int = 2) -> dict[str, Any]:
    """Seconds of the same run on one worker and on two, in turns."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for i in range(rounds):
        for workers in ((1, 2), (2, 1))[i % 2]:
            with cluster(workers) as client:
                timed_run(warm, output.with_name("warm"), client)
                seconds[workers].append(timed_run(source, output, client)[0])
    return {
        "seconds of one worker": seconds[1],
        "seconds of two workers": seconds[2],
        "times as fast": sum(seconds[1]) / sum(seconds[2]),
    }


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the forecasts in a folder, without the manifest, which has seconds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
        if not path.name.startswith(("_", "."))
    }


def kill_trial(source: Path, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Kill workers and the driver of ``ttm forecast``, start it again, and compare the bytes."""
    calm, killed = folder / "calm", folder / "killed"
    for output in (calm, killed):
        shutil.rmtree(output, ignore_errors=True)
    began = time.perf_counter()
    _finish(_start(source, calm))
    whole = time.perf_counter() - began
    files = len(digests(calm))
    driver = _start(source, killed)
    dead = []
    for i in range(KILLS):
        _wait_for(driver, killed, 1 + i * files // (KILLS + 2))
        workers = _workers(driver)
        victim = workers[i % len(workers)]
        victim.kill()
        dead.append(victim.pid)
        tell(f"killed worker {victim.pid}")
    _wait_for(driver, killed, 1 + KILLS * files // (KILLS + 2))
    workers = _workers(driver)
    driver.kill()
    driver.wait()
    for each in workers:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    there = len(digests(killed))
    tell(f"killed the driver, {there} files were done")
    began = time.perf_counter()
    _finish(_start(source, killed))
    again = time.perf_counter() - began
    one, two = digests(calm), digests(killed)
    return {
        "files": len(one),
        "killed workers": len(set(dead)),
        "files before the driver was killed": there,
        "seconds undisturbed": whole,
        "seconds of the second start": again,
        "files with other bytes": sorted(
            name for name in {*one, *two} if one.get(name) != two.get(name)
        ),
    }


def _start(source: Path, output: Path) -> psutil.Popen:
    code = "from ttm_estimators.command_line import main; main()"
    options = ["--horizon", str(HORIZON), "--output", str(output), "--workers", "2"]
    return psutil.Popen(
        [sys.executable, "-c", code, "forecast", str(source), *options],
        stdout=subprocess.DEVNULL,
        stderr=open(output.with_suffix(".log"), "ab"),
    )


def _finish(driver: psutil.Popen) -> None:
    if driver.wait():
        raise ValueError(f"ttm forecast failed with exit code {driver.returncode}, see *.log")


def _wait_for(driver: psutil.Popen, output: Path, files: int) -> None:
    """Wait until so many files are done, and workers are there."""
    while driver.poll() is None:
        if len(digests(output)) >= files and _workers(driver):
            return
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    raise ValueError("the run was over before its processes were killed: give a larger --subset")


def _workers(driver: psutil.Popen) -> list[psutil.Process]:
    """Worker processes of a driver, which Dask starts by spawning."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for each in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(each.cmdline()):
                    found.append(each)
    return found
