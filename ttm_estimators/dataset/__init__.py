"""Forecasts and backtests of a folder of Parquet files that does not fit into memory."""
