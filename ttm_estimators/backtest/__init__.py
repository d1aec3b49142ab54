"""Rolling backtests on a table of one's own: forecasts, scores, a comparison and a report."""
