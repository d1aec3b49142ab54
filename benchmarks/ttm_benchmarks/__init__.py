"""Benchmarks: what measures the models of this repository."""
