"""Fields of a GluonTS data entry in the form that the core takes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from gluonts.dataset.field_names import FieldName
from pandas import offsets
from pandas.tseries.frequencies import to_offset

from ttm_estimators import Covariates

Entry = Mapping[str, Any]

COVARIATES = (
    FieldName.FEAT_STATIC_CAT,
    FieldName.FEAT_STATIC_REAL,
    FieldName.FEAT_DYNAMIC_CAT,
    FieldName.FEAT_DYNAMIC_REAL,
    FieldName.PAST_FEAT_DYNAMIC_CAT,
    FieldName.PAST_FEAT_DYNAMIC_REAL,
    FieldName.FEAT_DYNAMIC_REAL_LEGACY,
)
"""Fields that may hold covariates."""

ROLES = (
    FieldName.FEAT_DYNAMIC_REAL,
    FieldName.PAST_FEAT_DYNAMIC_REAL,
    FieldName.FEAT_STATIC_CAT,
)
"""Fields that the core uses: known in the future, in the past only, and categories."""


def series_of(entry: Entry) -> npt.NDArray[Any]:
    """Target of shape (time,), or (time, variates) where GluonTS has (variates, time)."""
    return np.asarray(entry[FieldName.TARGET]).T


def covariates_of(entry: Entry, used: Sequence[str] = ROLES) -> Covariates:
    """Covariates of an entry, those of ``used``."""
    known, past, static = (entry.get(name, ()) if name in used else () for name in ROLES)
    return Covariates(
        known=np.asarray(known).T if np.size(known) else None,
        past=np.asarray(past).T if np.size(past) else None,
        static=[*np.asarray(static)],
    )


def start_of(entry: Entry) -> pd.Period:
    """First period of the target.

    Raises
    ------
    ValueError
        When the start is a date and the entry has no "freq" to make it a period, or one that
        periods can not have.
    """
    start = entry[FieldName.START]
    if isinstance(start, pd.Period):
        return start
    if "freq" not in entry:
        raise ValueError(
            f"{name_of(entry)} starts at a {type(start).__name__}, not a pandas.Period: wrap the "
            "data in a ListDataset or PandasDataset with freq, or add a freq to each entry"
        )
    # Entries as stored on disk: a date, and an offset's name such as "ME" where periods have "M".
    try:
        return pd.Timestamp(np.asarray(start).item()).to_period(_period_offset(entry["freq"]))
    except ValueError as error:
        raise ValueError(
            f"{name_of(entry)} has the freq {entry['freq']!r} or a start that make no period: "
            f"{error}"
        ) from error


@lru_cache(maxsize=256)
def _period_offset(alias: str) -> Any:
    """Offset of an alias in any spelling, with whole spans for their first or business days."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # much data spells hours "H", pandas "h"
        offset = to_offset(alias)
    if isinstance(offset, (offsets.MonthBegin, offsets.BMonthBegin, offsets.BMonthEnd)):
        return offsets.MonthEnd(offset.n)
    if isinstance(offset, offsets.BQuarterEnd):
        return offsets.QuarterEnd(offset.n, startingMonth=offset.kwds["startingMonth"])
    if isinstance(offset, offsets.BYearEnd):
        return offsets.YearEnd(offset.n, month=offset.kwds["month"])
    if isinstance(offset, (offsets.QuarterBegin, offsets.BQuarterBegin)):
        return offsets.QuarterEnd(
            offset.n, startingMonth=10 + (offset.kwds["startingMonth"] + 1) % 3
        )
    if isinstance(offset, (offsets.YearBegin, offsets.BYearBegin)):
        return offsets.YearEnd(offset.n, month=12 - (13 - offset.kwds["month"]) % 12)
    return offset


def name_of(entry: Entry, position: int | None = None) -> str:
    """Name of an entry in messages."""
    if entry.get(FieldName.ITEM_ID) is not None:
        return f"item '{entry[FieldName.ITEM_ID]}'"
    return "an entry" if position is None else f"entry {position}"


def warn_of_covariates(entries: Iterable[Entry], known: set[str]) -> Iterator[Entry]:
    """Pass entries on, and warn once of each kind of covariate but those in ``known``.

    It is added to these.
    """
    for entry in entries:
        found = [name for name in COVARIATES if name in entry and name not in known]
        found = [name for name in found if np.size(entry[name])]
        if found:
            known.update(found)
            tuned = [name for name in found if name in ROLES]
            why = ": TTMEstimator fine-tunes a model that uses them" if tuned == found else ""
            warnings.warn(
                f"{', '.join(found)}: covariates in the data are not used{why}", stacklevel=3
            )
        yield entry


def fill_unobserved(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Pass entries on, with zeros for variates that have no observed value at all.

    GluonTS's own imputation takes zeros there too, and one empty series should not end the
    evaluation of thousands. A warning names the first.
    """
    warned = False
    for position, entry in enumerate(entries):
        target = np.asarray(entry[FieldName.TARGET])
        missing = np.isnan(target) if target.size and target.dtype.kind == "f" else np.False_
        unobserved = np.all(missing, axis=-1, keepdims=True)
        if unobserved.any():
            entry = {**entry, FieldName.TARGET: np.where(unobserved, 0.0, target)}
            if not warned:
                name = name_of(entry, position)
                warnings.warn(f"{name} is all missing: it is forecast as zeros", stacklevel=3)
                warned = True
        yield entry


def batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    """Neighbours with one number of variates, of ``size`` series times variates at most.

    An entry with more variates than that is a batch of its own.
    """
    batch: list[Entry] = []
    variates: tuple[int, ...] = ()
    for entry in entries:
        found = np.shape(entry[FieldName.TARGET])[:-1]
        rows = int(np.prod(found))
        if batch and (found != variates or (len(batch) + 1) * rows > size):
            yield batch
            batch = []
        variates = found
        batch.append(entry)
    if batch:
        yield batch
