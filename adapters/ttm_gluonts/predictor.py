"""A GluonTS predictor that needs no training.

Shape suffixes: H horizon, V target channels (GluonTS's variates), Q quantile levels (or sample
paths, one for each level).
"""

# No "from __future__ import annotations" here: validated() reads types when the class is made.

import copy
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from gluonts.core.component import validated
from gluonts.core.serde import dump_json, load_json
from gluonts.dataset.common import Dataset
from gluonts.model.forecast import Forecast, Quantile, QuantileForecast, SampleForecast
from gluonts.model.predictor import Predictor, RepresentablePredictor

from ttm_estimators import Covariates, Forecaster, TinyTimeMixer, load, save_network
from ttm_estimators.forecasting.quantile_levels import check_levels, validated_levels
from ttm_estimators.network import TTMConfig
from ttm_estimators.regression import CovariateEffects
from ttm_estimators.regression.calendar import calendar_features, countries_of
from ttm_estimators.regression.with_calendar import with_calendar
from ttm_gluonts.entries import (
    KNOWN,
    ROLES,
    Entry,
    batches,
    covariates_of,
    effects_of,
    end_of,
    fill_unobserved,
    name_of,
    series_of,
    start_of,
    warn_of_covariates,
    with_one_cutoff,
)

NETWORK = "network"
"""Folder that a serialised predictor keeps its weights in."""


Effects = tuple[CovariateEffects, ...]
"""Of each variate of an item."""


class TTMPredictor(RepresentablePredictor):
    """Forecast with a pre-trained TinyTimeMixer.

    The numbers are those of :meth:`ttm_estimators.Forecaster.forecast`.

    Parameters
    ----------
    prediction_length : int
        Steps to forecast, of any number.
    model : str, Path or TinyTimeMixer, optional
        Name of a shipped model, weights folder, or network. Default: the default model.
    forecast_keys : list of str, optional
        Quantile levels such as "0.1" or "p10", and "mean", which is the median and is added at the
        end where it is missing. Default: the levels of the network.
    lead_time : int, default 0
        Steps between the end of the data and the first forecast.
    batch_size : int, default 256
        Series times variates in one forward pass. It changes memory and time only.
    device : str, default "cpu"
        Any torch device.
    num_samples : int, optional
        Number of sample paths. Given, forecasts are ``SampleForecast`` instead of
        ``QuantileForecast``. A path takes its steps, and its variates, independently of each other
        from the forecast quantiles, so sums along a path vary less than they should.
    seed : int, default 0
        Of the sample paths.
    keep_outliers : bool, default False
        Whether single impossible readings stay, such as the -999 of a sensor that failed. They are
        otherwise taken as missing, and a warning says so.
    num_feat_dynamic_real : int, default 0
        Covariates in ``feat_dynamic_real``, of shape (covariates, time + lead_time +
        prediction_length). They count at once, see :mod:`ttm_estimators.regression`. A network that
        was trained with covariates declares its own, of all kinds.
    calendar : bool, default False
        Whether hours, weekdays and ends of months count in the same way, by
        :func:`ttm_estimators.regression.calendar.calendar_features`.
    holidays : str or sequence of str, optional
        Countries whose public holidays count too, such as "DE" or "US-CA": codes of the package
        ``holidays``. With the calendar.

    Raises
    ------
    TypeError
        When ``holidays`` is no text and no sequence of texts.
    ttm_estimators.WeightsError
        When the model is unknown or its folder damaged.
    ValueError
        When a forecast key is no level in (0, 1), the network has no quantiles to give it, a number
        is out of range, the country is unknown, or a network that was trained with covariates is
        given others.

    Examples
    --------
    >>> import pandas as pd
    >>> from gluonts.dataset.common import ListDataset
    >>> from ttm_gluonts import TTMPredictor
    >>> data = ListDataset([{"start": "2024-01-01", "target": [1.0, 2.0] * 50}], freq="h")
    >>> forecast = next(TTMPredictor(prediction_length=24).predict(data))
    >>> forecast.quantile(0.9).shape
    (24,)
    """

    @validated()
    def __init__(
        self,
        prediction_length: int,
        model: str | Path | TinyTimeMixer | None = None,
        forecast_keys: list[str] | None = None,
        lead_time: int = 0,
        batch_size: int = 256,
        device: str = "cpu",
        num_samples: int | None = None,
        seed: int = 0,
        keep_outliers: bool = False,
        num_feat_dynamic_real: int = 0,
        calendar: bool = False,
        holidays: Any = None,  # validated() would make a string of True
    ) -> None:
        super().__init__(prediction_length=prediction_length, lead_time=lead_time)
        if isinstance(model, TinyTimeMixer):
            self.forecaster = Forecaster(model, device=device)
        else:
            self.forecaster = load(model, device=device)
        if forecast_keys is None:
            forecast_keys = [str(level) for level in self.forecaster.quantile_levels]
        self.forecast_keys = [*forecast_keys, *([] if "mean" in forecast_keys else ["mean"])]
        self.levels = validated_levels(
            [0.5 if key == "mean" else Quantile.from_str(key).value for key in self.forecast_keys]
        )
        check_levels(self.forecaster.quantile_levels, self.levels)
        for name, value in {"batch_size": batch_size, "num_samples": num_samples}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.batch_size = batch_size
        self.num_samples = num_samples
        self.seed = seed
        self.keep_outliers = keep_outliers
        self.holidays = countries_of(holidays) or None
        self.calendar = calendar or holidays is not None
        # An unknown country is told of at once.
        calendar_features(pd.period_range("2024-01-01", periods=1, freq="D"), self.holidays)
        self._declare(num_feat_dynamic_real)
        self._empty = QuantileForecast(
            np.empty((len(self.forecast_keys), prediction_length)),
            start_date=pd.Period("1970-01-01", "D"),
            # GluonTS finds "0.1" by the level 0.1, and not "0.10".
            forecast_keys=[
                key if key == "mean" else str(level)
                for key, level in zip(self.forecast_keys, self.levels, strict=True)
            ],
        )

    def _declare(self, known: int) -> None:
        """Settle which covariates count, and what is to be said of others."""
        if known < 0:
            raise ValueError(f"num_{KNOWN} must be at least 0, got {known}")
        self.declared = covariates_of_network(self.forecaster.config)
        trained = any(self.declared.values())
        other = self.calendar or known not in (0, self.declared[KNOWN])
        if other and self.forecaster.config.tied_channels:
            takes = ", ".join(f"num_{field}={number}" for field, number in self.declared.items())
            raise ValueError(
                f"the network was trained with its covariates, {takes}, and takes no others and no "
                "calendar: leave these out, or choose a network that takes each series by itself"
            )
        if not trained:
            self.declared[KNOWN] = known
        self._pools = not trained and bool(known or self.calendar)
        self._told = {field for field, number in self.declared.items() if number}
        tune = "TTMEstimator fine-tunes a model that uses them"
        self._advice = dict.fromkeys(ROLES, tune)
        if not trained:
            self._advice[KNOWN] = f"declare num_{KNOWN}"

    def predict(self, dataset: Dataset, num_samples: int | None = None) -> Iterator[Forecast]:
        """Forecast every entry of a dataset, in its order.

        Data is read batch by batch as forecasts are taken, so memory does not grow with it. Where
        covariates count without training it is read at once: items that end at one date, and no
        others, learn together what covariates do. So no rolling window knows of a later one.

        Parameters
        ----------
        dataset : Dataset
            Entries with targets of shape (time,) or (variates, time) and any length from 1. NaN
            means missing. A target that is all missing is forecast as zeros, as GluonTS imputes it,
            and a warning names the first. Covariates count where they are declared; a warning names
            others once.
        num_samples : int, optional
            Sample paths instead of the predictor's ``num_samples``. A predictor that gives
            quantiles ignores it, as GluonTS's evaluation always passes it.

        Yields
        ------
        Forecast
            Quantiles in an array of shape (forecast keys, prediction_length), with variates as
            last axis where targets have them, or sample paths in the place of keys. Where
            covariates count without training, ``info["covariates"]`` tells whether they were kept:
            a dict of names, gain, windows and kept, as in
            :class:`ttm_estimators.regression.CovariateEffects`, or a list of one for each variate.
            The rest of ``info`` is that of the entry.

        Raises
        ------
        ValueError
            When a target is empty or infinite, or covariates are not those that are declared or do
            not reach the end of the forecast. The message names the item.
        """
        paths = None if self.num_samples is None else num_samples or self.num_samples
        # Evenly spread levels, one for each path: so paths have the quantiles of the forecast.
        levels = self.levels if paths is None else (np.arange(paths) + 0.5) / paths
        random = np.random.default_rng(self.seed)
        entries = fill_unobserved(warn_of_covariates(dataset, self._told, self._advice))
        for entry, values_QHV, effects in self._forecasts(entries, tuple(levels)):
            info = entry.get("info")
            if effects:
                info = {**(info or {}), "covariates": effects_of(effects, series_of(entry))}
            facts = {
                "start_date": end_of(entry) + self.lead_time,
                "item_id": entry.get("item_id"),
                "info": info,
            }
            if paths is None:
                yield self._quantile_forecast(values_QHV, **facts)
            else:
                yield SampleForecast(random.permuted(values_QHV, axis=0), **facts)

    def _forecasts(
        self, entries: Iterator[Entry], levels: tuple[float, ...]
    ) -> Iterator[tuple[Entry, np.ndarray[Any, Any], Effects]]:
        """Entries with their forecasts, of shape (Q, H) or (Q, H, V) each, and effects."""
        if not self._pools:
            done = 0
            for batch in batches(entries, self.batch_size):
                for entry, each in zip(
                    batch, self._forecast(batch, count(done), levels), strict=True
                ):
                    yield entry, *each
                done += len(batch)
            return
        rows = [*entries]
        found: list[Any] = [None] * len(rows)
        for positions in with_one_cutoff(rows):
            forecasts = self._forecast([rows[i] for i in positions], positions, levels)
            for i, each in zip(positions, forecasts, strict=True):
                found[i] = each
        for entry, each in zip(rows, found, strict=True):
            yield entry, *each

    def _forecast(
        self, batch: list[Entry], positions: Iterable[int], levels: tuple[float, ...]
    ) -> Iterator[tuple[np.ndarray[Any, Any], Effects]]:
        """Forecast entries of one number of variates, shape (Q, H) or (Q, H, V) each."""
        names = [*map(name_of, batch, positions)]
        covariates = None
        if self.calendar or any(self.declared.values()):
            covariates = [self._covariates(*each) for each in zip(batch, names, strict=True)]
        forecast = self.forecaster.forecast(
            [series_of(entry) for entry in batch],
            self.lead_time + self.prediction_length,
            covariates=covariates,
            quantile_levels=levels,
            batch_size=self.batch_size,
            keep_outliers=self.keep_outliers,
            names=names,
            time_of=lambda number, step: end_of(batch[number]) + step,
        )
        values = np.ascontiguousarray(np.moveaxis(forecast.quantiles[:, self.lead_time :], -1, 1))
        each = len(forecast.effects) // len(batch)
        effects = [forecast.effects[i * each : (i + 1) * each] for i in range(len(batch))]
        return zip(values, effects, strict=True)

    def _covariates(self, entry: Entry, name: str) -> Covariates:
        """Covariates of an entry that count, with the calendar where it is asked for."""
        covariates = covariates_of(entry, self.declared, name)
        if not self.calendar:
            return covariates
        points = np.shape(entry["target"])[-1] + self.lead_time + self.prediction_length
        return with_calendar(covariates, calendar_of(start_of(entry), points, self.holidays), name)

    def _quantile_forecast(self, values_QHV: np.ndarray[Any, Any], **facts: Any) -> Forecast:
        """Fill a copy of an empty forecast in.

        GluonTS reads the keys anew for each forecast, which on a fast device takes as long as the
        network does.
        """
        forecast = copy.copy(self._empty)
        forecast.forecast_array = values_QHV
        forecast._forecast_dict = dict(zip(forecast.forecast_keys, values_QHV, strict=True))
        for name, value in facts.items():
            setattr(forecast, name, value)
        return forecast

    def __eq__(self, other: object) -> bool:
        """Whether another predictor has the same arguments and the same weights."""
        if not isinstance(other, TTMPredictor):
            return NotImplemented
        ours, theirs = self.forecaster.network, other.forecaster.network
        return (
            self._arguments() == other._arguments()
            and ours.config == theirs.config
            and all(
                torch.equal(tensor.cpu(), theirs.state_dict()[name].cpu())
                for name, tensor in ours.state_dict().items()
            )
        )

    def _arguments(self) -> dict[str, Any]:
        """Arguments of the constructor, with the model where ``serialize`` puts it."""
        return {**self.__init_args__, "model": NETWORK}

    def serialize(self, path: Path) -> None:
        """Write the predictor to a folder, weights included: the model's own is not needed again.

        Parameters
        ----------
        path : Path
            Folder, which must exist.
        """
        Predictor.serialize(self, path)
        (path / "predictor.json").write_text(dump_json(self._arguments()) + "\n", encoding="utf-8")
        save_network(self.forecaster.network, path / NETWORK, self.forecaster.forecasting)

    @classmethod
    def deserialize(cls, path: Path, device: str | None = None) -> "TTMPredictor":
        """Read what :meth:`serialize` wrote.

        Parameters
        ----------
        path : Path
            Folder.
        device : str, optional
            Default: the device that the predictor was serialised with.
        """
        arguments = load_json((path / "predictor.json").read_text(encoding="utf-8"))
        arguments["model"] = path / arguments["model"]
        return cls(**{**arguments, **({} if device is None else {"device": device})})


@lru_cache(maxsize=64)
def calendar_of(start: pd.Period, points: int, holidays: tuple[str, ...] | None) -> pd.DataFrame:
    """Calendar of some periods, which many items have in common."""
    return calendar_features(pd.period_range(start, periods=points), holidays)


def covariates_of_network(config: TTMConfig) -> dict[str, int]:
    """Covariates that a network takes itself, by the fields that hold them."""
    known = len(config.covariate_channels)
    past = config.channels - len(config.targets) - known if config.tied_channels else 0
    return dict(zip(ROLES, (known, past, len(config.static_cardinalities)), strict=True))
