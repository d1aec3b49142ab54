"""An sktime forecaster of TabPFN-TS.

Shape suffixes: N series (times variates), T time, H horizon, S steps (T + H), X covariates known in
the future, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from einops import rearrange
from sktime.datatypes import get_cutoff, update_data
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from ttm_tabpfn.model import CONTEXT_LENGTH, Array, History, TabPFNTS

MTYPES = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]
"""Formats of one series, a panel and a hierarchy."""


class TabPFNForecaster(BaseForecaster):
    """Forecast with TabPFN-TS.

    TabPFN-TS takes each series for a table of dates and values, and asks TabPFN to fill in the
    values of the dates ahead. Each variate of each series of a panel is forecast by itself and from
    its own last date. ``X`` is used: it must be given to ``predict`` too. It runs on this machine
    unless ``mode`` says otherwise, without telemetry.

    The weights are not part of this package. Those of all versions but TabPFN 2 are gated and
    licensed for non-commercial use only.

    Parameters
    ----------
    model_path, mode, download, context_length, workers, device, config
        As in :class:`TabPFNPredictor`.

    Attributes
    ----------
    facts_ : dict
        Facts about the model for result files, such as ``model_path`` and ``model_version``.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from ttm_tabpfn import TabPFNForecaster
    >>> forecaster = TabPFNForecaster("tabpfn-v3.5-20260909.safetensors")
    >>> forecaster.fit_predict(load_airline(), fh=[1, 2, 3])  # doctest: +SKIP
    """

    _tags = {  # noqa: RUF012 (sktime's convention)
        "authors": ["ttm-estimators developers"],
        "maintainers": ["ttm-estimators developers"],
        "y_inner_mtype": MTYPES,
        "X_inner_mtype": MTYPES,
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:insample": False,
        "capability:update": True,
        "capability:unequal_length": True,
        "capability:categorical_in_X": False,
        "capability:non_contiguous_X": False,
        "requires-fh-in-fit": False,
    }

    # The context below is all that is needed of y.
    _config = {"remember_data": False}  # noqa: RUF012

    def __init__(
        self,
        model_path: str | Path | None = None,
        mode: str = "local",
        download: bool = False,
        context_length: int = CONTEXT_LENGTH,
        workers: int | None = None,
        device: str = "cpu",
        config: dict[str, Any] | None = None,
    ) -> None:
        self.model_path = model_path
        self.mode = mode
        self.download = download
        self.context_length = context_length
        self.workers = workers
        self.device = device
        self.config = config
        super().__init__()
        self._y = self._X = None

    def _fit(
        self, y: pd.DataFrame, X: pd.DataFrame | None = None, fh: ForecastingHorizon | None = None
    ) -> TabPFNForecaster:
        self._model = TabPFNTS(
            self.model_path,
            self.mode,
            self.download,
            self.context_length,
            self.workers,
            self.device,
            self.config or {},
        )
        self.facts_ = self._model.facts()  # looks for the checkpoint
        self._context = y
        self._covariates: pd.DataFrame | None = X
        return self

    def _update(
        self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True
    ) -> TabPFNForecaster:
        """Continue the series. There are no parameters to change."""
        self._context = update_data(self._context, y)
        if X is not None:
            self._covariates = update_data(self._covariates, X)
        return self

    def _predict(self, fh: ForecastingHorizon, X: pd.DataFrame | None = None) -> pd.DataFrame:
        values_NHQ, index = self._forecast(fh, X, [0.5])
        return pd.DataFrame(_table(values_NHQ, self._context), index, self._get_columns())

    def _predict_quantiles(
        self, fh: ForecastingHorizon, X: pd.DataFrame | None, alpha: list[float]
    ) -> pd.DataFrame:
        values_NHQ, index = self._forecast(fh, X, alpha)
        columns = self._get_columns(method="predict_quantiles", alpha=alpha)
        return pd.DataFrame(_table(values_NHQ, self._context), index, columns)

    def _forecast(
        self, fh: ForecastingHorizon, X: pd.DataFrame | None, levels: list[float]
    ) -> tuple[Array, pd.Index]:
        """Forecast the steps asked for, shape (N, H, Q), with the index of all series."""
        if (X is None) != (self._covariates is None):
            given, missing = ("fit", "predict") if X is None else ("predict", "fit")
            raise ValueError(
                f"{given} had X and {missing} had none: covariates must be known in the past and "
                "ahead, so give X to both or to neither"
            )
        series = list(self._series())
        steps = [fh.to_relative(cutoff).to_numpy() for _, _, cutoff in series]
        horizon = max(each.max() for each in steps)
        histories, indices = [], []
        for (key, frame, cutoff), own in zip(series, steps, strict=True):
            ahead = _ahead(np.arange(1, horizon + 1), cutoff)
            times = frame.index.append(ahead)
            covariates_SX = np.empty((len(times), 0))
            if X is not None and self._covariates is not None:
                known = pd.concat([_of_series(self._covariates, key), _of_series(X, key)])
                known = known[~known.index.duplicated(keep="last")]
                covariates_SX = known.reindex(times).to_numpy(dtype=np.float64)
            histories += [
                History(values_T, _dates(times), covariates_SX)
                for values_T in frame.to_numpy(dtype=np.float64, na_value=np.nan).T
            ]
            indices.append(_with_key(_ahead(own, cutoff), key, self._context.index.names))
        values_NHQ = self._model.forecast(
            histories, levels, calendar=isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex))
        )
        variates = self._context.shape[1]
        wanted_NH = np.repeat(np.stack(steps), variates, axis=0) - 1
        values_NHQ = np.take_along_axis(values_NHQ, wanted_NH[..., None], axis=1)
        return values_NHQ, indices[0].append(indices[1:])

    def _series(self) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame, Any]]:
        """Key, values and last date of each series."""
        y = self._context
        if not isinstance(y.index, pd.MultiIndex):
            yield (), y, self._cutoff_of(y)
            return
        levels: list[Any] = list(range(y.index.nlevels - 1))
        for key, frame in y.groupby(level=levels if len(levels) > 1 else 0, sort=False):
            frame = frame.droplevel(levels)
            key = key if isinstance(key, tuple) else (key,)
            yield key, frame, self._cutoff_of(frame)

    def _cutoff_of(self, frame: pd.DataFrame) -> Any:
        """Last date, with the frequency that its dates have."""
        times: Any = frame.index
        cutoff: Any = get_cutoff(frame, return_index=True)
        if isinstance(times, pd.DatetimeIndex) and cutoff.freq is None:
            inferred = pd.infer_freq(times) if len(times) > 2 else None
            frequency = times.freq or inferred or getattr(self.cutoff, "freq", None)
            if frequency is None:
                raise ValueError(
                    "the frequency of y can not be inferred: set one with y.asfreq('D'), or "
                    "convert the index to periods"
                )
            cutoff = pd.DatetimeIndex(cutoff, freq=frequency)
        return cutoff

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Parameters for sktime's tests, which need the checkpoint.

        Parameters
        ----------
        parameter_set : str, default "default"
            There is one set only.
        """
        return [{"workers": 1}, {"workers": 1, "context_length": 32, "config": {"n_estimators": 1}}]


def _ahead(steps: Any, cutoff: Any) -> pd.Index:
    """Dates at a number of steps after the last one."""
    frequency = cutoff if hasattr(cutoff, "freq") else None
    horizon = ForecastingHorizon(steps, is_relative=True, freq=frequency)
    return horizon.to_absolute_index(cutoff)


def _dates(times: pd.Index) -> pd.DatetimeIndex:
    """Dates as TabPFN-TS takes them. Whole numbers become days after 1970-01-01."""
    if isinstance(times, pd.PeriodIndex):
        return times.to_timestamp()
    if isinstance(times, pd.DatetimeIndex):
        return times.tz_localize(None)
    return pd.Timestamp("1970-01-01") + pd.to_timedelta(times, unit="D")


def _of_series(X: pd.DataFrame, key: tuple[Any, ...]) -> pd.DataFrame:
    return X.loc[key] if key else X


def _with_key(times: pd.Index, key: tuple[Any, ...], names: list[Any]) -> pd.Index:
    """Index of one series in a panel."""
    if not key:
        return times.rename(names[-1])
    return pd.MultiIndex.from_tuples([(*key, time) for time in times], names=names)


def _table(values_NHQ: Array, y: pd.DataFrame) -> Array:
    """A row for each series and step, a column for each variate and quantile level."""
    return rearrange(values_NHQ, "(n v) h q -> (n h) (v q)", v=y.shape[1])
