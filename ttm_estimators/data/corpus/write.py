"""Writing series to a corpus folder: GluonTS entries, Hugging Face rows, or any like them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ttm_estimators.atomic import replacing
from ttm_estimators.data.corpus.deny_list import refuse

_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("freq", pa.string()),
        ("start", pa.timestamp("us")),
        ("target", pa.list_(pa.float32())),
        ("source", pa.string()),
    ]
)

_ROWS = 256
"""Rows in memory at a time."""


def write_corpus(entries: Iterable[Mapping[str, Any]], folder: str | Path, source: str) -> Path:
    """Write series as one source of a corpus, for ``Corpus.read``.

    Parameters
    ----------
    entries : iterable of mapping
        As GluonTS and Hugging Face datasets give them: ``target`` of shape (time,) or (variates,
        time), where variates become series of their own, and maybe ``item_id``, ``start`` and
        ``freq``. They are read once, and few are held at a time.
    folder : str or Path
        Folder of the corpus, made where there is none.
    source : str
        Where they come from. The file is named after it.

    Returns
    -------
    Path
        The file. It replaces one of that name once it is complete.

    Raises
    ------
    ValueError
        When the source bears the name of a benchmark set, or there are no entries, or one has no
        usable target.
    """
    refuse(source)
    if not source or Path(source).name != source:
        raise ValueError(f"{source!r} can not be a file name: give the source a plain name")
    file = Path(folder) / f"{source}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as partial:
        rows = _rows(entries, source)
        with pq.ParquetWriter(partial, _SCHEMA, compression="zstd") as writer:
            written = 0
            while batch := list(islice(rows, _ROWS)):
                writer.write_table(pa.Table.from_pylist(batch, _SCHEMA))
                written += len(batch)
        if not written:
            raise ValueError(f"{source!r} has no series")
    return file


def _rows(entries: Iterable[Mapping[str, Any]], source: str) -> Iterator[dict[str, Any]]:
    for i, entry in enumerate(entries):
        item = entry.get("item_id")
        name = str(i if item is None else item)
        try:
            target = np.asarray(entry["target"], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{name!r} of {source!r} has no 'target' that is an array of numbers"
            ) from error
        if target.ndim not in (1, 2):
            raise ValueError(
                f"'target' of {name!r} of {source!r} has shape {target.shape}: give (time,) or "
                "(variates, time)"
            )
        start, freq = entry.get("start"), entry.get("freq")
        if isinstance(start, pd.Period):
            freq = freq or start.freqstr
            start = start.to_timestamp()
        shared = {"freq": freq, "start": _to_datetime(start), "source": source}
        if target.ndim == 1:
            yield {"item_id": name, "target": target, **shared}
            continue
        for j, variate in enumerate(target):
            yield {"item_id": f"{name}/{j}", "target": variate, **shared}


def _to_datetime(start: Any) -> datetime | None:
    """Wall clock time, in microseconds: nanoseconds would end in 1677."""
    time = pd.Timestamp(np.asarray(start).item())  # Hugging Face has arrays of one, if told so
    return None if pd.isna(time) else time.tz_localize(None).to_pydatetime(warn=False)
