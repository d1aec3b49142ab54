"""An sktime forecaster.

Shape suffixes: N series, T time, S steps asked for, V target channels (sktime's variates), X
covariates known in the future, Q quantile levels.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_integer_dtype
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
from sktime.utils.warnings import warn

from ttm_estimators import Forecast, TinyTimeMixer
from ttm_estimators.forecasting.quantile_levels import check_levels
from ttm_estimators.network.presets import find_config
from ttm_estimators.tables.steps import parse_step
from ttm_sktime.dates import Frequency, as_zoned, has_frequency, in_zone, of_kind
from ttm_sktime.exogenous import (
    check_calendar,
    check_has_levels,
    check_same_levels,
    columns_of,
    continued,
    covariates_of,
)
from ttm_sktime.frames import check_frame
from ttm_sktime.histories import Histories, frequency_of, read
from ttm_sktime.shared import SharedForecaster, shared_forecaster

MTYPES = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]
"""Formats of one series, a panel and a hierarchy."""

NO_CALENDAR = (
    "which leaves no place for calendar and holidays: leave them out, or put what "
    "ttm_estimators.regression.calendar.calendar_features makes into X"
)


class TTMForecaster(BaseForecaster):
    """Forecast with a pre-trained TinyTimeMixer.

    All series and variates of a panel or hierarchy go through the network in one batch, each by
    itself and each from its own last date. What ``X`` and calendars do without training is learnt
    from all of them. The numbers are those of :meth:`ttm_estimators.Forecaster.forecast`.

    Parameters
    ----------
    model : str or Path, optional
        Name of a shipped model, or a weights folder. Default: the default model.
    network : str or dict, optional
        Start from no weights: a name in ``ttm_estimators.PRESETS``, or fields of
        ``ttm_estimators.TTMConfig``. Not together with ``model``, and only with ``pretrain`` or
        ``fine_tune``, which then train as ``recipe`` says.
    fine_tune : bool or str, default False
        Whether ``fit`` fine-tunes the network on its series before it forecasts them, and how:
        "decoder" (and head, which True means too), "head", "bias" or "full". It is that of
        :func:`ttm_estimators.fine_tune`: never worse than zero-shot on the last part of the series,
        which is kept for validation. ``pretrain`` fine-tunes in any case. Both learn from ``X``.
        Without either, ``X`` counts at once, see :mod:`ttm_estimators.regression`. In any case it
        has to be given to ``predict`` for all its steps.
    fine_tuning : dict, optional
        Further fields of :class:`ttm_estimators.FineTuneConfig`, such as ``steps``,
        ``learning_rate`` and ``mix_channels``.
    recipe : dict, optional
        How a new ``network`` is trained: fields of ``ttm_estimators.training.recipe.Recipe``.
        Default: 500 ``steps`` of ``batch_size`` 64 at a ``learning_rate`` of 3e-4 after 50
        ``warmup_steps``.
    device : str, default "cpu"
        Any torch device.
    batch_size : int, default 256
        Series times variates in one forward pass. It changes memory and time only.
    random_state : int, default 0
        Seed of training. Forecasts have no randomness.
    keep_outliers : bool, default False
        Whether single impossible readings stay, such as the -999 of a sensor that failed. They are
        otherwise taken as missing, and a warning says so.
    calendar : bool, default False
        Whether hours, weekdays and ends of months count beside ``X``, by
        :func:`ttm_estimators.regression.calendar.calendar_features`. Not where the network learnt
        from ``X``.
    holidays : str or sequence of str, optional
        Countries whose public holidays count too, such as "DE" or "US-CA": codes of the package
        ``holidays``. With the calendar.

    Attributes
    ----------
    forecaster_ : ttm_estimators.Forecaster
        What ``pretrain`` trained. Refits, clones and pickles keep it.

    Notes
    -----
    Weights are loaded once in a process and shared by all forecasters.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from ttm_sktime import TTMForecaster
    >>> forecaster = TTMForecaster().fit(load_airline())
    >>> forecaster.predict(fh=[1, 2, 3]).index[0]
    Period('1961-01', 'M')
    >>> forecaster.predict_interval(fh=[1, 2, 3], coverage=0.8).shape
    (3, 2)
    """

    _tags = {  # noqa: RUF012 (sktime's convention)
        "authors": ["ttm-estimators developers"],
        "maintainers": ["ttm-estimators developers"],
        "python_dependencies": ["torch"],
        "y_inner_mtype": MTYPES,
        "X_inner_mtype": MTYPES,
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:insample": False,
        "capability:update": True,
        "capability:pretrain": True,
        "capability:unequal_length": True,
        "capability:categorical_in_X": False,
        "capability:non_contiguous_X": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "pretrain:fitted_params": ["forecaster_"],
        "requires-fh-in-fit": False,
    }

    # The histories below are all that is needed of y.
    _config = {"remember_data": False}  # noqa: RUF012

    def __init__(
        self,
        model: str | Path | None = None,
        network: str | dict[str, Any] | None = None,
        fine_tune: bool | str = False,
        fine_tuning: dict[str, Any] | None = None,
        recipe: dict[str, Any] | None = None,
        device: str = "cpu",
        batch_size: int = 256,
        random_state: int = 0,
        keep_outliers: bool = False,
        calendar: bool = False,
        holidays: str | Sequence[str] | None = None,
    ) -> None:
        self.model = model
        self.network = network
        self.fine_tune = fine_tune
        self.fine_tuning = fine_tuning
        self.recipe = recipe
        self.device = device
        self.batch_size = batch_size
        self.random_state = random_state
        self.keep_outliers = keep_outliers
        self.calendar = calendar
        self.holidays = holidays
        super().__init__()
        self._y = self._X = None
        self._tuned: SharedForecaster | None = None
        self._known: pd.DataFrame | None = None

    def _fit(
        self,
        y: pd.DataFrame,
        X: pd.DataFrame | None = None,
        fh: ForecastingHorizon | None = None,
    ) -> TTMForecaster:
        if self.network is not None and not self.fine_tune and not hasattr(self, "forecaster_"):
            raise ValueError(
                "a new network can not forecast yet: call pretrain with a panel before fit, set "
                "fine_tune=True, or choose a trained model"
            )
        self._tuned = None
        if self.fine_tune:
            self._tuned = self._trained(y, X, fh)
        frequency: Frequency = None
        if has_frequency(self.cutoff):
            frequency = self.cutoff.freq
            if frequency is None and fh is not None and fh.freq is not None:
                frequency = parse_step(fh.freq)
        self._known = None if X is None else self._columns(X.copy())  # it may be changed later
        self._histories: Histories = read(y, self._points, frequency)
        if self._has_calendar:
            if self._forecaster().config.tied_channels:
                raise ValueError(f"the network was trained with X, or mixes series, {NO_CALENDAR}")
            check_calendar(self._histories, self.holidays)
        return self

    @property
    def _points(self) -> int:
        """Latest points of a series to keep: all that covariates are regressed on."""
        forecaster = self._forecaster()
        regressed = self._known is not None or self._has_calendar
        return (
            sys.maxsize
            if regressed and not forecaster.uses_covariates
            else forecaster.history_length
        )

    @property
    def _has_calendar(self) -> bool:
        return self.calendar or self.holidays is not None

    def _columns(self, X: pd.DataFrame | None) -> pd.DataFrame | None:
        """X with the columns that the network has learnt from, if it has."""
        forecaster = self._forecaster()
        if X is None or not forecaster.uses_covariates:
            return X
        return columns_of(X, forecaster.columns)

    def _check_X_y(  # noqa: N802 (sktime's name)
        self, X: Any = None, y: Any = None, **options: Any
    ) -> Any:
        """Check data as sktime does, after own checks with plainer messages."""
        if y is not None:
            check_frame(y)
            check_same_levels(X, y)
            y = y if self.cutoff is None else as_zoned(y, self.cutoff)
        return super()._check_X_y(X=X, y=y, **options)

    def _check_fh(self, fh: Any, pred_int: bool = False) -> ForecastingHorizon | None:
        """Check a horizon as sktime does, and say what to give instead."""
        fh = in_zone(getattr(self, "_fh", None) if fh is None else fh, self.cutoff)
        fh = of_kind(fh, self.cutoff)
        if isinstance(fh, ForecastingHorizon) and isinstance(self.cutoff, pd.DatetimeIndex):
            dates = None if fh.is_relative else fh.to_pandas()
            if isinstance(dates, pd.DatetimeIndex) and (dates > self.cutoff[0]).all():
                # sktime counts steps to dates by periods, which not every frequency has.
                self._fh = fh
                return fh
        try:
            return super()._check_fh(fh, pred_int)
        except NotImplementedError:
            raise NotImplementedError(
                f"TTMForecaster makes no in-sample forecasts, but fh holds {self.fh[0]}: give "
                f"steps of at least 1, or dates after {self.cutoff[0]}"
            ) from None

    def _set_cutoff_from_y(self, y: pd.DataFrame) -> None:
        """Keep the last date as sktime does, with a frequency for panels too.

        What sktime infers is replaced by what makes exactly the dates that are there.
        """
        times = y.index.get_level_values(-1)
        cutoff: Any = times[[int(times.argmax())]].rename(None)
        if has_frequency(cutoff):
            cutoff.freq = None  # type: ignore[misc]
            frequency = self._histories.frequency if self.is_fitted else frequency_of(y)
            # A date of another frequency, which fit will refuse, or one that a clock shows twice.
            with suppress(Exception):
                cutoff = type(cutoff)(cutoff, freq=frequency)
        self._set_cutoff(cutoff)

    def _update(
        self,
        y: pd.DataFrame,
        X: pd.DataFrame | None = None,
        update_params: bool = True,
    ) -> TTMForecaster:
        """Continue the histories. The network stays as it is."""
        self._known = continued(self._known, self._columns(X))
        self._histories = read(y, self._points, earlier=self._histories)
        return self

    def _predict(
        self,
        fh: ForecastingHorizon,
        X: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        forecast, steps_NS, index = self._forecast(fh, X)
        point_NSV = np.take_along_axis(forecast.point, steps_NS[:, :, None] - 1, axis=1)
        return pd.DataFrame(
            point_NSV.reshape(len(index), -1), index=index, columns=self._get_columns()
        )

    def _predict_quantiles(
        self,
        fh: ForecastingHorizon,
        X: pd.DataFrame | None,
        alpha: list[float],
    ) -> pd.DataFrame:
        try:
            check_levels(self._forecaster().quantile_levels, tuple(alpha))
        except ValueError as error:
            raise NotImplementedError(str(error)) from error
        forecast, steps_NS, index = self._forecast(fh, X)
        values_NSVQ = np.take_along_axis(forecast.at(alpha), steps_NS[:, :, None, None] - 1, axis=1)
        columns = self._get_columns(method="predict_quantiles", alpha=alpha)
        return pd.DataFrame(values_NSVQ.reshape(len(index), -1), index=index, columns=columns)

    def explain(self, fh: Any = None, X: Any = None) -> pd.DataFrame:
        """Tell whether X and the calendar count in a forecast, where they do without training.

        Parameters
        ----------
        fh : int, list, array or ForecastingHorizon, optional
            As in ``predict``. After ``predict`` it costs nothing.
        X : DataFrame, optional
            As in ``predict``.

        Returns
        -------
        DataFrame
            A row for each series, with the index of its name, and for each ``variate`` of it:
            ``kept`` is whether the forecast uses them, ``gain`` the fraction of the quantile loss
            of held-out ``windows`` that they save, 0 where they are not kept, and ``names`` a tuple
            of the covariates. See :class:`ttm_estimators.regression.CovariateEffects`.

        Raises
        ------
        ValueError
            When there is neither X nor a calendar, or the network takes none without training.
        """
        self.check_is_fitted()
        forecast, _, _ = self._forecast(self._check_fh(fh), self._check_X(X=X))
        effects = forecast.effects
        if not effects:
            raise ValueError(
                "no covariates count without training here, so there is nothing to explain: give "
                "X, calendar or holidays, and a network that was not trained with X"
            )
        variates, keys = [*self._get_columns()], self._histories.keys
        each = {
            "variate": variates * (len(effects) // len(variates)),
            "kept": [one.kept for one in effects],
            "gain": [one.gain for one in effects],
            "windows": [one.windows for one in effects],
            "names": [one.names for one in effects],
        }
        return pd.DataFrame(each, index=None if keys is None else keys.repeat(len(variates)))

    def _forecast(
        self,
        fh: ForecastingHorizon,
        X: pd.DataFrame | None,
    ) -> tuple[Forecast, Any, pd.Index]:
        """Forecast all steps up to the last, with the steps asked for and their index."""
        steps_NS, index = self._histories.horizon(fh)
        forecaster, horizon = self._forecaster(), int(steps_NS.max())
        if X is not None and self._histories.keys is not None:
            check_has_levels(X)
        known = continued(self._known, self._columns(X))
        if known is None and forecaster.uses_covariates:
            raise ValueError("the network was trained with X: give X to fit and to predict")
        covariates = None
        if known is not None or self._has_calendar:
            covariates = covariates_of(
                known,
                self._histories,
                steps_NS,
                calendar=self._has_calendar,
                holidays=self.holidays,
            )
        forecast = self._histories.forecast(
            forecaster, horizon, self.batch_size, covariates, self.keep_outliers
        )
        return forecast, steps_NS, index

    def _pretrain(
        self,
        y: pd.DataFrame,
        X: pd.DataFrame | None = None,
        fh: ForecastingHorizon | None = None,
    ) -> TTMForecaster:
        if X is not None and self.network is not None:
            warn(
                "pretrain does not use X: a new network learns without it, start from weights "
                "instead",
                category=UserWarning,
                obj=self,
                stacklevel=4,
            )
        self.forecaster_ = self._trained(y, X, fh)
        return self

    def _forecaster(self) -> SharedForecaster:
        trained: SharedForecaster | None = self._tuned or getattr(self, "forecaster_", None)
        return trained or shared_forecaster(self.model, self.device)

    def _trained(
        self,
        y: pd.DataFrame,
        X: pd.DataFrame | None,
        fh: ForecastingHorizon | None,
    ) -> SharedForecaster:
        """Fine-tune a copy of trained weights, or train a copy of a new network."""
        # Lightning is slow to import.
        from ttm_estimators import FineTuneConfig, fine_tune
        from ttm_estimators.training.recipe import FROM_SCRATCH, Recipe

        histories = read(y, sys.maxsize)
        horizon = None
        if fh is not None and fh.is_relative and is_integer_dtype(fh.to_pandas()):
            horizon = int(fh.to_pandas().max())
        device = torch.device(self.device)
        settings: dict[str, Any] = {"keep_outliers": self.keep_outliers}
        columns = covariates = recipe = None
        if self.network is not None:
            recipe = Recipe(**{**FROM_SCRATCH, "seed": self.random_state, **(self.recipe or {})})
            network = self._untrained(recipe.seed)
        elif self.recipe is not None:
            raise ValueError("recipe is for a new network: give fine_tuning to start from weights")
        else:
            start = self._forecaster()
            network = start.network
            strategy = self.fine_tune if isinstance(self.fine_tune, str) else "decoder"
            settings |= {"strategy": strategy, "seed": self.random_state}
            settings |= self.fine_tuning or {}
            if X is not None:
                if self._has_calendar:
                    raise ValueError(f"training learns from X, {NO_CALENDAR}")
                X = columns_of(X, start.columns)
                columns, covariates = list(X.columns), covariates_of(X, histories)
        tuned = fine_tune(
            network,
            [member.values_TV for member in histories.members],
            FineTuneConfig(**settings),
            horizon=horizon,
            covariates=covariates,
            names=histories.names,
            time_of=histories.time_of,
            recipe=recipe,
            accelerator={"cuda": "gpu"}.get(device.type, device.type),
            devices=1 if device.index is None else [device.index],
        )
        return SharedForecaster(tuned.network, columns=columns, device=self.device)

    def _untrained(self, seed: int) -> TinyTimeMixer:
        """Make the network that training without weights starts from."""
        if hasattr(self, "forecaster_"):
            return copy.deepcopy(self._forecaster().network)
        if self.model is not None or self.fine_tuning is not None:
            raise ValueError(
                "give model and fine_tuning to start from weights, or network and recipe to start "
                "from none"
            )
        assert self.network is not None
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return TinyTimeMixer(find_config(self.network))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Parameters for sktime's tests.

        Parameters
        ----------
        parameter_set : str, default "default"
            There is one set only.
        """
        quick = {"steps": 1, "windows": 4, "batch_size": 2, "learning_rate": 1e-3}
        return [
            {"fine_tuning": quick},
            {"fine_tuning": quick, "fine_tune": "head", "batch_size": 3, "random_state": 1},
        ]
