"""X as covariates that are known in the future, found by the dates of each series.

Shape suffixes: N series, T time, S steps asked for, X covariates known in the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ttm_estimators import Covariates
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


def continued(X: pd.DataFrame | None, newer: pd.DataFrame | None) -> pd.DataFrame | None:
    """Put rows together. Newer ones replace old ones of the same date."""
    if X is None or newer is None:
        return newer if X is None else X
    both = pd.concat([X, newer])
    return both[~both.index.duplicated(keep="last")]


def covariates_of(
    X: pd.DataFrame,
    histories: Histories,
    steps_NS: npt.NDArray[np.int64] | None = None,
) -> list[Covariates]:
    """Covariates of every series, up to the last step asked for. A date without a row is missing.

    Raises
    ------
    ValueError
        When a series has no X, or a step that is asked for has none. The message names columns,
        steps and dates.
    """
    keys, members = split(X)
    if histories.keys is None or keys is None:
        index_N = np.zeros(len(histories.members), dtype=np.int64)
    else:
        index_N = keys.get_indexer(histories.keys)
    columns = ", ".join(map(repr, X.columns))
    covariates = []
    for i, (name, member, index) in enumerate(
        zip(histories.names, histories.members, index_N, strict=True)
    ):
        if index < 0:
            raise ValueError(f"X has no rows of {name}: give its {columns}")
        times_T, values_TX = members[index]
        wanted = member.times_T
        if steps_NS is not None:
            ahead = after(wanted, int(steps_NS.max()), histories.frequency)
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
        known = np.where(at_T[:, None] < 0, np.nan, values_TX[at_T])
        covariates.append(Covariates(known=pd.DataFrame(known, columns=X.columns)))
    return covariates
