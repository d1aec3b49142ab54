"""TabPFN-TS with the interfaces of TinyTimeMixers: a GluonTS predictor and an sktime forecaster.

Everything runs on this machine, and nothing is sent or fetched, unless it is asked for by name.

>>> from ttm_tabpfn import TabPFNPredictor, TabPFNForecaster
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import public

if TYPE_CHECKING:
    from ttm_tabpfn.checkpoint import TabPFNError
    from ttm_tabpfn.forecaster import TabPFNForecaster
    from ttm_tabpfn.predictor import TabPFNPredictor

__all__ = ["TabPFNError", "TabPFNForecaster", "TabPFNPredictor"]

# Before TabPFN is imported, here and in its workers. Who sets them otherwise is heard.
os.environ.setdefault("TABPFN_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TABPFN_MODEL_CACHE_SIZE", "1")  # else weights are read for each series

_HOMES = {
    "TabPFNError": "checkpoint",
    "TabPFNForecaster": "forecaster",
    "TabPFNPredictor": "predictor",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that GluonTS does without sktime and the reverse."""
    return public(__name__, _HOMES, name, "tabpfn")
