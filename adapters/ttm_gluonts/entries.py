"""Fields of a GluonTS data entry in the form that the core takes.

Shape suffixes: T time, X covariates known in the future (or in the past only).
"""

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
from ttm_estimators.regression import CovariateEffects

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

KNOWN, PAST, STATIC = ROLES = (
    FieldName.FEAT_DYNAMIC_REAL,
    FieldName.PAST_FEAT_DYNAMIC_REAL,
    FieldName.FEAT_STATIC_CAT,
)
"""Fields that the core uses: known in the future, in the past only, and categories."""


def series_of(entry: Entry) -> npt.NDArray[Any]:
    """Target of shape (time,), or (time, variates) where GluonTS has (variates, time)."""
    return np.asarray(entry[FieldName.TARGET]).T


def number_of(entry: Entry, field: str) -> int:
    """Covariates that an entry has in a field."""
    values = np.asarray(entry.get(field, ()))
    if not values.size:
        return 0
    return 1 if values.ndim < 2 and field != STATIC else len(values)


def covariates_of(entry: Entry, declared: Mapping[str, int], name: str) -> Covariates:
    """Covariates of an entry, as many as are declared of each field.

    Raises
    ------
    ValueError
        When the entry has another number. The message names the entry and the field.
    """
    for field, wanted in declared.items():
        found = number_of(entry, field)
        if wanted and found != wanted:
            raise ValueError(
                f"{name} has {found} covariates in {field}, but num_{field}={wanted} is declared: "
                "all items need as many as are declared"
            )
    known, past, static = (entry[field] if declared[field] else None for field in ROLES)
    return Covariates(
        known=None if known is None else _named(known, KNOWN),
        past=None if past is None else np.asarray(past).T,
        static=() if static is None else [*np.asarray(static)],
    )


def _named(values: Any, field: str) -> Any:
    """Covariates in columns that errors and effects call by field and row."""
    values_TX = np.asarray(values).T
    if values_TX.ndim > 2:
        return values_TX  # the core refuses it by the name of its item
    values_TX = values_TX.reshape(len(values_TX), -1)
    return pd.DataFrame(values_TX, columns=[f"{field}[{i}]" for i in range(values_TX.shape[1])])


def effects_of(effects: Sequence[CovariateEffects], target: npt.NDArray[Any]) -> Any:
    """Plain values of what covariates add to an item: a dict, or a list of one for each variate."""
    told = [
        {
            "names": [*one.names],
            "gain": float(one.gain),
            "windows": int(one.windows),
            "kept": bool(one.kept),
        }
        for one in effects
    ]
    return told if target.ndim > 1 else told[0]


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


def end_of(entry: Entry) -> pd.Period:
    """First period after the target."""
    end: pd.Period = start_of(entry) + np.shape(entry[FieldName.TARGET])[-1]
    return end


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


def undeclared(entry: Entry, told: Iterable[str]) -> list[str]:
    """Fields of an entry that hold covariates, but those in ``told``."""
    found = [field for field in COVARIATES if field in entry and field not in told]
    return [field for field in found if np.size(entry[field])]


def warn_of_undeclared(fields: Sequence[str], advice: Mapping[str, str], stacklevel: int) -> None:
    """Say that covariates are not used, and what to do by field."""
    ways = ", ".join(dict.fromkeys(advice[field] for field in fields if field in advice))
    warnings.warn(
        f"{', '.join(fields)}: covariates in the data are not used{ways and ': ' + ways}",
        stacklevel=stacklevel + 1,
    )


def warn_of_covariates(
    entries: Iterable[Entry], told: set[str], advice: Mapping[str, str]
) -> Iterator[Entry]:
    """Pass entries on, and warn once of each field with covariates but those in ``told``.

    It is added to these.
    """
    for entry in entries:
        found = undeclared(entry, told)
        if found:
            told.update(found)
            warn_of_undeclared(found, advice, 5)
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


def with_one_cutoff(entries: Sequence[Entry]) -> Iterable[list[int]]:
    """Positions of the entries that end together and have one number of variates."""
    groups: dict[Any, list[int]] = {}
    for position, entry in enumerate(entries):
        variates = np.shape(entry[FieldName.TARGET])[:-1]
        groups.setdefault((variates, end_of(entry)), []).append(position)
    return groups.values()
