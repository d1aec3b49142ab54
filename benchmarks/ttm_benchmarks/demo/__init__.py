"""The demo: a rolling backtest on real series that installed libraries bring along."""
