"""Time and memory of the sktime forecaster, the core alone, and sktime's own TinyTimeMixer.

``make sktime-speed`` runs it in an environment of its own, which has what the last one needs.
Networks have random weights and the published geometry, so nothing is downloaded.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from ttm_benchmarks.speed.turns import median_seconds, timer
from ttm_estimators import PRESETS, Forecaster, TinyTimeMixer, load, save_network
from ttm_estimators.network.presets import DECILES
from ttm_estimators.weights.published import published_config
from ttm_sktime import TTMForecaster

GEOMETRY = "ttm_512_96"
CORE, ADAPTER, PEER = "core façade on arrays", "TTMForecaster", "sktime TinyTimeMixerForecaster"
MAX_TIMES_DATA, MAX_BYTES = 2.0, 200e6
"""Bar: a forecast adds at most so many times the memory of the data, and so many bytes."""


def make_panel(series: int, points: int) -> tuple[npt.NDArray[np.float64], pd.DataFrame]:
    """Hourly random walks, as arrays and as a panel."""
    values = np.random.default_rng(0).normal(size=(series, points)).cumsum(axis=1)
    dates = pd.date_range("2024-01-01", periods=points, freq="h")
    index = pd.MultiIndex.from_product([range(series), dates], names=["series", "time"])
    return values, pd.DataFrame({"value": values.ravel()}, index=index)


def ours(model: str, y: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Fit, predict and predict intervals."""
    forecaster = TTMForecaster(model).fit(y)
    steps = range(1, horizon + 1)
    forecaster.predict(fh=steps)
    interval: pd.DataFrame = forecaster.predict_interval(fh=steps)
    return interval


def theirs(folder: Path, y: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Fit and predict. It has no intervals."""
    from sktime.forecasting.ttm import TinyTimeMixerForecaster

    steps = range(1, horizon + 1)
    with redirect_stderr(io.StringIO()):  # sktime warns for each copy that it makes
        forecaster = TinyTimeMixerForecaster(model_path=str(folder), fit_strategy="zero-shot")
        point: pd.DataFrame = forecaster.fit(y, fh=steps).predict()
    return point


def save_ours(folder: Path) -> str:
    """Write random weights of the geometry, with deciles."""
    torch.manual_seed(0)
    network = TinyTimeMixer(replace(PRESETS[GEOMETRY], quantile_levels=DECILES))
    return str(save_network(network, folder))


def save_theirs(folder: Path) -> Path:
    """Write random weights of the same geometry for sktime's own."""
    from sktime.libs.granite_ttm import TinyTimeMixerConfig
    from sktime.libs.granite_ttm.modeling_tinytimemixer import TinyTimeMixerForPrediction

    config = TinyTimeMixerConfig(**published_config(PRESETS[GEOMETRY]))
    network = TinyTimeMixerForPrediction(config)
    network.save_pretrained(folder)
    return folder


def added_memory(function: Callable[[], object]) -> int:
    """Bytes that a function adds to this process at its highest. Linux only."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forget the highest so far
    before = _memory("VmRSS")
    function()
    return _memory("VmHWM") - before


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def run(*, series: int, points: int, horizon: int, rounds: int, peer: bool) -> bool:
    """Print times and memory, and tell whether all bars were held."""
    values, y = make_panel(series, points)
    with tempfile.TemporaryDirectory() as folder:
        model = save_ours(Path(folder) / "ours")
        core: Forecaster = load(model)
        ours(model, y.loc[:1], horizon)  # the first forecast of a process is slow
        data = int(y.memory_usage(deep=True).sum())
        added = added_memory(lambda: ours(model, y, horizon))
        functions: dict[str, Callable[[], object]] = {
            CORE: lambda: core.forecast(list(values), horizon),
            ADAPTER: lambda: ours(model, y, horizon),
        }
        if peer:
            other = save_theirs(Path(folder) / "theirs")
            functions[PEER] = lambda: theirs(other, y, horizon)
        medians = median_seconds({name: timer(each) for name, each in functions.items()}, rounds)
    print(
        f"{series} series of {points} points, horizon {horizon}, {torch.get_num_threads()} threads"
    )
    for name, value in medians.items():
        print(f"{name}: {value:.2f} s, {value / medians[ADAPTER]:.2f} of TTMForecaster's")
    print(f"TTMForecaster adds {added / 1e6:.0f} MB to {data / 1e6:.0f} MB of data")
    within = medians[ADAPTER] <= 2 * medians[CORE] and added <= MAX_TIMES_DATA * data + MAX_BYTES
    if peer:
        within = within and medians[PEER] >= 30 * medians[ADAPTER]
    print("Within all bars" if within else "Above a bar")
    return within


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--points", type=int, default=512)
    parser.add_argument("--horizon", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave sktime's own out")
    arguments = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    raise SystemExit(
        not run(
            series=arguments.series,
            points=arguments.points,
            horizon=arguments.horizon,
            rounds=arguments.rounds,
            peer=not arguments.no_peer,
        )
    )
