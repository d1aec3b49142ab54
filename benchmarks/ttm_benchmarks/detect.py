"""Flags on normal series, which should be as many as the nominal rate, and on faults put in.

Normal series are made (noise, an autoregressive one, a daily cycle with noise, counts), or of the
corpus as they are, with what faults they have. Faults are put into these, and into NAB's and
Twitter's series: spikes, new levels of 40 points, and dropouts of six. The other detectors are
calibrated by the same rule, so that they differ only in what they expect. Sources of the corpus are
others than those that the calibration was chosen on.

Shape suffixes: T time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ttm_estimators import load
from ttm_estimators.detection.calibration import thresholds

Array = npt.NDArray[np.float64]

RATES = (0.01, 0.001)

MAX_FALSE_FLAGS = 0.005
"""Fraction of normal points that every detector may flag where faults found are compared."""

SPARSE_MEANS = (0.05, 0.2, 1.0)
"""Of Poisson counts. Their series are a third as long, as their first points are the hard ones."""

TRIED_RATES = tuple(np.geomspace(0.05, 0.0005, 13).tolist())
"""Nominal rates of which each detector has the largest that keeps to it."""

MADE_POINTS = 6000
"""Of series without a fault: three windows of the calibration at the lowest rate."""

POINTS, FIRST_FAULT, FAULT_SPACING = 1600, 800, 130
"""Of a series of the corpus, before its first fault, and between two."""

FAULT_POINTS = {"spike": 1, "level shift": 40, "dropout": 6}

MIN_SIZE, MAX_SIZE = 4.0, 8.0
"""Of spikes and shifts, in standard deviations of the differences of a series."""

ROLLING_POINTS, MIN_ROLLING_POINTS = 100, 64
"""Window of the rolling mean and standard deviation."""

CYCLES = {"min": 1440, "5min": 288, "10min": 144, "15min": 96, "30min": 48, "h": 24, "D": 7}
"""Steps of a day, or of a week of days, that the seasonal naive forecast repeats."""

FAULTY_SOURCES = ("nab", "twitter_anomaly")
NORMAL_SOURCES = (
    "ottawa_bike_counters",
    "seattle_trail",
    "trentino_weather",
    "usgrid",
    "wind_turbines",
)


class Series(NamedTuple):
    """A series, the steps of its cycle, and the first point of each fault."""

    values_T: Array
    cycle: int
    faults: dict[int, str]


def run(model: str | None, corpus: Path | None, output: Path, *, series: int, seed: int) -> None:
    """Measure flags, print them, and write a row for each set, detector and rate."""
    forecaster = load(model)
    rng = np.random.default_rng(seed)
    sets = made(rng, max(1, series // 2))
    if corpus is not None:
        sets["corpus"] = [one for name in NORMAL_SOURCES for one in read(corpus, name, rng, 2)]
        found = [one for name in FAULTY_SOURCES for one in read(corpus, name, rng, 2 * series)]
        sets["NAB and Twitter with faults"] = [with_faults(one, rng) for one in found]
        sets["corpus with faults"] = [with_faults(one, rng) for one in sets["corpus"]]
    detectors: dict[str, Callable[[Series], Array]] = {
        "ttm": lambda one: forecaster.detect(one.values_T)[0].score,
        "rolling z-score": lambda one: z_score(one.values_T),
        "seasonal naive": lambda one: z_score(one.values_T - shifted(one.values_T, one.cycle)),
    }
    rows = []
    for name, members in sets.items():
        for detector, score in detectors.items():
            told = track(members, f"{name}, {detector}", console=Console(stderr=True))
            scores = [score(one) for one in told]
            rows += [
                {"set": name, "detector": detector, "rate": rate, **flags(members, scores, rate)}
                for rate in RATES
            ]
            if members[0].faults:
                every = ((rate, flags(members, scores, rate)) for rate in TRIED_RATES)
                rate, kept = next(
                    each for each in every if each[1]["false flags"] <= MAX_FALSE_FLAGS
                )
                rows.append({"set": name, "detector": detector, "rate": rate, **kept})
    frame = pd.DataFrame(rows)
    frame.to_csv(output, index=False)
    table = Table(*frame.columns)
    for row in frame.itertuples(index=False):
        table.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)


def made(rng: np.random.Generator, series: int) -> dict[str, list[Series]]:
    """Series without a fault."""
    kinds: dict[str, list[Series]] = {"noise": [], "autoregressive": [], "daily cycle": []}
    for _ in range(series):
        noise_T = rng.normal(size=MADE_POINTS)
        path_T = np.zeros(MADE_POINTS)
        for t in range(1, MADE_POINTS):
            path_T[t] = 0.8 * path_T[t - 1] + noise_T[t]
        cycle_T = 5 * np.sin(np.arange(MADE_POINTS) * 2 * np.pi / 24 + rng.uniform(0, 6)) + noise_T
        for kind, values_T in zip(kinds, (noise_T, path_T, cycle_T), strict=True):
            kinds[kind].append(Series(values_T, 24, {}))
    counts = rng.spawn(1)[0]  # leaves what is drawn later as it was
    for mean in SPARSE_MEANS:
        drawn_NT = counts.poisson(mean, (3 * series, MADE_POINTS // 3)).astype(float)
        kinds[f"counts of mean {mean:g}"] = [Series(values_T, 24, {}) for values_T in drawn_NT]
    return kinds


def read(corpus: Path, name: str, rng: np.random.Generator, most: int) -> list[Series]:
    """Draw series of a source that are long enough."""
    table = pd.read_parquet(corpus / f"{name}.parquet", columns=["freq", "target"])
    table = table[table["freq"].isin(CYCLES) & (table["target"].map(len) >= POINTS)]
    drawn = rng.choice(len(table), min(most, len(table)), replace=False)
    return [
        Series(np.asarray(target[:POINTS], dtype=float), CYCLES[freq], {})
        for freq, target in table.iloc[drawn].itertuples(index=False)
    ]


def with_faults(one: Series, rng: np.random.Generator) -> Series:
    """Put faults of every kind into a series, in a random order."""
    values_T, faults = one.values_T.copy(), {}
    deviation = float(np.nanstd(np.diff(values_T)))
    starts = np.arange(FIRST_FAULT, POINTS - max(FAULT_POINTS.values()), FAULT_SPACING)
    kinds = rng.permutation(np.resize(list(FAULT_POINTS), len(starts)))
    for start, kind in zip(starts.tolist(), kinds.tolist(), strict=True):
        points = slice(start, start + FAULT_POINTS[kind])
        if kind == "dropout":
            values_T[points] = np.nanmin(one.values_T) - deviation
        else:
            values_T[points] += rng.choice([-1, 1]) * rng.uniform(MIN_SIZE, MAX_SIZE) * deviation
        faults[start] = kind
    return Series(values_T, one.cycle, faults)


def z_score(values_T: Array) -> Array:
    """Distance of each point from the mean of the points before it, in their deviations."""
    past = pd.Series(values_T).shift().rolling(ROLLING_POINTS, min_periods=MIN_ROLLING_POINTS)
    distance = (pd.Series(values_T) - past.mean()) / past.std().clip(lower=1e-9)
    scores_T: Array = distance.clip(-38, 38).to_numpy()
    return scores_T


def shifted(values_T: Array, cycle: int) -> Array:
    """The values one cycle earlier."""
    earlier_T: Array = pd.Series(values_T).shift(cycle).to_numpy()
    return earlier_T


def flags(members: list[Series], scores: list[Array], rate: float) -> dict[str, float]:
    """Fraction of normal points that is flagged, and of faults whose first point is."""
    normal = false = 0
    hits: dict[str, list[bool]] = {kind: [] for kind in FAULT_POINTS}
    for one, score_T in zip(members, scores, strict=True):
        flag_T = np.abs(score_T) > thresholds(score_T, rate)
        normal_T = np.isfinite(score_T)
        for start, kind in one.faults.items():
            hits[kind].append(bool(flag_T[start]))
            # The step back to normal is no fault, but no surprise either where it is flagged.
            normal_T[start : start + FAULT_POINTS[kind] + 1] = False
        normal += int(normal_T.sum())
        false += int((flag_T & normal_T).sum())
    recall = {kind: float(np.mean(each)) if each else np.nan for kind, each in hits.items()}
    return {"normal points": normal, "false flags": false / normal, **recall}
