"""What a covariate is worth: the same series fine-tuned without it and with it.

The made set follows a driver that is known in the future: sales with a weekly cycle, prices that
change at random, and noise. The real one is the oil temperature of the ETT transformers, whose six
loads stand for a plan that is known.

Shape suffixes: N series, T time, C channels, X covariates.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table

from ttm_benchmarks.ltsf.protocol import borders
from ttm_benchmarks.ltsf.read import find_dataset, read_dataset, standardise
from ttm_estimators import Covariates, FineTuneConfig, Forecaster, fine_tune, load

Array = npt.NDArray[np.float64]

SERIES, LENGTH, HORIZON = 20, 400, 12
"""Size of the made set. The last horizon of each series is forecast."""

REAL_HORIZON = 96
REAL_TESTS = 100
"""Test windows of a real set, evenly spread."""

WINDOWS, STEPS = 3000, 300
"""Of fine-tuning, at most."""

MAX_ERROR_RATIO = 0.5
"""Bar: error on the made set with the covariate, divided by that without it."""

WITH_COVARIATES = "with covariates"


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
    data: Path | None, model: str | None, output: Path, *, datasets: Sequence[str], seed: int
) -> bool:
    """Measure each set without and with covariates, and write a row for each.

    Parameters
    ----------
    data : Path or None
        Folder with ETT as CSV or parquet. None: the made set alone.
    model : str or None
        Shipped model or weights folder.
    output : Path
        CSV file.
    datasets : sequence of str
        Real sets.
    seed : int
        Of the made set, and of fine-tuning.

    Returns
    -------
    bool
        Whether the error on the made set is within the bar.
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
    for name, one in sets.items():
        rows.append({"set": name, **measure(forecaster, one, seed)})
        pd.DataFrame(rows).to_csv(output, index=False)
    table = Table(title="Mean absolute error of the median")
    for column in rows[0]:
        table.add_column(column, justify="left" if column == "set" else "right")
    for row in rows:
        table.add_row(*(v if isinstance(v, str) else f"{v:.3f}" for v in row.values()))
    console = Console()
    console.print(table)
    console.print(f"Results are in {output}", soft_wrap=True)
    return bool(rows[0]["ratio"] <= MAX_ERROR_RATIO)


def measure(forecaster: Forecaster, one: Set, seed: int) -> dict[str, float]:
    """Errors zero-shot, fine-tuned without covariates, and with them."""
    settings = FineTuneConfig(windows=WINDOWS, steps=STEPS, seed=seed)
    errors = {"zero-shot": _error(forecaster, one, None)}
    for name, given in (("fine-tuned", False), (WITH_COVARIATES, True)):
        tuned = fine_tune(
            forecaster.network,
            one.series,
            settings,
            horizon=one.horizon,
            covariates=[Covariates(known=known) for known in one.known] if given else None,
        )
        known = [Covariates(known=each) for each in one.past_known] if given else None
        errors[name] = _error(Forecaster(tuned.network), one, known)
    return {**errors, "ratio": errors[WITH_COVARIATES] / errors["fine-tuned"]}


def _error(forecaster: Forecaster, one: Set, covariates: list[Covariates] | None) -> float:
    point = forecaster.forecast(one.pasts, one.horizon, covariates=covariates).point
    return float(np.abs(point - one.futures).mean())


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
