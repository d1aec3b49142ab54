"""The data that a fitted forecaster keeps: the latest values of every series, and their dates.

Shape suffixes: N series, T time, S steps asked for, V target channels (sktime's variates).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_integer_dtype
from sktime.forecasting.base import ForecastingHorizon

from ttm_estimators import Covariates, Forecast, Forecaster
from ttm_estimators.inputs.arrays import as_array
from ttm_estimators.tables.steps import describe, wall_clock
from ttm_sktime.dates import (
    Frequency,
    filled,
    grid_positions,
    has_frequency,
    horizon_of,
    infer_frequency,
)

Array = npt.NDArray[np.float64]


class History(NamedTuple):
    """Dates and values of one series."""

    times_T: pd.Index
    values_TV: Array


class _Latest(NamedTuple):
    """A forecast and what it is of."""

    asked: tuple[Forecaster, int, bool]
    covariates: list[Covariates] | None
    forecast: Forecast


class Histories:
    """Series of one frame, each with dates of its own.

    Parameters
    ----------
    index_names : list
        Names of the frame's index levels, the last one that of the dates.
    keys : Index or None
        What the frame calls its series. None: it holds a single one, which has no name.
    members : list of History
        One for each key, with NaN for a date that was left out.
    frequency : offset or None
        Of all series.
    """

    def __init__(
        self,
        index_names: list[Any],
        keys: pd.Index | None,
        members: list[History],
        frequency: Frequency,
    ) -> None:
        self.index_names = index_names
        self.keys = keys
        self.members = members
        self.frequency = frequency
        self._latest: _Latest | None = None

    def continued(
        self, keys: pd.Index | None, newer: list[History]
    ) -> tuple[pd.Index | None, list[History]]:
        """Keys and series with newer values, which replace all old ones from their first date on.

        Old values of later dates are dropped too, so that a forecast never sees what is after the
        cutoff that sktime keeps.
        """
        members = [*self.members]
        if self.keys is None or keys is None:
            index_N = np.zeros(1, dtype=np.int64)
        else:
            index_N = self.keys.get_indexer(keys)
            members += [new for new, index in zip(newer, index_N, strict=True) if index < 0]
            keys = self.keys.append(keys[index_N < 0])
        for new, index in zip(newer, index_N, strict=True):
            if index >= 0:
                old = self.members[index]
                kept = int(old.times_T.searchsorted(new.times_T[0]))
                members[index] = History(
                    old.times_T[:kept].append(new.times_T),
                    np.concatenate([old.values_TV[:kept], new.values_TV]),
                )
        return keys, members

    @property
    def names(self) -> list[str]:
        """Names of series in messages."""
        return _names(self.keys)

    def time_of(self, number: int, step: int) -> Any:
        """Time of a point of a series by its step from the end."""
        return self.members[number].times_T[step]

    def forecast(
        self,
        forecaster: Forecaster,
        horizon: int,
        batch_size: int,
        covariates: list[Covariates] | None = None,
        keep_outliers: bool = False,
    ) -> Forecast:
        """Forecast all series, at the quantile levels of the network.

        The latest forecast is kept until the series or covariates change: point, quantiles,
        intervals and variance of one horizon need the network once.

        Raises
        ------
        ValueError
            When the network can not take the series. The message calls them what the frame does.
        """
        asked = forecaster, horizon, keep_outliers
        latest = self._latest
        if latest and latest.asked == asked and _are_equal(latest.covariates, covariates):
            return latest.forecast
        forecast = forecaster.forecast(
            [member.values_TV for member in self.members],
            horizon,
            covariates=covariates,
            batch_size=batch_size,
            keep_outliers=keep_outliers,
            names=self.names,
            ends=[_end(member.times_T) for member in self.members],
            time_of=self.time_of,
        )
        self._latest = _Latest(asked, covariates, forecast)
        return forecast

    def horizon(self, fh: ForecastingHorizon) -> tuple[npt.NDArray[np.int64], pd.Index]:
        """Steps after the end of each series, shape (N, S), and the index of all of them."""
        ends = np.empty(len(self.members), dtype=object)  # an index would change a date's unit
        ends[:] = [_end(member.times_T) for member in self.members]
        which_N, _ = pd.factorize(ends)
        first = np.unique(which_N, return_index=True)[1]
        pairs = [horizon_of(fh, self.members[i].times_T, self.frequency) for i in first]
        steps_NS = np.stack([steps_S for steps_S, _ in pairs])[which_N]
        times = pairs[0][1].append([times_S for _, times_S in pairs[1:]])
        if self.keys is None:
            return steps_NS, times.rename(self.index_names[0])
        each = steps_NS.shape[1]
        rows = (which_N[:, None] * each + np.arange(each)).ravel()
        levels = [self.keys.get_level_values(i) for i in range(self.keys.nlevels)]
        index = pd.MultiIndex.from_arrays(
            [*(level.repeat(each) for level in levels), times.take(rows)], names=self.index_names
        )
        return steps_NS, index

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles leave out the latest forecast."""
        return {**self.__dict__, "_latest": None}


def read(
    y: pd.DataFrame, points: int, frequency: Frequency = None, earlier: Histories | None = None
) -> Histories:
    """Read the latest points of every series of a frame.

    Parameters
    ----------
    y : DataFrame
        Columns are variates. The last index level holds dates, the others name series.
    points : int
        Points to keep, counted back from the last observed one.
    frequency : offset, optional
        Of the dates, where it is known. Default: that of the index, or else of the longest series.
    earlier : Histories, optional
        What the frame continues.

    Raises
    ------
    ValueError
        When the frequency can not be found, series differ in it, dates repeat, or a series has no
        values or infinite ones. The message names the series.
    """
    keys, members = split(y)
    if earlier is not None:
        frequency = earlier.frequency
        keys, members = earlier.continued(keys, members)
    names = _names(keys)
    for name, (times_T, values_TV) in zip(names, members, strict=True):
        if not times_T.is_unique:
            twice = times_T[times_T.duplicated()][0]
            raise ValueError(f"{name} has {twice} twice: keep one row, y[~y.index.duplicated()]")
        for column, values_T in zip(y.columns, values_TV.T, strict=True):
            as_array(values_T, name if y.shape[1] == 1 else f"column {column!r} of {name}")
    if frequency is None:
        frequency = frequency_of(y)
    if frequency is None and has_frequency(members[0].times_T):
        longest = max(range(len(members)), key=lambda i: len(members[i].times_T))
        short = len(members[longest].times_T) < 3
        reason = "it has fewer than three dates" if short else "its dates are irregular"
        raise ValueError(
            f"the frequency of {names[longest]} can not be inferred, {reason}: set one with "
            "y.asfreq('D'), convert the index to periods, or call fit with "
            "fh=ForecastingHorizon([1, 2, 3], freq='D')"
        )
    members = [
        _regular(member, points, frequency, name)
        for name, member in zip(names, members, strict=True)
    ]
    return Histories(list(y.index.names), keys, members, frequency)


def frequency_of(y: pd.DataFrame) -> Frequency:
    """Frequency of the index of a frame, or else of the longest series that has one."""
    level = y.index.levels[-1] if isinstance(y.index, pd.MultiIndex) else y.index
    if has_frequency(level) and level.freq is not None and infer_frequency(level) == level.freq:
        return level.freq
    series = sorted((member.times_T for member in split(y)[1]), key=len, reverse=True)
    found = next(filter(None, map(infer_frequency, series)), None)
    if found is None and is_integer_dtype(level):
        return max(1, int(np.gcd.reduce(np.diff(series[0]))))
    return found


def split(y: pd.DataFrame) -> tuple[pd.Index | None, list[History]]:
    """Keys and series of a frame, in the order in which they appear. They may be interleaved."""
    times = y.index.get_level_values(-1)
    values = y.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    if not isinstance(y.index, pd.MultiIndex):
        return None, [History(times, values)]
    instances = y.index.droplevel(-1)
    codes, keys = instances.factorize()[0], instances.unique()
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        times, values, codes = times[order], values[order], codes[order]
    ends = np.searchsorted(codes, np.arange(len(keys)), side="right")
    return keys, [
        History(times[start:end], values[start:end])
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _regular(member: History, points: int, frequency: Frequency, name: str) -> History:
    """Cut to the latest points, and put NaN where a date is left out."""
    times_T, values_TV = member
    position_T = grid_positions(times_T, frequency)
    own = None if position_T[-1] == len(position_T) - 1 else infer_frequency(times_T)
    rhythm = None if frequency is None else describe(frequency)
    if own is not None and own != frequency:
        raise ValueError(
            f"{name} has the frequency {describe(own)} and others {rhythm}: "
            "resample all to one, or forecast them apart"
        )
    if (position_T < 0).any():
        raise ValueError(
            f"{name} has {times_T[position_T < 0][0]}, which is no date of its frequency {rhythm}: "
            "resample it, or set the right frequency"
        )
    seen_TV = np.where(np.isnan(values_TV), -1, position_T[:, None])
    first = int(np.searchsorted(position_T, seen_TV.max(axis=0).min() - points + 1))
    times_T, values_TV, position_T = times_T[first:], values_TV[first:], position_T[first:]
    size = int(position_T[-1] - position_T[0]) + 1
    if size == len(position_T):
        return History(times_T, values_TV)
    filled_TV = np.full((size, values_TV.shape[1]), np.nan)
    filled_TV[position_T - position_T[0]] = values_TV
    return History(filled(times_T, size, frequency), filled_TV)


def _are_equal(some: list[Covariates] | None, others: list[Covariates] | None) -> bool:
    """Whether covariates that are known in the future are the same."""
    if some is None or others is None:
        return some is others
    frames: Any = ((one.known, other.known) for one, other in zip(some, others, strict=True))
    return all(one.equals(other) for one, other in frames)


def _end(times: pd.Index) -> Any:
    """Last date of a series, and its hour by the clock on the wall."""
    if isinstance(times, pd.DatetimeIndex) and times.tz is not None:
        return times[-1], wall_clock(times)[-1]
    return times[-1]


def _names(keys: pd.Index | None) -> list[str]:
    """Names of series in messages."""
    return ["y"] if keys is None else [f"series {key!r} of y" for key in keys]
