"""Cycles of a history: found, continued by seasonal naive forecasts, and used by the patch head."""
