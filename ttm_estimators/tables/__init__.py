"""Tables of series: files and DataFrames, their columns, dates and frequencies."""

from ttm_estimators.tables.errors import TableError, TableWarning

__all__ = ["TableError", "TableWarning"]
