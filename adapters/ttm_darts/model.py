"""A darts model that forecasts without training.

Shape suffixes: H horizon, V target channels, Q quantile levels.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from darts import TimeSeries
from darts.models.forecasting.forecasting_model import GlobalForecastingModel
from darts.utils.historical_forecasts.utils import _get_historical_forecasts_setup
from darts.utils.likelihood_models.base import (
    Likelihood,
    LikelihoodType,
    likelihood_component_names,
    quantile_names,
)
from darts.utils.ts_utils import get_series_seq_type, series2seq
from darts.utils.utils import generate_index
from einops import rearrange

from ttm_darts.cutoffs import Source, up_to
from ttm_estimators import Forecaster, TinyTimeMixer, load
from ttm_estimators.forecasting.quantile_levels import check_levels, validated_levels

Array = npt.NDArray[np.float64]
Lags = tuple[int | None, int | None, int | None, int | None, int | None, int | None, int]

MAX_CUTOFFS_AT_ONCE = 1024
"""Cutoffs of historical forecasts whose histories are in memory together."""


class TTMModel(GlobalForecastingModel):
    """Forecast with a pre-trained TinyTimeMixer.

    ``fit`` trains nothing: it remembers a single series for ``predict``, as with darts' own models.
    The numbers are those of :meth:`ttm_estimators.Forecaster.forecast`, for histories of any length
    and any ``n``, without roll-out by samples. Missing values are taken. ``historical_forecasts``,
    ``backtest`` and ``residuals`` forecast all their cutoffs in batches, with or without
    ``retrain``.

    Parameters
    ----------
    model : str, Path, TinyTimeMixer or Forecaster, optional
        Name of a shipped model, weights folder, network or forecaster. Default: the default model.
    quantiles : list of float, optional
        Levels that ``predict_likelihood_parameters=True`` gives. Default: the network's own.
    calendar : bool, default False
        Whether hours, weekdays and ends of months count as covariates, by
        :func:`ttm_estimators.regression.calendar.calendar_features`.
    holidays : str or list of str, optional
        Countries whose public holidays count too, such as "DE" or "US-CA". With the calendar.
    batch_size : int, default 256
        Series times components in one forward pass. It changes memory and time only.
    device : str, default "cpu"
        Any torch device.
    keep_outliers : bool, default False
        Whether single impossible readings stay, such as the -999 of a sensor that failed. They are
        otherwise taken as missing, and a warning says so.

    Raises
    ------
    ttm_estimators.WeightsError
        When the model is unknown or its folder damaged.
    ValueError
        When a level is out of range, the network has no quantiles to give, or it was fine-tuned
        with static covariates, which this class does not pass on.

    Examples
    --------
    >>> from darts.utils.timeseries_generation import sine_timeseries
    >>> from ttm_darts import TTMModel
    >>> series = sine_timeseries(length=200, value_frequency=1 / 24)
    >>> forecast = TTMModel().fit(series).predict(24)
    >>> forecast.shape
    (24, 1, 1)
    """

    def __init__(
        self,
        model: str | Path | TinyTimeMixer | Forecaster | None = None,
        quantiles: list[float] | None = None,
        calendar: bool = False,
        holidays: str | list[str] | None = None,
        batch_size: int = 256,
        device: str = "cpu",
        keep_outliers: bool = False,
    ) -> None:
        super().__init__(add_encoders=None)
        if isinstance(model, TinyTimeMixer):
            model = Forecaster(model, device=device)
        self.forecaster = model if isinstance(model, Forecaster) else load(model, device=device)
        own = self.forecaster.quantile_levels
        self.levels = own if quantiles is None else validated_levels(quantiles)
        check_levels(own, self.levels)
        self.calendar = calendar or holidays is not None
        self.holidays = holidays
        self.batch_size = batch_size
        self.keep_outliers = keep_outliers
        config = self.forecaster.config
        if config.static_cardinalities:
            raise ValueError(
                "the model was fine-tuned with static covariates, which darts' series do not pass "
                "on here: take ttm_estimators.load and forecast_df"
            )
        if self.calendar and config.tied_channels:
            raise ValueError(
                "the model was trained with its covariates and takes no calendar: leave calendar "
                "and holidays out"
            )

    def fit(
        self,
        series: TimeSeries | Sequence[TimeSeries],
        past_covariates: TimeSeries | Sequence[TimeSeries] | None = None,
        future_covariates: TimeSeries | Sequence[TimeSeries] | None = None,
        verbose: bool | None = None,
    ) -> TTMModel:
        """Remember a single series, and its covariates, for :meth:`predict`. Nothing is trained.

        Parameters
        ----------
        series : TimeSeries or sequence of TimeSeries
            One or several.
        past_covariates, future_covariates : TimeSeries or sequence of TimeSeries, optional
            As for :meth:`predict`, which wants them again if several series are given.
        verbose : bool, optional
            Not used, as there is no training to tell of.
        """
        super().fit(series, past_covariates, future_covariates, verbose)
        return self

    def predict(
        self,
        n: int,
        series: TimeSeries | Sequence[TimeSeries] | None = None,
        past_covariates: TimeSeries | Sequence[TimeSeries] | None = None,
        future_covariates: TimeSeries | Sequence[TimeSeries] | None = None,
        num_samples: int = 1,
        verbose: bool | None = None,
        predict_likelihood_parameters: bool = False,
        show_warnings: bool = True,
        random_state: int | None = None,
    ) -> Any:
        """Forecast the steps after each series.

        Parameters
        ----------
        n : int
            Steps to forecast.
        series : TimeSeries or sequence of TimeSeries, optional
            Of one component or several, which are forecast each by itself, or together by a network
            that mixes channels. Default: the series of ``fit``.
        past_covariates : TimeSeries or sequence of TimeSeries, optional
            For models that were fine-tuned with such.
        future_covariates : TimeSeries or sequence of TimeSeries, optional
            One for each series, up to the last step to forecast. They count at once, see
            :mod:`ttm_estimators.regression`: series that end at one time learn together what they
            do. A model that was fine-tuned with covariates takes its own, by the names of
            components.
        num_samples : int, default 1
            1: the median. More: so many sample paths, whose steps and components are drawn
            independently of each other from the forecast quantiles.
        verbose : bool, optional
            Not used.
        predict_likelihood_parameters : bool, default False
            Give the quantiles in components such as "sales_q0.900".
        show_warnings : bool, default True
            Not used.
        random_state : int, optional
            Of the sample paths.

        Returns
        -------
        TimeSeries or list of TimeSeries
            As ``series`` is one or several.

        Raises
        ------
        ValueError
            When ``fit`` was not called, a series has no value at all or is infinite, or covariates
            are not there, or end too early. The message names the series.
        """
        if series is None:
            series = self.training_series
            if series is None:
                raise ValueError("fit had several series, or none: give predict the series")
            if past_covariates is None:
                past_covariates = self.past_covariate_series
            if future_covariates is None:
                future_covariates = self.future_covariate_series
        super().predict(
            n,
            series,
            past_covariates,
            future_covariates,
            num_samples,
            verbose,
            predict_likelihood_parameters,
        )
        sources = self._sources(series, past_covariates, future_covariates)
        cutoffs = [
            (i, len(source.series), source.series.end_time()) for i, source in enumerate(sources)
        ]
        found = self._forecast(
            sources, cutoffs, n, num_samples, predict_likelihood_parameters, random_state
        )
        return series2seq(found, seq_type_out=get_series_seq_type(series))

    def _optimized_historical_forecasts(
        self,
        series: Sequence[TimeSeries],
        past_covariates: Sequence[TimeSeries] | None = None,
        future_covariates: Sequence[TimeSeries] | None = None,
        num_samples: int = 1,
        start: Any = None,
        start_format: Any = "value",
        forecast_horizon: int = 1,
        stride: int = 1,
        overlap_end: bool = False,
        last_points_only: bool = True,
        verbose: bool = False,
        show_warnings: bool = True,
        predict_likelihood_parameters: bool = False,
        random_state: int | None = None,
        predict_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Forecast from all cutoffs in batches."""
        sources = self._sources(series, past_covariates, future_covariates)
        cutoffs: list[tuple[int, int, Any]] = []
        for i, source in enumerate(sources):
            (first, last), *_ = _get_historical_forecasts_setup(
                model=self,
                series=source.series,
                past_covariates=source.past,
                future_covariates=source.future,
                series_idx=i,
                forecast_horizon=forecast_horizon,
                start=start,
                start_format=start_format,
                stride=stride,
                overlap_end=overlap_end,
                retrain=False,
                train_length=None,
                val_length=0,
                show_warnings=show_warnings,
            )
            one = source.series
            whole = generate_index(start=one.start_time(), end=last, freq=one.freq)
            begin = int(whole.get_indexer([first])[0])
            cutoffs += [(i, cutoff, (i, cutoff)) for cutoff in range(begin, len(whole), stride)]
        found: list[list[TimeSeries]] = [[] for _ in sources]
        for first_of in range(0, len(cutoffs), MAX_CUTOFFS_AT_ONCE):
            part = cutoffs[first_of : first_of + MAX_CUTOFFS_AT_ONCE]
            forecasts = self._forecast(
                sources,
                part,
                forecast_horizon,
                num_samples,
                predict_likelihood_parameters,
                random_state,
            )
            for (i, *_), forecast in zip(part, forecasts, strict=True):
                found[i].append(forecast)
        return [_last_points(each, stride) for each in found] if last_points_only else found

    def _check_optimizable_historical_forecasts(self, retrain: Any) -> bool:
        return True  # training changes nothing

    def _sources(self, series: Any, past: Any, future: Any) -> list[Source]:
        """Series with their covariates."""
        several = series2seq(series)
        takes_past = self.supports_past_covariates
        if past is not None and not takes_past:
            raise ValueError(
                "past_covariates are not used without fine-tuning: leave them out, or take a model "
                "that was fine-tuned with such, see ttm_estimators.fine_tune"
            )
        beside = []
        for name, given in (("past", series2seq(past)), ("future", series2seq(future))):
            ones = [None] * len(several) if given is None else given
            if len(ones) != len(several):
                raise ValueError(
                    f"there are {len(several)} series, but {name}_covariates of {len(ones)}"
                )
            beside.append(ones)
        sources = [
            Source(f"series {i}", *each)
            for i, each in enumerate(zip(several, *beside, strict=True))
        ]
        for source in sources:
            source.check()
        return sources

    def _forecast(
        self,
        sources: list[Source],
        cutoffs: list[tuple[int, int, Any]],
        horizon: int,
        samples: int,
        parameters: bool,
        random_state: int | None,
    ) -> list[TimeSeries]:
        """Forecast from cutoffs: which series, how many of its points, and when that is."""
        for i, cutoff, _ in cutoffs:
            sources[i].check_future(cutoff, horizon)
        wanted = sorted({i for i, _, _ in cutoffs})
        roles = self.forecaster.roles
        covariates = {
            i: sources[i].covariates(horizon, roles, self.calendar, self.holidays) for i in wanted
        }
        values = {i: sources[i].series.values(copy=False) for i in wanted}
        levels = self.levels
        if not parameters:
            # Evenly spread levels, one for each path: so paths have the quantiles of the forecast.
            levels = tuple((np.arange(samples) + 0.5) / samples)
        some = any(each is not None for each in covariates.values())
        forecast = self.forecaster.forecast(
            [values[i][:cutoff] for i, cutoff, _ in cutoffs],
            horizon,
            covariates=[up_to(covariates[i], cutoff, horizon) for i, cutoff, _ in cutoffs]
            if some
            else None,
            quantile_levels=levels,
            batch_size=self.batch_size,
            keep_outliers=self.keep_outliers,
            names=[sources[i].name for i, _, _ in cutoffs],
            ends=[end for *_, end in cutoffs],
            time_of=lambda number, step: sources[cutoffs[number][0]].series.time_index[
                cutoffs[number][1] + step
            ],
        )
        random = np.random.default_rng(random_state)
        return [
            self._series(sources[i].series, cutoff, values_HVQ, parameters, random)
            for (i, cutoff, _), values_HVQ in zip(cutoffs, forecast.quantiles, strict=True)
        ]

    def _series(
        self,
        series: TimeSeries,
        cutoff: int,
        values_HVQ: Array,
        parameters: bool,
        random: np.random.Generator,
    ) -> TimeSeries:
        """A forecast on its dates: quantiles as components, or samples."""
        start = series.start_time() + cutoff * series.freq
        if parameters:
            names = likelihood_component_names(series.components, quantile_names([*self.levels]))
            return self._build_forecast_series(
                rearrange(values_HVQ, "h v q -> h (v q) 1"),
                input_series=series,
                custom_components=names,
                with_static_covs=False,
                with_hierarchy=False,
                pred_start=start,
            )
        paths_HVQ = random.permuted(values_HVQ, axis=2) if values_HVQ.shape[2] > 1 else values_HVQ
        return self._build_forecast_series(paths_HVQ, input_series=series, pred_start=start)

    def untrained_model(self) -> TTMModel:
        """Copy without a series of its own. The network is shared, as nothing trains it."""
        new = copy.copy(self._clean())
        new._fit_called = False
        return new

    @property
    def likelihood(self) -> Likelihood | None:
        """Quantiles at the levels of ``quantiles``. None of a network that forecasts a point."""
        if not self.supports_probabilistic_prediction:
            return None
        return Likelihood(LikelihoodType.Quantile, quantile_names([*self.levels]))

    @property
    def supports_probabilistic_prediction(self) -> bool:
        """Whether the network forecasts quantiles."""
        return len(self.forecaster.quantile_levels) > 1

    @property
    def supports_likelihood_parameter_prediction(self) -> bool:
        """Whether the network forecasts quantiles."""
        return self.supports_probabilistic_prediction

    @property
    def supports_multivariate(self) -> bool:
        """Whether series may have several components."""
        return True

    @property
    def supports_past_covariates(self) -> bool:
        """Whether the network was fine-tuned with such."""
        config = self.forecaster.config
        known = len(config.covariate_channels)
        return config.tied_channels and config.channels > len(config.targets) + known

    @property
    def supports_future_covariates(self) -> bool:
        """Whether they count: without training, unless it was fine-tuned with others."""
        config = self.forecaster.config
        return not config.tied_channels or bool(config.covariate_channels)

    @property
    def supports_static_covariates(self) -> bool:
        """Static covariates of a series are kept, and do not count."""
        return False

    @property
    def supports_sample_weight(self) -> bool:
        """Nothing is trained."""
        return False

    @property
    def extreme_lags(self) -> Lags:
        """One point of history will do. A negative second lag means any horizon, as in darts."""
        past = (-1, -1) if self.supports_past_covariates else (None, None)
        future = (0, 0) if self.supports_future_covariates else (None, None)
        return -1, -1, *past, *future, 0

    @property
    def min_train_samples(self) -> int:
        """Nothing is trained."""
        return 1

    @property
    def _target_window_lengths(self) -> tuple[int, int]:
        return 1, 0

    @property
    def _requires_training(self) -> bool:
        return False

    @property
    def _model_encoder_settings(self) -> tuple[None, None, bool, bool, None, None]:
        return None, None, False, False, None, None


def _last_points(forecasts: list[TimeSeries], stride: int) -> TimeSeries:
    """Join the last steps of forecasts from neighbouring cutoffs in one series."""
    one = forecasts[0]
    times = generate_index(
        start=one.end_time(),
        length=len(forecasts),
        freq=one.freq * stride,
        name=one.time_index.name,
    )
    values = np.concatenate([each.all_values(copy=False)[-1:] for each in forecasts])
    return one.with_times_and_values(times=times, values=values)
