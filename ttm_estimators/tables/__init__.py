"""Tables of series: files and DataFrames, their columns, dates and frequencies."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ttm_estimators.tables.errors import TableError, TableWarning

if TYPE_CHECKING:
    from ttm_estimators.tables.dataframes import fine_tune_df, forecast_df

__all__ = ["TableError", "TableWarning", "fine_tune_df", "forecast_df"]


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use, so that the command line starts without it."""
    if name not in ("fine_tune_df", "forecast_df"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.dataframes"), name)
