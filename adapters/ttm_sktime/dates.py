"""Dates of one series: their frequency, their positions by it, and the dates that follow.

The dates may be a DatetimeIndex, PeriodIndex, TimedeltaIndex or an index of whole numbers. Those of
a DatetimeIndex continue as in tables, see :mod:`ttm_estimators.tables.steps`. A date that an index
leaves out is a missing value (ours; sktime counts rows, and so dates forecasts of a series with
holes by its last date but forecasts them as if nothing were missing).

Shape suffixes: T time, S steps.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset
from sktime.forecasting.base import ForecastingHorizon

from ttm_estimators.tables.rules import find_step, is_exact
from ttm_estimators.tables.steps import describe, follow, positions
from ttm_estimators.tables.timetable import Timetable

Frequency = Any
"""A pandas offset, a step between whole numbers, or None: not known, or not needed for periods."""


def has_frequency(times: pd.Index) -> TypeGuard[pd.DatetimeIndex | pd.TimedeltaIndex]:
    """Whether the kind of index needs a frequency beside it."""
    return isinstance(times, (pd.DatetimeIndex, pd.TimedeltaIndex))


def infer_frequency(times: pd.Index) -> Frequency:
    """Frequency that makes exactly some dates or whole numbers, or None, as of fewer than three.

    Raises
    ------
    ValueError
        When two fit, of which neither is the usual one.
    """
    if isinstance(times, pd.PeriodIndex):
        return None
    if isinstance(times, pd.TimedeltaIndex):
        return times.freq or (to_offset(pd.infer_freq(times)) if len(times) > 2 else None)
    # sktime sets what pandas infers, which is not always what makes these dates.
    given = times.freq if isinstance(times, pd.DatetimeIndex) else None
    if given is not None and is_exact(times, given):
        return given
    step = find_step(times)
    return step.as_offset() if isinstance(step, Timetable) else step


def of_kind(fh: Any, cutoff: pd.Index | None) -> Any:
    """Turn dates of a horizon to periods where the data has these, and periods to its dates."""
    if isinstance(fh, ForecastingHorizon) and fh.is_relative:
        return fh
    times = fh.to_pandas() if isinstance(fh, ForecastingHorizon) else fh
    frequency: Frequency
    if isinstance(times, pd.DatetimeIndex) and isinstance(cutoff, pd.PeriodIndex):
        frequency = cutoff.freq
        return times.to_period(frequency)
    if isinstance(times, pd.PeriodIndex) and isinstance(cutoff, pd.DatetimeIndex):
        frequency = times.freq
        starts = cutoff.to_period(frequency).to_timestamp()
        if (starts == cutoff).all():
            return times.to_timestamp()
        return times.to_timestamp(how="end").normalize()
    return fh


def filled(times: pd.Index, size: int, frequency: Frequency) -> pd.Index:
    """A number of dates from the first one on."""
    if isinstance(times, pd.DatetimeIndex):
        rest = follow(times, frequency, size - 1, after=0)
        return times[:1].append(rest.as_unit(times.unit))  # type: ignore[attr-defined]
    return _range(times[0], size, frequency)


def after(times: pd.Index, steps: int, frequency: Frequency) -> pd.Index:
    """The given number of dates after the last one."""
    if isinstance(times, pd.DatetimeIndex):
        return follow(times, frequency, steps).as_unit(times.unit)  # type: ignore[attr-defined]
    return _range(times[-1], steps + 1, frequency)[1:]


def grid_positions(times: pd.Index, frequency: Frequency) -> npt.NDArray[np.int64]:
    """Number of steps from the first date to each, -1 for what is no date of the frequency."""
    if isinstance(times, pd.DatetimeIndex):
        position_T = positions(times, frequency)
        if position_T is not None:
            return position_T
        found = [positions(times[[0, i]], frequency) for i in range(1, len(times))]
        first = -1 if positions(times[:1], frequency) is None else 0
        return np.array([first, *(-1 if each is None else int(each[1]) for each in found)])
    if has_frequency(times) and infer_frequency(times) == frequency:
        return np.arange(len(times))
    return _between(times[0], times[-1], frequency).get_indexer(times)


def in_zone(fh: Any, times: pd.Index) -> Any:
    """A forecasting horizon whose dates have the time zone of others.

    Raises
    ------
    ValueError
        When one has a zone and the other none.
    """
    if isinstance(fh, ForecastingHorizon):
        wanted = None if fh.is_relative else fh.to_pandas()
    else:
        first = next(iter(fh), None) if isinstance(fh, (list, tuple, np.ndarray)) else fh
        wanted = pd.DatetimeIndex(np.atleast_1d(fh)) if isinstance(first, pd.Timestamp) else fh
    if not isinstance(wanted, pd.DatetimeIndex) or not isinstance(times, pd.DatetimeIndex):
        return fh
    return ForecastingHorizon(_converted(wanted, times, "fh"), is_relative=False)


def as_zoned(y: Any, times: pd.Index) -> Any:
    """New data with dates in the time zone of earlier ones. Formats other than frames stay.

    Raises
    ------
    ValueError
        When one has a zone and the other none.
    """
    if not isinstance(y, (pd.Series, pd.DataFrame)) or not isinstance(times, pd.DatetimeIndex):
        return y
    dates = y.index.levels[-1] if isinstance(y.index, pd.MultiIndex) else y.index
    if not isinstance(dates, pd.DatetimeIndex) or not len(dates) or dates.tz == times.tz:
        return y
    dates = _converted(dates, times, "the new y")
    if isinstance(y.index, pd.MultiIndex):
        return y.set_axis(y.index.set_levels(dates, level=-1))  # type: ignore[call-overload]
    return y.set_axis(dates)


def _converted(dates: pd.DatetimeIndex, times: pd.DatetimeIndex, name: str) -> pd.DatetimeIndex:
    """Dates in the time zone of others."""
    if dates.tz == times.tz:
        return dates
    if dates.tz is None:
        raise ValueError(
            f"{name} holds {dates[0]} without a time zone, but y is of {times.tz}: give it one, "
            f".tz_localize({str(times.tz)!r})"
        )
    if times.tz is None:
        raise ValueError(
            f"{name} holds {dates[0]} of the time zone {dates.tz}, but y has none: leave it out, "
            ".tz_localize(None)"
        )
    return dates.tz_convert(times.tz)


def horizon_of(
    fh: ForecastingHorizon, times: pd.Index, frequency: Frequency
) -> tuple[npt.NDArray[np.int64], pd.Index]:
    """Steps after the last one of some dates of a forecasting horizon, and their dates.

    Raises
    ------
    ValueError
        When a date of the horizon is not after the last one, none of the frequency, or has no zone
        where the others have one.
    """
    wanted_S, last = fh.to_pandas(), times[-1]
    if fh.is_relative and pd.api.types.is_integer_dtype(wanted_S):
        steps_S = wanted_S.to_numpy()
        return steps_S, after(times, int(steps_S.max()), frequency)[steps_S - 1]
    if fh.is_relative:
        wanted_S = pd.Index([last + step for step in wanted_S])
    steps_S = _steps_to(wanted_S, times, frequency)
    if (steps_S < 1).any():
        wrong = wanted_S[steps_S < 1][0]
        rhythm = f" with the frequency {describe(frequency)}" if frequency is not None else ""
        raise ValueError(
            f"fh holds {wrong}, which is no date after the last one of a series, {last}{rhythm}: "
            "give dates that continue y, or steps such as fh=[1, 2, 3]"
        )
    return steps_S, wanted_S


def _steps_to(wanted_S: pd.Index, times: pd.Index, frequency: Frequency) -> npt.NDArray[np.int64]:
    """Steps from the last date to others, -1 where they are none of the frequency."""
    if not isinstance(times, pd.DatetimeIndex):
        return _between(times[-1], wanted_S.max(), frequency).get_indexer(wanted_S)
    earlier = wanted_S <= times[-1]
    later = pd.DatetimeIndex(wanted_S[~earlier]).as_unit(times.unit)
    steps_S = np.full(len(wanted_S), -1)
    steps_S[~earlier] = grid_positions(times.append(later), frequency)[len(times) :]
    last = grid_positions(times, frequency)[-1]
    return np.where(steps_S < 0, -1, steps_S - last)


def _between(first: Any, last: Any, frequency: Frequency) -> pd.Index:
    if isinstance(first, pd.Timedelta):
        return pd.timedelta_range(first, last, freq=frequency, unit=first.unit)
    if isinstance(first, pd.Period):
        return pd.period_range(first, last)
    return pd.RangeIndex(first, last + 1, frequency)


def _range(first: Any, size: int, frequency: Frequency) -> pd.Index:
    if isinstance(first, pd.Timedelta):
        return pd.timedelta_range(first, periods=size, freq=frequency, unit=first.unit)
    if isinstance(first, pd.Period):
        return pd.period_range(first, periods=size)
    return pd.RangeIndex(first, first + size * frequency, frequency)
