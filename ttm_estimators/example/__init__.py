"""Example data of our own making: sales of three shops, and what is known ahead."""

from __future__ import annotations

from pathlib import Path

FILES = tuple(Path(__file__).with_name(name) for name in ("sales.csv", "sales_future.csv"))
"""Histories, and the covariates of the days after them. ``make_sales`` makes both."""
