"""TabPFN-TS on arrays, which the predictor and the forecaster share.

Shape suffixes: N series, T time, H horizon, S steps (T + H), X covariates known in the future, Q
quantile levels.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_tabpfn.checkpoint import Checkpoint, check_installed, find_checkpoint

Array = npt.NDArray[np.float64]

MODES = ("local", "cloud")

CONTEXT_LENGTH = 4096
"""Points of a series that are used: as many as in the published GIFT-Eval results, and few enough
for TabPFN to agree to run on a CPU."""


class History(NamedTuple):
    """A series, and the dates to forecast."""

    values_T: Array
    """NaN means missing."""

    times_S: pd.DatetimeIndex
    """Dates of the values and of the steps after them."""

    covariates_SX: Array
    """Covariates of all steps, past and future."""


@dataclass(frozen=True)
class TabPFNTS:
    """TabPFN-TS and its settings, which are those of :class:`~ttm_tabpfn.TabPFNPredictor`.

    Raises
    ------
    ValueError
        When a setting is out of range.
    """

    model_path: str | Path | None = None
    mode: str = "local"
    download: bool = False
    context_length: int = CONTEXT_LENGTH
    workers: int | None = None
    device: str = "cpu"
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {self.mode!r}")
        for name in ("context_length", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """Weights on this machine. None in the cloud.

        Raises
        ------
        TabPFNError
            When TabPFN-TS or the weights are not there.
        """
        check_installed()
        if self.mode == "cloud":
            return None
        return find_checkpoint(self.model_path, download=self.download)

    def facts(self) -> dict[str, Any]:
        """Facts about the model for result files, as JSON can write them."""
        checkpoint = self.checkpoint
        packages = {name: version(name) for name in ("tabpfn", "tabpfn-time-series")}
        if checkpoint is None:
            path = self.model_path and str(self.model_path)
            return {"mode": self.mode, "model_path": path, **packages}
        counted = checkpoint.parameters()
        return {
            "mode": self.mode,
            "model_path": str(checkpoint.path),
            "model_version": checkpoint.version,
            "model_licence": checkpoint.licence,
            **({} if counted is None else {"parameters": counted}),
            **packages,
        }

    def forecast(
        self, histories: Sequence[History], levels: Sequence[float], *, calendar: bool = True
    ) -> Array:
        """Forecast series that have one horizon and the same covariates.

        Parameters
        ----------
        histories : sequence of History
            What to forecast. A series without any value is taken as zeros.
        levels : sequence of float
            Quantile levels.
        calendar : bool, default True
            Whether the dates are real ones, so that weekdays and months mean something.

        Returns
        -------
        array of shape (N, H, Q)
        """
        frames = [_frame(i, history) for i, history in enumerate(histories)]
        context = pd.concat([past for past, _ in frames], ignore_index=True)
        future = pd.concat([ahead for _, ahead in frames], ignore_index=True)
        pipeline = self._pipeline(calendar)
        wanted = [float(level) for level in levels]
        found = pipeline.predict_df(context, future, quantiles=list(dict.fromkeys(wanted)))
        values: Array = found[wanted].to_numpy(dtype=np.float64)
        return values.reshape(len(histories), -1, len(wanted))

    def _pipeline(self, calendar: bool) -> Any:
        """Make the pipeline of TabPFN-TS, with the given number of workers."""
        checkpoint = self.checkpoint
        from joblib import cpu_count
        from tabpfn_time_series import TABPFN_TS_DEFAULT_FEATURES, TabPFNMode, TabPFNTSPipeline
        from tabpfn_time_series.features import CalendarFeature
        from tabpfn_time_series.worker import CPUParallelWorker, GPUParallelWorker

        features = [
            feature
            for feature in TABPFN_TS_DEFAULT_FEATURES
            if calendar or not isinstance(feature, CalendarFeature)
        ]
        path = self.model_path if checkpoint is None else checkpoint.path
        device = {} if checkpoint is None else {"device": self.device}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Running TabPFN locally on CPU")
            pipeline = TabPFNTSPipeline(
                max_context_length=self.context_length,
                temporal_features=features,
                tabpfn_mode=TabPFNMode.CLIENT if checkpoint is None else TabPFNMode.LOCAL,
                tabpfn_model_config={**self.config, **device, "model_path": path and str(path)},
            )
        if checkpoint is None:
            return pipeline
        # By default it takes every GPU there is, whatever the device, and else eight processes,
        # whatever the machine. Several processes on GPUs forget which quantiles were asked for.
        routine = pipeline.predictor.inference_routine
        if self.device.startswith("cuda"):
            pipeline.predictor = GPUParallelWorker(routine, num_gpus=1)
        else:
            pipeline.predictor = CPUParallelWorker(routine, self.workers or cpu_count())
        return pipeline


def _frame(item: int, history: History) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A series, and the steps after it, as TabPFN-TS takes them."""
    values_T, times_S, covariates_SX = _with_two_values(history)
    length = len(values_T)
    columns = {f"covariate_{k}": column_S for k, column_S in enumerate(covariates_SX.T)}
    frame = pd.DataFrame({"item_id": item, "timestamp": times_S, **columns})
    return frame[:length].assign(target=values_T), frame[length:]


def _with_two_values(history: History) -> History:
    """Repeat the value of a series with a single one, and fill one without any with zeros.

    TabPFN-TS would take the missing values for zeros, and fails on a single point.
    """
    values_T, times_S, covariates_SX = history
    observed = values_T[~np.isnan(values_T)]
    if len(observed) > 1:
        return history
    if len(values_T) == 1:
        times_S = times_S.insert(0, times_S[0] - (times_S[1] - times_S[0]))
        covariates_SX = covariates_SX[[0, *range(len(covariates_SX))]]
    values_T = np.full(max(2, len(values_T)), observed[0] if len(observed) else 0.0)
    return History(values_T, times_S, covariates_SX)
