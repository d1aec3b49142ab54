"""What the long-horizon protocol fixes: datasets, borders and horizons."""

from __future__ import annotations

from typing import NamedTuple

HORIZONS = (96, 192, 336, 720)

DATASETS = {
    "ETTh1": ("ETTh1",),
    "ETTh2": ("ETTh2",),
    "ETTm1": ("ETTm1",),
    "ETTm2": ("ETTm2",),
    "Weather": ("Weather", "weather"),
    "Electricity": ("Electricity", "electricity"),
    "Traffic": ("Traffic", "traffic"),
    "Exchange": ("Exchange", "exchange_rate"),
}
"""Each dataset's file names, without suffix."""

_MONTH = {"ETTh": 30 * 24, "ETTm": 30 * 24 * 4}


class Borders(NamedTuple):
    """Rows of the training part, from 0, and of the test part."""

    train_end: int
    test_start: int
    test_end: int


def borders(dataset: str, rows: int) -> Borders:
    """Split a dataset in training, validation and test.

    ETT has 12, 4 and 4 months of 30 days, and what follows is not used. The others have 70 %, 10 %
    and 20 % of their rows.

    Raises
    ------
    ValueError
        When ETT has fewer rows than 20 months.
    """
    month = _MONTH.get(dataset[:4])
    if month is None:
        return Borders(int(0.7 * rows), rows - int(0.2 * rows), rows)
    if rows < 20 * month:
        raise ValueError(f"{dataset} has {rows} rows, but its borders need {20 * month}")
    return Borders(12 * month, 16 * month, 20 * month)
