"""Anomalies in a history: each point against the forecast from the points before it."""

from ttm_estimators.detection.detect import Detection, detect

__all__ = ["Detection", "detect"]
