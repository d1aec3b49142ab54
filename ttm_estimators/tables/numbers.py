"""Cells as numbers: decimal commas, thousands, percent and currency signs, marks for missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ttm_estimators.tables.errors import TableError

Array = npt.NDArray[np.float64]

MISSING = frozenset(
    [
        *("", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "*", r"\n"),
        *("n/a", "na", "n.a.", "n/k", "nk", "nil", "none", "null", "(null)", "nan", "nat", "<na>"),
        *("missing", "unknown", "#n/a", "#value!", "#div/0!", "#ref!", "#null!"),
    ]
)
"""Texts that stand for a missing value, in small letters."""

UNIT_SIGNS = "%$€£¥₹₽₩₺₴₿¢"
"""Signs that may stand before or behind all numbers of a column."""

MONEY_SIGNS = UNIT_SIGNS.replace("%", "") + " \t\u00a0\u202f"
"""Those of currencies, and blanks between them and numbers."""

GROUPS = re.compile(r"[-+]?\d{1,3}([\s\u00a0\u202f\u2009']\d{3})+([.,]\d+)?")
"""A number with blanks or apostrophes between its thousands."""

BLANKS = re.compile(r"[\s\u00a0\u202f\u2009']")
"""Thousands separators beside commas and dots."""

NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(e[-+]?\d+)?", re.IGNORECASE)
"""A number with any signs."""

DOUBTFUL = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")
"""A number with a dot that may part thousands or be a decimal sign."""

BELOW_A_THOUSAND = re.compile(r"[-+]?\d{1,3}")
"""What has no dot where dots part thousands."""


@dataclass(frozen=True)
class Numbers:
    """A column as numbers."""

    values: Array
    """NaN where missing or no number."""

    wrong: npt.NDArray[np.int64]
    """Rows that are no numbers."""

    notes: tuple[str, ...] = ()
    """Assumptions, for a message."""

    doubt: str = ""
    """Text that can be read as two numbers."""

    @property
    def count(self) -> int:
        """Cells that are numbers."""
        return int((~np.isnan(self.values)).sum())


def read_numbers(
    column: pd.Series[Any], decimal: str | None = None, thousands: str | None = None
) -> Numbers:
    """Read a column.

    Parameters
    ----------
    column : Series
        Numbers of any type, or text.
    decimal, thousands : str, optional
        Signs. Default: what the cells tell, if they leave no doubt.
    """
    if types.is_complex_dtype(column):
        return Numbers(np.full(len(column), np.nan), np.arange(len(column)))
    if types.is_numeric_dtype(column):
        return Numbers(column.to_numpy(dtype=np.float64, na_value=np.nan), np.arange(0))
    codes, distinct = _factorized(column)
    given = decimal is not None or thousands is not None
    values = np.array([np.nan if given else _plain(one) for one in distinct], dtype=np.float64)
    missing = np.array([str(one).strip().lower() in MISSING for one in distinct], dtype=bool)
    notes, doubt = [], ""
    marks = [str(one) for one, gone in zip(distinct, missing, strict=True) if gone]
    marks = [mark for mark in marks if mark.strip()]
    if marks:
        notes.append(f"{' and '.join(map(repr, marks[:3]))} as missing")
    unread = np.flatnonzero(np.isnan(values) & ~missing)
    if unread.size:
        everything = np.flatnonzero(~missing)
        texts = [str(distinct[i]) for i in everything]
        read, how, doubt = _read_text(texts, decimal, thousands)
        if not doubt and np.isfinite(read).sum() > np.isfinite(values).sum():
            values[everything] = read
            notes += how
    bad = np.isnan(values) & ~missing
    known = codes >= 0
    every = np.full(len(column), np.nan)
    every[known] = values[codes[known]]
    wrong = np.zeros(len(column), dtype=bool)
    wrong[known] = bad[codes[known]]
    return Numbers(every, np.flatnonzero(wrong), tuple(notes), doubt)


def check_numbers(column: pd.Series[Any], numbers: Numbers, remedy: str = "") -> Array:
    """Give the values of a column that has to be numeric, or say the remedy where it is text.

    Raises
    ------
    TableError
        When a cell is no number, or may be two.
    """
    if numbers.doubt:
        raise TableError(
            f"column {column.name!r} is not numeric as it stands: {numbers.doubt!r} may have a "
            "decimal sign or a sign that parts thousands",
            "say which with decimal= or thousands=",
        )
    if numbers.wrong.size:
        raise not_numeric(column, int(numbers.wrong[0]), remedy)
    return numbers.values


def not_numeric(column: pd.Series[Any], row: int, remedy: str, of: str = "") -> TableError:
    """Say which cell of a column, and ``of`` what file, is no number."""
    cell = column.iloc[row]
    if NUMBER.fullmatch(str(cell).strip()):
        remedy = "write all numbers of the column with the same signs"
    return TableError(
        f"column {column.name!r}{of} is not numeric: {str(cell)!r} in row {row + 1}",
        remedy.format(column=column.name, cell=cell),
    )


def is_number(text: str) -> bool:
    """Whether a text is a number as it stands."""
    return not pd.isna(pd.to_numeric(text, errors="coerce"))


def doubtful_dots(column: pd.Series[Any]) -> str | None:
    """The first text such as 1.010 € of a column whose dots may all part thousands.

    They are decimal signs where a cell has another number of digits behind its dot, or before it
    a 0, or four digits and more without a dot. Percentages are not counted by thousands.
    """
    doubt = None
    for cell in _factorized(column)[1]:
        text = cell.strip(MONEY_SIGNS).replace("\u2212", "-") if isinstance(cell, str) else ""
        if not NUMBER.fullmatch(text.removesuffix("%").rstrip()):
            continue
        if DOUBTFUL.fullmatch(text):
            doubt = doubt or cell.strip()
        elif not BELOW_A_THOUSAND.fullmatch(text):
            return None
    return doubt


def _factorized(column: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], list[Any]]:
    """Codes of the cells and their distinct values; cells of lists are told apart as text."""
    column = column.astype(object)
    try:
        codes, distinct = pd.factorize(column)
    except TypeError:
        codes, distinct = pd.factorize(column.astype(str))
    return codes, list(distinct)


def _plain(cell: Any) -> float:
    """A cell as Python reads it, NaN where it does not."""
    if isinstance(cell, (bytes, bool, np.bool_)):
        return float("nan")
    try:
        return float(cell) if "_" not in str(cell) else float("nan")
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _read_text(
    texts: list[str], decimal: str | None, thousands: str | None
) -> tuple[Array, list[str], str]:
    """Numbers, notes on how they were read, and a text that can be read as two numbers."""
    notes = []
    texts = [text.strip().replace("\u2212", "-") for text in texts]
    for sign in UNIT_SIGNS:
        if sum(sign in text for text in texts) > len(texts) // 2:
            texts = [text.replace(sign, "", 1).strip() for text in texts]
            notes.append(f"numbers without {sign}")
    if any(GROUPS.fullmatch(text) for text in texts):
        texts = [BLANKS.sub("", text) if GROUPS.fullmatch(text) else text for text in texts]
        notes.append("blanks or apostrophes between thousands")
    numeric = [text for text in texts if NUMBER.fullmatch(text)]
    if decimal is None and thousands is None:
        found = _signs(numeric)
        if found is None:
            return np.full(len(texts), np.nan), [], next(text for text in numeric if "," in text)
        decimal, thousands = found
    else:
        decimal = decimal or ("," if thousands == "." else ".")
        # Where only the decimal sign is given, the other one may part thousands.
        thousands = thousands or {",": ".", ".": ","}.get(decimal, "")
    signs = [sign for sign in (decimal, thousands) if sign and (sign != "." or thousands == ".")]
    if any(sign in text for text in numeric for sign in signs):
        parted = f" and {thousands!r} between thousands" if thousands else ""
        notes.append(f"{decimal!r} as the decimal sign{parted}")
    return np.array([_number(text, decimal, thousands) for text in texts]), notes, ""


def _signs(texts: list[str]) -> tuple[str, str] | None:
    """Decimal sign and thousands separator, or None where both readings are possible."""
    both = [text for text in texts if "," in text and "." in text]
    if both:
        comma = both[0].rindex(",") > both[0].rindex(".")
        return (",", ".") if comma else (".", ",")
    commas = [text for text in texts if "," in text]
    if commas:
        if any(text.count(",") > 1 for text in commas):
            return ".", ","
        grouped = all(re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", text) for text in commas)
        return None if grouped else (",", "")
    if any(text.count(".") > 1 for text in texts):
        return ",", "."
    return ".", ""


def _number(text: str, decimal: str, thousands: str) -> float:
    if thousands:
        whole, _, rest = text.lstrip("+-").partition(decimal)
        if thousands in rest:
            return float("nan")
        groups = whole.split(thousands)
        if len(groups) > 1 and (
            not 1 <= len(groups[0]) <= 3 or any(len(g) != 3 for g in groups[1:])
        ):
            return float("nan")
        text = text.replace(thousands, "")
    elif decimal != "." and "." in text:
        return float("nan")
    return _plain(text.replace(decimal, "."))
