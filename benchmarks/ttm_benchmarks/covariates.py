"""What a covariate is worth: the same series without it and with it, zero-shot and fine-tuned.

Zero-shot it counts by a regression, fine-tuned by the network. The made set follows a driver that
is known in the future: sales with a weekly cycle, prices that change at random, and noise. The real
one is the oil temperature of the ETT transformers, whose six loads stand for a plan that is known.
Sets of the corpus are zero-shot only: loads of GEFCom 2012 with the mean of its temperatures, and
sold avocados with their price, at some cutoffs in the last part of the series, from the history
before each.

Shape suffixes: N series, T time, C channels, X covariates.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.ltsf.protocol import borders
from ttm_benchmarks.ltsf.read import find_dataset, read_dataset, standardise
from ttm_estimators import (
    Covariates,
    FineTuneConfig,
    Forecaster,
    OutlierWarning,
    fine_tune,
    load,
)

Array = npt.NDArray[np.float64]

SERIES, LENGTH, HORIZON = 20, 400, 12
"""Size of the made set. The last horizon of each series is forecast."""

REAL_HORIZON = 96
REAL_TESTS = 100
"""Test windows of a real set, evenly spread."""

WINDOWS, STEPS = 3000, 300
"""Of fine-tuning, at most."""

MAX_ERROR_RATIO = 0.3
"""Bar: error on the made set with the covariate, divided by that without it, zero-shot too."""

MAX_TIME_RATIO = 0.01
"""Bar: time of the made set's zero-shot forecast with covariates over that of fine-tuning."""

CORPUS_CUTOFFS, CORPUS_LAST_PART = 6, 0.3
"""Cutoffs of a set of the corpus, evenly spread over its last part."""

LOAD_HORIZONS, SALES_HORIZON = (24, 168), 8

ZERO_SHOT = "zero-shot"
REGRESSION = "zero-shot with covariates"
FINE_TUNED = "fine-tuned"
WITH_COVARIATES = "fine-tuned with covariates"


class Set(NamedTuple):
    """Series to learn from, and windows to forecast."""

    series: list[Array]
    known: list[Array]
    pasts: list[Array]
    past_known: list[Array]
    """From the first point of each past to the end of its future."""

    futures: Array
    horizon: int


def run(
    data: Path | None,
    corpus: Path | None,
    model: str | None,
    output: Path,
    *,
    datasets: Sequence[str],
    seed: int,
) -> bool:
    """Measure each set without and with covariates, and write a row for each.

    Parameters
    ----------
    data : Path or None
        Folder with ETT as CSV or parquet. None: none of it.
    corpus : Path or None
        Folder with ``gefcom2012_load.parquet``, ``gefcom2012_temp.parquet`` and
        ``apress_recipes.parquet``. None: none of it.
    model : str or None
        Shipped model or weights folder.
    output : Path
        CSV file.
    datasets : sequence of str
        Real sets of ``data``.
    seed : int
        Of the made set, and of fine-tuning.

    Returns
    -------
    bool
        Whether the errors and the time of the made set are within the bars.
    """
    forecaster = load(model)
    length = forecaster.config.input_length
    sets = {"made": made(seed)}
    if data is not None:
        for name in datasets:
            values_TC = read_dataset(find_dataset(data, name))
            sets[name] = real(name, values_TC, length)
    output.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name, panels in corpus_sets(corpus).items():
        rows.append({"set": name, **measure_zero_shot(forecaster, panels)})
    for name, one in reversed(sets.items()):
        rows.insert(0, {"set": name, **measure(forecaster, one, seed)})
        pd.DataFrame(rows).to_csv(output, index=False)
    table = Table(title="Mean absolute error of the median")
    table.add_column("", no_wrap=True)
    for row in rows:
        table.add_column(row["set"], justify="right")
    for measured in [*rows[0]][1:]:
        table.add_row(measured, *(f"{r[measured]:.3g}" if measured in r else "" for r in rows))
    console = Console()
    console.print(table)
    console.print(f"Results are in {output}", soft_wrap=True)
    return bool(
        max(rows[0]["ratio"], rows[0]["ratio zero-shot"]) <= MAX_ERROR_RATIO
        and rows[0]["time ratio"] <= MAX_TIME_RATIO
    )


def measure(forecaster: Forecaster, one: Set, seed: int) -> dict[str, float]:
    """Errors zero-shot and fine-tuned, without covariates and with them, and what they took."""
    settings = FineTuneConfig(windows=WINDOWS, steps=STEPS, seed=seed)
    past_known = [Covariates(known=each) for each in one.past_known]
    errors = {ZERO_SHOT: _error(forecaster, one, None)}
    begin = monotonic()
    errors[REGRESSION] = _error(forecaster, one, past_known)
    seconds = monotonic() - begin
    for name, given in ((FINE_TUNED, False), (WITH_COVARIATES, True)):
        begin = monotonic()
        tuned = fine_tune(
            forecaster.network,
            one.series,
            settings,
            horizon=one.horizon,
            covariates=[Covariates(known=known) for known in one.known] if given else None,
        )
        tuning = monotonic() - begin
        errors[name] = _error(Forecaster(tuned.network), one, past_known if given else None)
    return {
        **errors,
        "ratio zero-shot": errors[REGRESSION] / errors[ZERO_SHOT],
        "ratio": errors[WITH_COVARIATES] / errors[FINE_TUNED],
        "seconds zero-shot": seconds,
        "seconds fine-tuning": tuning,
        "time ratio": seconds / tuning,
    }


def measure_zero_shot(forecaster: Forecaster, panels: Sequence[Set]) -> dict[str, float]:
    """Errors of some cutoffs, each series on the scale of its zero-shot error, the mean of all."""
    before = np.stack([_errors(forecaster, one, None) for one in panels])
    begin = monotonic()
    after = np.stack(
        [
            _errors(forecaster, one, [Covariates(known=each) for each in one.past_known])
            for one in panels
        ]
    )
    seconds = monotonic() - begin
    scale = before.mean(axis=0)
    ratio = float((after.mean(axis=0) / scale).mean())
    return {
        ZERO_SHOT: 1.0,
        REGRESSION: ratio,
        "ratio zero-shot": ratio,
        "seconds zero-shot": seconds,
    }


def _error(forecaster: Forecaster, one: Set, covariates: list[Covariates] | None) -> float:
    return float(_errors(forecaster, one, covariates).mean())


def _errors(forecaster: Forecaster, one: Set, covariates: list[Covariates] | None) -> Array:
    """Mean absolute error of each series."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutlierWarning)  # of the loads, -999 and the like
        point = forecaster.forecast(one.pasts, one.horizon, covariates=covariates).point
    errors: Array = np.nanmean(np.abs(point - one.futures), axis=1)
    return errors


def corpus_sets(corpus: Path | None) -> dict[str, list[Set]]:
    """Sets of the corpus, a panel for each cutoff."""
    if corpus is None:
        return {}
    loads = _targets(corpus, "gefcom2012_load")
    temperature_T = np.nanmean([*_targets(corpus, "gefcom2012_temp").values()], axis=0)
    sets = {
        f"loads, {horizon} hours": _panels([*loads.values()], [temperature_T] * len(loads), horizon)
        for horizon in LOAD_HORIZONS
    }
    avocados = _targets(corpus, "apress_recipes")
    sold = {
        name: values
        for name, values in avocados.items()
        if name.startswith("avocado/") and name.endswith("/Total Volume")
    }
    longest = max(map(len, sold.values()))
    pairs = [
        (values, avocados[name.replace("Total Volume", "AveragePrice")])
        for name, values in sold.items()
        if len(values) == longest
    ]
    volumes, prices = zip(*pairs, strict=True)
    sets[f"avocados, {SALES_HORIZON} weeks"] = _panels([*volumes], [*prices], SALES_HORIZON)
    return sets


def _targets(corpus: Path, name: str) -> dict[str, Array]:
    table = pd.read_parquet(corpus / f"{name}.parquet", columns=["item_id", "target"])
    return {
        str(name): np.asarray(target, dtype=float)
        for name, target in zip(table["item_id"], table["target"], strict=True)
    }


def _panels(series: list[Array], known: list[Array], horizon: int) -> list[Set]:
    """What is known at some cutoffs in the last part of series of one length."""
    length = int(np.flatnonzero(~np.isnan(series[0]))[-1]) + 1
    cutoffs = np.linspace((1 - CORPUS_LAST_PART) * length, length - horizon, CORPUS_CUTOFFS).astype(
        int
    )
    return [
        Set(
            [],
            [],
            [each[:cutoff] for each in series],
            [each[: cutoff + horizon] for each in known],
            np.stack([each[cutoff : cutoff + horizon] for each in series]),
            horizon,
        )
        for cutoff in cutoffs
    ]


def made(seed: int) -> Set:
    """Sales of some shops: a weekly cycle, a price that is known, and noise."""
    random = np.random.default_rng(seed)
    days = np.arange(LENGTH)
    price_NT = random.normal(size=(SERIES, LENGTH))
    cycle_NT = np.sin((days + random.integers(7, size=(SERIES, 1))) * 2 * np.pi / 7)
    noise_NT = random.normal(size=(SERIES, LENGTH))
    sales_NT = 50 + 2 * cycle_NT - 5 * price_NT + noise_NT
    end = LENGTH - HORIZON
    return Set(
        [*sales_NT[:, :end]],
        [*price_NT[:, :end]],
        [*sales_NT[:, :end]],
        [*price_NT],
        sales_NT[:, end:],
        HORIZON,
    )


def real(name: str, values_TC: Array, length: int) -> Set:
    """Oil temperature, the last column of ETT, and the loads before it.

    Training ends with the training part, and the tests are those of the long-horizon protocol.
    """
    split = borders(name, len(values_TC))
    values_TC = standardise(values_TC, split.train_end)
    last = split.test_end - REAL_HORIZON
    cuts = np.linspace(split.test_start, last, REAL_TESTS).astype(int)
    loads_TX, oil_T = values_TC[:, :-1], values_TC[:, -1]
    return Set(
        [oil_T[: split.train_end]],
        [loads_TX[: split.train_end]],
        [oil_T[max(0, cut - length) : cut] for cut in cuts],
        [loads_TX[max(0, cut - length) : cut + REAL_HORIZON] for cut in cuts],
        np.stack([oil_T[cut : cut + REAL_HORIZON] for cut in cuts]),
        REAL_HORIZON,
    )
