"""A GluonTS predictor of TabPFN-TS.

Shape suffixes: N series, T time, H horizon, S steps (T + lead time + H), V target channels
(GluonTS's variates), X covariates known in the future, Q quantile levels.
"""

# No "from __future__ import annotations" here: validated() reads types when the class is made.

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from gluonts.core.component import validated
from gluonts.dataset.common import Dataset
from gluonts.dataset.field_names import FieldName
from gluonts.itertools import batcher
from gluonts.model.forecast import Forecast, Quantile, QuantileForecast
from gluonts.model.predictor import RepresentablePredictor

from ttm_tabpfn.model import CONTEXT_LENGTH, History, TabPFNTS

KNOWN_AHEAD = (FieldName.FEAT_DYNAMIC_REAL, FieldName.FEAT_DYNAMIC_CAT)
"""Covariates that TabPFN-TS uses: they are known for the steps to forecast."""

UNUSED = (
    FieldName.FEAT_STATIC_CAT,
    FieldName.FEAT_STATIC_REAL,
    FieldName.PAST_FEAT_DYNAMIC_CAT,
    FieldName.PAST_FEAT_DYNAMIC_REAL,
)
"""Covariates that say nothing to a model that is fitted to each series and asked about its
future."""

DECILES = [str(k / 10) for k in range(1, 10)]


class TabPFNPredictor(RepresentablePredictor):
    """Forecast with TabPFN-TS.

    TabPFN-TS takes each series for a table of dates and values, and asks TabPFN to fill in the
    values of the dates ahead. Each variate is a series of its own. It runs on this machine unless
    ``mode`` says otherwise, without telemetry.

    The weights are not part of this package. Those of all versions but TabPFN 2 are gated and
    licensed for non-commercial use only.

    Parameters
    ----------
    prediction_length : int
        Steps to forecast.
    model_path : str or Path, optional
        Checkpoint file, or the name of one in TabPFN's cache folder. Default: the one that this
        version of TabPFN-TS was made for.
    mode : str, default "local"
        "cloud" sends the data to the servers of Prior Labs.
    download : bool, default False
        Whether a missing checkpoint is fetched. Its licence must have been accepted.
    context_length : int, default 4096
        Latest observed points of a series that are used.
    workers : int, optional
        Processes on the CPU. Default: one for each core that this process may use. A GPU has one.
    device : str, default "cpu"
        Any torch device.
    config : dict, optional
        Other arguments of ``tabpfn.TabPFNRegressor``, such as ``n_estimators``.
    forecast_keys : list of str, optional
        Quantile levels such as "0.1" or "p10", and "mean", which is the median and is added at the
        end where it is missing. Default: "0.1" to "0.9".
    lead_time : int, default 0
        Steps between the end of the data and the first forecast.
    batch_size : int, default 256
        Series that are shared out among the workers at a time.

    Raises
    ------
    TabPFNError
        When TabPFN-TS is not installed or the checkpoint is missing. It is a ``ValueError``.
    ValueError
        When an argument is out of range.

    Examples
    --------
    >>> from ttm_tabpfn import TabPFNPredictor
    >>> predictor = TabPFNPredictor(24, "tabpfn-v3.5-20260909.safetensors")  # doctest: +SKIP
    >>> forecasts = list(predictor.predict(dataset))  # doctest: +SKIP
    """

    @validated()
    def __init__(
        self,
        prediction_length: int,
        model_path: str | Path | None = None,
        mode: str = "local",
        download: bool = False,
        context_length: int = CONTEXT_LENGTH,
        workers: int | None = None,
        device: str = "cpu",
        config: dict[str, Any] | None = None,
        forecast_keys: list[str] | None = None,
        lead_time: int = 0,
        batch_size: int = 256,
    ) -> None:
        super().__init__(prediction_length=prediction_length, lead_time=lead_time)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        keys = DECILES if forecast_keys is None else forecast_keys
        self.forecast_keys = [*keys, *([] if "mean" in keys else ["mean"])]
        self.levels = [
            0.5 if key == "mean" else Quantile.from_str(key).value for key in self.forecast_keys
        ]
        for level in self.levels:
            if not 0 < level < 1:
                raise ValueError(f"forecast_keys must be levels in (0, 1), got {level}")
        self.batch_size = batch_size
        self.model = TabPFNTS(
            model_path, mode, download, context_length, workers, device, config or {}
        )
        self.facts = self.model.facts()  # looks for the checkpoint
        self._known_covariates: set[str] = set()

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """Facts about a predictor with default arguments, for result files.

        Raises
        ------
        TabPFNError
            When it could not be made.
        """
        return TabPFNTS().facts()

    def predict(self, dataset: Dataset, **kwargs: Any) -> Iterator[Forecast]:
        """Forecast every entry of a dataset, in its order.

        Data is read batch by batch as forecasts are taken.

        Parameters
        ----------
        dataset : Dataset
            Entries with targets of shape (time,) or (variates, time) and any length from 1. NaN
            means missing, and what was never observed is taken as zeros. ``feat_dynamic_real`` and
            ``feat_dynamic_cat`` of shape (covariates, time + lead_time + prediction_length) are
            used. Other covariates are not, and a warning names them once.

        Yields
        ------
        QuantileForecast
            In an array of shape (forecast keys, prediction_length), with variates as last axis
            where targets have them.

        Raises
        ------
        ValueError
            When a target is empty or infinite, a start is no period, or covariates do not reach
            the end of the forecast or differ in number. The message names the item.
        """
        entries = self._warned(dataset)
        done = 0
        for batch in batcher(entries, self.batch_size):
            names = [name_of(entry, done + i) for i, entry in enumerate(batch)]
            histories = [
                self._histories(entry, name) for entry, name in zip(batch, names, strict=True)
            ]
            flat = [history for each in histories for history in each]
            kinds = {history.covariates_SX.shape[1] for history in flat}
            if len(kinds) > 1:
                raise ValueError(
                    f"entries have {' and '.join(map(str, sorted(kinds)))} covariates: give all "
                    f"the same ({names[0]} to {names[-1]})"
                )
            values_NHQ = iter(self.model.forecast(flat, self.levels)[:, self.lead_time :])
            for entry, each in zip(batch, histories, strict=True):
                values_VHQ = np.stack([next(values_NHQ) for _ in each])
                yield self._forecast(entry, values_VHQ)
            done += len(batch)

    def _histories(self, entry: dict[str, Any], name: str) -> list[History]:
        """Every variate of an entry."""
        target = np.asarray(entry[FieldName.TARGET], dtype=np.float64)
        if target.shape[-1] == 0:
            raise ValueError(f"{name} is empty: give it at least one value")
        if np.isinf(target).any():
            raise ValueError(f"{name} holds infinity: mark missing values with NaN")
        start = entry[FieldName.START]
        if not isinstance(start, pd.Period):
            raise ValueError(
                f"{name} starts at a {type(start).__name__}, not a pandas.Period: wrap the data in "
                "a ListDataset or PandasDataset with freq"
            )
        steps = target.shape[-1] + self.lead_time + self.prediction_length
        times_S = pd.period_range(start, periods=steps).to_timestamp()
        covariates_SX = _covariates(entry, steps, name)
        return [
            History(values_T, times_S, covariates_SX)
            for values_T in target.reshape(-1, target.shape[-1])
        ]

    def _forecast(self, entry: dict[str, Any], values_VHQ: npt.NDArray[Any]) -> Forecast:
        target = np.asarray(entry[FieldName.TARGET])
        values_QHV = values_VHQ.T
        return QuantileForecast(
            values_QHV if target.ndim > 1 else values_QHV[..., 0],
            start_date=entry[FieldName.START] + target.shape[-1] + self.lead_time,
            forecast_keys=self.forecast_keys,
            item_id=entry.get(FieldName.ITEM_ID),
            info=entry.get("info"),
        )

    def _warned(self, entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Pass entries on, and warn of each kind of covariate that is not used once."""
        for entry in entries:
            found = [name for name in UNUSED if np.size(entry.get(name, ()))]
            found = [name for name in found if name not in self._known_covariates]
            if found:
                self._known_covariates.update(found)
                warnings.warn(f"{', '.join(found)}: TabPFN-TS does not use them", stacklevel=3)
            yield entry


def name_of(entry: dict[str, Any], position: int) -> str:
    """Name of an entry in messages."""
    item = entry.get(FieldName.ITEM_ID)
    return f"entry {position}" if item is None else f"item '{item}'"


def _covariates(entry: dict[str, Any], steps: int, name: str) -> npt.NDArray[np.float64]:
    """Covariates of every step, shape (S, X)."""
    found = [np.empty((steps, 0))]
    for field in KNOWN_AHEAD:
        values = np.asarray(entry.get(field, ()), dtype=np.float64)
        if not values.size:
            continue
        if values.shape[-1] < steps:
            raise ValueError(
                f"{name}: {field} has {values.shape[-1]} steps, and {steps} are needed to know the "
                "steps ahead: lengthen it, or leave it out"
            )
        found.append(np.atleast_2d(values)[:, :steps].T)
    return np.concatenate(found, axis=1)
