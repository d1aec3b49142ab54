"""Forecasts of a folder of Parquet files on worker processes: speed, memory, killed workers."""
