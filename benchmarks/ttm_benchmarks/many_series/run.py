"""Stages of the benchmark, each of which is done once and kept."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from ttm_benchmarks.many_series.make import POINTS, make_folder
from ttm_benchmarks.many_series.measure import (
    HORIZON,
    kill_trial,
    scaling,
    whole_run,
)
from ttm_benchmarks.many_series.on_paper import CORE_HOUR, Measured, on_paper
from ttm_estimators.atomic import write_text

STAGES = ("whole", "scaling", "kills")

MIN_OF_ARRAYS, MIN_SCALING, MAX_GROWTH, MAX_MEGABYTES = 0.7, 1.8, 1.1, 700.0
"""Bars: speed of a worker by that of arrays, of two workers by that of one, memory of the last
tenth by that of the first, and megabytes of a worker."""

RESULTS, TABLE, SAMPLES = "results.json", "results.md", "memory.csv"


def run(
    folder: Path,
    *,
    stages: Sequence[str],
    series: int,
    per_file: int,
    subset: int,
    workers: int,
) -> bool:
    """Run stages that are not done, write a table, and tell whether all bars were held."""
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        raise ValueError(f"--stages takes {', '.join(STAGES)}, got {unknown[0]}")
    console = Console()
    folder.mkdir(parents=True, exist_ok=True)
    done = _read(folder, {"series": series, "per_file": per_file, "subset": subset})
    few, warm, output = folder / "subset", folder / "warm_source", folder / "output"
    for stage in stages:
        if stage in done:
            console.print(f"{stage}: done before")
            continue
        began = time.perf_counter()
        make_folder(warm, 512 * workers, 512)
        if stage == "whole":
            source = folder / "source"
            files = make_folder(source, series, per_file)
            console.print(f"{series:,} series in {len(files)} files")
            done[stage] = whole_run(source, warm, output, folder / SAMPLES, workers)
            done["date"], done["machine"] = str(date.today()), _machine()
        else:
            make_folder(few, subset, max(1, subset // 16))
            if stage == "scaling":
                done[stage] = scaling(few, warm, output.with_name("output_subset"))
            else:
                done[stage] = kill_trial(few, folder, console.print)
        console.print(f"{stage}: {time.perf_counter() - began:.0f} s")
        write_text(folder / RESULTS, json.dumps(done, indent=1))
    for each in ("warm", "output_subset"):
        shutil.rmtree(folder / each, ignore_errors=True)
    text = report(done)
    write_text(folder / TABLE, text)
    console.print(text, markup=False)
    return all(held for *_, held in bars(done))


def _read(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    path = folder / RESULTS
    if not path.exists():
        return {"options": options}
    done: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if done["options"] != options:
        raise ValueError(f"{path} is of other options, {done['options']}: choose another --output")
    return done


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def bars(done: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """What was asked for: its name, what was found, the bar, and whether it was held."""
    found = []
    if whole := done.get("whole"):
        per_worker, growth = whole["of arrays, one process"], whole["last tenth of first tenth"]
        peak = max(whole["worker megabytes"]["all"])
        found += [
            (
                "speed of a worker by `Forecaster.forecast` on arrays in one process",
                f"{per_worker:.0%}",
                f"≥ {MIN_OF_ARRAYS:.0%}",
                per_worker >= MIN_OF_ARRAYS,
            ),
            (
                "peak memory of a worker, last tenth by first tenth",
                f"{growth:.3f}",
                f"≤ {MAX_GROWTH}",
                growth <= MAX_GROWTH,
            ),
            (
                "peak memory of a worker, MB",
                f"{peak:.0f}",
                f"< {MAX_MEGABYTES:.0f}",
                peak < MAX_MEGABYTES,
            ),
        ]
    if "scaling" in done:
        times = done["scaling"]["times as fast"]
        found.append(
            (
                "speed of two workers by that of one",
                f"{times:.2f}",
                f"≥ {MIN_SCALING}",
                times >= MIN_SCALING,
            )
        )
    if kills := done.get("kills"):
        other = len(kills["files with other bytes"])
        found.append(
            (
                f"files with other bytes after {kills['killed workers']} killed workers and a "
                "killed driver",
                f"{other} of {kills['files']}",
                "0",
                not other,
            )
        )
    return found


def report(done: dict[str, Any]) -> str:
    """The results as a table in Markdown."""
    lines = ["| | measured | bar | held |", "|---|--:|--:|---|"]
    lines += [
        f"| {name} | {value} | {bar} | {'yes' if held else 'no'} |"
        for name, value, bar, held in bars(done)
    ]
    if whole := done.get("whole"):
        lines += [
            "",
            f"{whole['series']:,} series of {POINTS} points, horizon {HORIZON}, {whole['workers']} "
            f"worker processes: {whole['seconds']:.0f} s, {whole['series a second']:.0f} series a "
            f"second, {whole['network fraction']:.0%} of the workers' time in the forecaster; on "
            f"arrays {whole['arrays, one process']:.0f} a second in one process, "
            f"{whole['arrays, a process each']:.0f} in each of {whole['workers']} at the same time "
            f"({whole['of arrays, a process each']:.0%}). The driver held "
            f"{max(whole['driver megabytes']['all']):.0f} MB at most. {done['machine']}, "
            f"{done['date']}.",
            "",
            paper_text(done),
        ]
    return "\n".join([*lines, ""])


def paper_text(done: dict[str, Any]) -> str:
    """A billion series on paper, by the figures of the run."""
    whole = done["whole"]
    measured = Measured(
        whole["series a second and worker"],
        whole["input bytes"] / whole["series"],
        whole["output bytes"] / whole["series"],
        whole["scheduler tasks a second"],
    )
    found = on_paper(measured)
    return (
        f"A billion series on paper, in {found.files:,} files on {found.workers:,} workers of one "
        f"core: {found.core_hours:,.0f} core-hours, {found.hours:.1f} hours. The scheduler hears "
        f"of {found.files:,} tasks, {found.scheduler_busy:.2%} of what it handles in the time, and "
        f"would feed {found.workers_that_the_scheduler_feeds:,} workers. The object store gets "
        f"{found.reads:,} reads and {found.writes:,} writes, {found.gigabytes / 1000:,.1f} TB in "
        f"all, {found.gigabits_a_second:.1f} Gbit/s on average. That is "
        f"${found.core_cost:,.0f} for cores, at ${CORE_HOUR} an hour, and "
        f"${found.request_cost:,.2f} for requests. The bottleneck: {found.bottleneck}."
    )
