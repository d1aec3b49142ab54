"""Dates of one series: which ones a frequency has, and which come next.

The dates may be a DatetimeIndex, PeriodIndex, TimedeltaIndex or an index of whole numbers. A date
that an index leaves out is a missing value (ours; sktime counts rows, and so dates forecasts of a
series with holes by its last date but forecasts them as if nothing were missing).

Shape suffixes: T time, S steps.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset
from sktime.forecasting.base import ForecastingHorizon

Frequency = Any
"""A pandas offset, or None: not known, or not needed for periods and whole numbers."""


def has_frequency(times: pd.Index) -> TypeGuard[pd.DatetimeIndex | pd.TimedeltaIndex]:
    """Whether the kind of index needs a frequency beside it."""
    return isinstance(times, (pd.DatetimeIndex, pd.TimedeltaIndex))


def infer_frequency(times: pd.Index) -> Frequency:
    """Frequency of dates, or None where they have none: fewer than three, or irregular."""
    if not has_frequency(times):
        return None
    if times.freq is not None:
        return times.freq
    return to_offset(pd.infer_freq(times)) if len(times) > 2 else None


def between(first: Any, last: Any, frequency: Frequency) -> pd.Index:
    """All dates from one to another."""
    if isinstance(first, pd.Timestamp):
        return pd.date_range(first, last, freq=frequency, unit=first.unit)
    if isinstance(first, pd.Timedelta):
        return pd.timedelta_range(first, last, freq=frequency, unit=first.unit)
    if isinstance(first, pd.Period):
        return pd.period_range(first, last)
    return pd.RangeIndex(first, last + 1)


def after(last: Any, steps: int, frequency: Frequency) -> pd.Index:
    """``last`` and the given number of dates after it."""
    if isinstance(last, pd.Timestamp):
        return pd.date_range(last, periods=steps + 1, freq=frequency, unit=last.unit)
    if isinstance(last, pd.Timedelta):
        return pd.timedelta_range(last, periods=steps + 1, freq=frequency, unit=last.unit)
    if isinstance(last, pd.Period):
        return pd.period_range(last, periods=steps + 1)
    return pd.RangeIndex(last, last + steps + 1)


def places(times: pd.Index, frequency: Frequency) -> npt.NDArray[np.int64]:
    """Steps of each date after the first, -1 for what is no date of the frequency."""
    if has_frequency(times) and infer_frequency(times) == frequency:
        return np.arange(len(times))
    return between(times[0], times[-1], frequency).get_indexer(times)


def horizon_of(
    fh: ForecastingHorizon, last: Any, frequency: Frequency
) -> tuple[npt.NDArray[np.int64], pd.Index]:
    """Steps after ``last`` of a forecasting horizon, and their dates.

    Raises
    ------
    ValueError
        When a date of the horizon is not after ``last``, or none of the frequency.
    """
    wanted_S = fh.to_pandas()
    if fh.is_relative and pd.api.types.is_integer_dtype(wanted_S):
        steps_S = wanted_S.to_numpy()
        return steps_S, after(last, int(steps_S.max()), frequency)[steps_S]
    if fh.is_relative:
        wanted_S = pd.Index([last + step for step in wanted_S])
    steps_S = between(last, wanted_S.max(), frequency).get_indexer(wanted_S)
    if (steps_S < 1).any():
        wrong = wanted_S[steps_S < 1][0]
        rhythm = f" with the frequency {frequency.freqstr}" if frequency is not None else ""
        raise ValueError(
            f"fh holds {wrong}, which is no date after the last one of a series, {last}{rhythm}: "
            "give dates that continue y, or steps such as fh=[1, 2, 3]"
        )
    return steps_S, wanted_S
