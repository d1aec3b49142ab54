"""X, and calendars, as covariates that are known in the future, found by the dates of each series.

Shape suffixes: N series, T time, S steps asked for, X covariates known in the future.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_estimators import Covariates
from ttm_estimators.regression.calendar import calendar_features, countries_of
from ttm_estimators.regression.with_calendar import with_calendar
from ttm_sktime.dates import after
from ttm_sktime.histories import Histories, split


def columns_of(X: pd.DataFrame, columns: Sequence[Any] | None) -> pd.DataFrame:
    """Take the columns that a network learnt from, all where that is not known.

    Raises
    ------
    ValueError
        When one is not there.
    """
    if columns is None:
        return X
    missing = [repr(name) for name in columns if name not in X]
    if missing:
        raise ValueError(
            f"X has no column {', '.join(missing)}, which the network was trained with: it has "
            f"{', '.join(map(repr, X.columns))}"
        )
    return X[list(columns)]


def check_same_levels(X: Any, y: Any) -> None:
    """Refuse one X for all series of a panel.

    Raises
    ------
    ValueError
        When y has names of series in its index, and X has none.
    """
    frames = (pd.Series, pd.DataFrame)
    if not isinstance(X, frames) or not isinstance(y, frames):
        return
    if y.index.nlevels > 1:
        check_has_levels(X)


def check_has_levels(X: pd.Series | pd.DataFrame) -> None:
    """Refuse rows that name no series.

    Raises
    ------
    ValueError
        When they do not.
    """
    if X.index.nlevels == 1:
        raise ValueError(
            "y holds several series, but X rows of none in particular: give each its own, such as "
            "pd.concat({key: X for key in y.index.droplevel(-1).unique()}, names=y.index.names)"
        )


def continued(X: pd.DataFrame | None, newer: pd.DataFrame | None) -> pd.DataFrame | None:
    """Put rows together. Newer ones replace old ones of the same date.

    Raises
    ------
    ValueError
        When they differ in columns.
    """
    if X is None or newer is None:
        return newer if X is None else X
    differing = X.columns.symmetric_difference(newer.columns, sort=False)
    if len(differing):
        earlier, later = (", ".join(map(repr, each.columns)) for each in (X, newer))
        raise ValueError(
            f"X has the columns {later}, but had {earlier} before: give the same to fit, update "
            "and predict"
        )
    both = pd.concat([X, newer])
    return both[~both.index.duplicated(keep="last")]


def check_calendar(histories: Histories, holidays: str | Sequence[str] | None) -> None:
    """Refuse a calendar for what has no dates, and holidays of an unknown country.

    Raises
    ------
    TypeError
        When ``holidays`` is no text and no sequence of texts.
    ValueError
        When the index of y holds whole numbers or time deltas, or there is no such country.
    """
    countries = countries_of(holidays) or None
    times = histories.members[0].times_T
    if not isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex)):
        raise ValueError(
            f"calendar and holidays need dates, but the index of y is a {type(times).__name__}: "
            "make it a DatetimeIndex or PeriodIndex, or leave calendar and holidays out"
        )
    calendar_features(times[:1], countries)


def covariates_of(
    X: pd.DataFrame | None,
    histories: Histories,
    steps_NS: npt.NDArray[np.int64] | None = None,
    *,
    calendar: bool = False,
    holidays: str | Sequence[str] | None = None,
) -> list[Covariates]:
    """Covariates of every series, up to the last step asked for. A date without a row is missing.

    Parameters
    ----------
    X : DataFrame, optional
        Rows for the histories and what comes after.
    histories : Histories
        The series.
    steps_NS : array, optional
        Steps asked for of each series. Default: none.
    calendar : bool, default False
        Whether the calendar of the dates stands beside X.
    holidays : str or sequence of str, optional
        Countries whose holidays it has.

    Raises
    ------
    ValueError
        When a series has no X, none of its past, none for a step that is asked for, or NaN only in
        a column of what is to be forecast. The message
        names columns, steps and dates.
    """
    horizon = 0 if steps_NS is None else int(steps_NS.max())
    if X is None:
        each = [Covariates()] * len(histories.members)
    else:
        each = [Covariates(known=one) for one in _known(X, histories, steps_NS, horizon)]
    if not calendar:
        return each
    found, calendars = [], {}
    for one, name, member in zip(each, histories.names, histories.members, strict=True):
        times: Any = member.times_T.append(after(member.times_T, horizon, histories.frequency))
        span = times[0], times[-1]  # of one frequency
        if span not in calendars:
            calendars[span] = calendar_features(times, holidays)
        found.append(with_calendar(one, calendars[span], name))
    return found


def _known(
    X: pd.DataFrame, histories: Histories, steps_NS: npt.NDArray[np.int64] | None, horizon: int
) -> Iterator[pd.DataFrame]:
    """Rows of X for each series, from its first point to the last step asked for."""
    keys, members = split(X)
    if histories.keys is None or keys is None:
        index_N = np.zeros(len(histories.members), dtype=np.int64)
    else:
        index_N = keys.get_indexer(histories.keys)
    columns = ", ".join(map(repr, X.columns))
    for i, (name, member, index) in enumerate(
        zip(histories.names, histories.members, index_N, strict=True)
    ):
        if index < 0:
            raise ValueError(f"X has no rows of {name}: give its {columns}")
        times_T, values_TX = members[index]
        wanted = member.times_T
        if steps_NS is not None:
            ahead = after(wanted, horizon, histories.frequency)
            asked = ahead[steps_NS[i] - 1]
            absent = steps_NS[i][times_T.get_indexer(asked) < 0]
            if absent.size:
                steps = ", ".join(map(str, absent[:5])) + (", …" if absent.size > 5 else "")
                raise ValueError(
                    f"X has no rows with {columns} for the steps {steps} after {name}, which are "
                    f"{ahead[absent[0] - 1]} and later: predict needs X at all steps of fh"
                )
            wanted = wanted.append(ahead)
        at_T = times_T.get_indexer(wanted)
        if (at_T[: len(member.times_T)] < 0).all():
            raise ValueError(
                f"X has no rows of the past of {name}: give its {columns} to fit too, as what "
                "covariates do is learnt there"
            )
        known = np.where(at_T[:, None] < 0, np.nan, values_TX[at_T])
        filled = pd.DataFrame(known, columns=X.columns).notna()
        points = len(member.times_T)
        missing = filled[:points].any() & ~filled[points:].any()
        unknown = [*missing.index[missing]]
        if horizon and unknown:
            raise ValueError(
                f"{name} has no future values of {', '.join(map(repr, unknown))} in X, only NaN: "
                "give them to predict, or leave these columns out of X in fit and predict"
            )
        yield pd.DataFrame(known, columns=X.columns)
