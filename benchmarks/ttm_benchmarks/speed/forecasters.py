"""The forecasters that ours is timed beside. Those of others have random weights.

Nothing is downloaded: the time of a forecast depends on the sizes of a network, not on its weights,
and these are of the published configurations.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from ttm_benchmarks.speed.training_process import granite_network
from ttm_estimators import load
from ttm_estimators.network.presets import DECILES

HORIZON = 48
"""Steps: two days of hours, which every forecaster here gives in one pass."""

SEASON = 24
"""Steps of the cycle that the classical models are told of, and that the series have."""

BATCH_SIZE = 64
"""Series in a pass of the networks that take a tensor. More at once are no faster on one thread."""

GRANITE_POINTS = 512
GRANITE_BATCH = 256
"""Series in a pass of the reference, of which fewer are not faster."""

Values = npt.NDArray[np.float64]
Prepare = Callable[[Values], Callable[[], object]]
"""Takes series of shape (series, time) and returns the call to time, which forecasts them. What it
does before that, such as making a tensor or a table, does not count."""


@dataclass(frozen=True)
class Row:
    """A forecaster of the comparison.

    Parameters
    ----------
    label : str
        How table and picture call it.
    needs : str
        Module without which it is left out.
    make : callable
        Loads it, and returns what forecasts with it.
    most_series : int
        Series beyond which its time is in proportion to their number, so that no more are run.
    longest : int, optional
        Points beyond which one series takes too long. Default: no limit.
    """

    label: str
    needs: str
    make: Callable[[], Prepare]
    most_series: int
    longest: int | None = None

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return find_spec(self.needs) is not None


def _ours(**options: Any) -> Prepare:
    forecaster = load(**options)
    return lambda values: partial(forecaster.forecast, list(values), HORIZON)


def _granite() -> Prepare:
    """The bare network, on a tensor of what it reads."""
    network = granite_network().eval()

    def prepare(values: Values) -> Callable[[], object]:
        latest = values[:, -GRANITE_POINTS:]
        lacking = GRANITE_POINTS - latest.shape[1]
        context = torch.from_numpy(np.pad(latest, ((0, 0), (lacking, 0))))[..., None].float()
        return torch.inference_mode()(
            lambda: [network(part) for part in torch.split(context, GRANITE_BATCH)]
        )

    return prepare


def _sktime() -> Prepare:
    from ttm_benchmarks.speed.sktime_speed import save_theirs, theirs

    folder = tempfile.TemporaryDirectory()
    path = save_theirs(Path(folder.name))

    def prepare(values: Values, _: object = folder) -> Callable[[], object]:
        series, points = values.shape
        dates = pd.date_range("2024-01-01", periods=points, freq="h")
        index = pd.MultiIndex.from_product([range(series), dates], names=["series", "time"])
        return partial(theirs, path, pd.DataFrame({"value": values.ravel()}, index), HORIZON)

    return prepare


def _chronos_bolt() -> Prepare:
    """Chronos-Bolt-tiny: 8.7 million parameters."""
    from chronos.chronos_bolt import (  # type: ignore[import-not-found, unused-ignore]
        ChronosBoltModelForForecasting,
        ChronosBoltPipeline,
    )
    from transformers import T5Config  # type: ignore[import-not-found, unused-ignore]

    config = T5Config(
        d_model=256,
        d_kv=64,
        d_ff=1024,
        num_layers=4,
        num_decoder_layers=4,
        num_heads=4,
        vocab_size=2,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        chronos_config={
            "context_length": 2048,
            "prediction_length": 64,
            "input_patch_size": 16,
            "input_patch_stride": 16,
            "quantiles": list(DECILES),
            "use_reg_token": True,
        },
    )
    pipeline = ChronosBoltPipeline(ChronosBoltModelForForecasting(config).eval())

    def prepare(values: Values) -> Callable[[], object]:
        parts = torch.split(torch.from_numpy(values).float(), BATCH_SIZE)
        return lambda: [pipeline.predict_quantiles(part, HORIZON) for part in parts]

    return prepare


def _chronos_2() -> Prepare:
    """Chronos-2 of the sizes that are the defaults of its package: 28 million parameters."""
    from chronos.chronos2 import (  # type: ignore[import-not-found, unused-ignore]
        Chronos2CoreConfig,
        Chronos2Model,
        Chronos2Pipeline,
    )

    config = Chronos2CoreConfig(
        chronos_config={
            "context_length": 8192,
            "input_patch_size": 16,
            "input_patch_stride": 16,
            "output_patch_size": 16,
            "max_output_patches": 64,
            "quantiles": [0.01, *(round(0.05 * i, 2) for i in range(1, 20)), 0.99],
            "use_reg_token": True,
            "use_arcsinh": True,
        },
    )
    pipeline = Chronos2Pipeline(Chronos2Model(config).eval())

    def prepare(values: Values) -> Callable[[], object]:
        series = list(torch.from_numpy(values).float())
        return partial(pipeline.predict, series, HORIZON, batch_size=BATCH_SIZE)

    return prepare


def _statsforecast(name: str) -> Prepare:
    """A classical model with an 80 % band, fitted to each series."""
    from statsforecast import models  # type: ignore[import-not-found, unused-ignore]

    model = getattr(models, name)(season_length=SEASON)
    return lambda values: lambda: [model.forecast(y, HORIZON, level=[80]) for y in values]


OURS, ONNX, GRANITE = "ours", "onnx", "granite"

ROWS = {
    OURS: Row("ours", "ttm_estimators", _ours, 10_000),
    ONNX: Row("ours, onnxruntime", "onnxruntime", partial(_ours, runtime="onnx"), 10_000),
    GRANITE: Row("granite-tsfm, bare network", "tsfm_public", _granite, 10_000),
    "sktime": Row("sktime's TinyTimeMixer", "sktime", _sktime, 1_000),
    "chronos-bolt": Row("Chronos-Bolt-tiny", "chronos", _chronos_bolt, 1_000),
    "chronos-2": Row("Chronos-2, 28M", "chronos", _chronos_2, 100),
    "auto-theta": Row(
        "AutoTheta", "statsforecast", partial(_statsforecast, "AutoTheta"), 10, longest=8192
    ),
    "auto-ets": Row(
        "AutoETS", "statsforecast", partial(_statsforecast, "AutoETS"), 10, longest=8192
    ),
}
