"""What runs a network: torch, or onnxruntime where torch is not installed.

A forecaster prepares arrays, asks a runtime for quantiles on their scale, and does the rest itself,
so that both give the same forecasts.

Shape suffixes: B batch, T time, C channels, V target channels, H horizon, Q quantile levels, X
covariates known in the future, K static covariates.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ttm_estimators.inputs.arrays import Mask
from ttm_estimators.network.config import TTMConfig

Floats = npt.NDArray[np.float32]


@runtime_checkable
class Runtime(Protocol):
    """One pass through a network, arrays in and out."""

    @property
    def config(self) -> TTMConfig:
        """Configuration of the network."""

    @property
    def device(self) -> Any:
        """Where it runs; "cpu", as text, for a processor."""

    @property
    def threads(self) -> int | None:
        """Threads of the processor that it runs on, None where it runs elsewhere."""

    def __call__(
        self,
        past_BTC: Floats,
        observed_BTC: Mask,
        horizon: int,
        *,
        future_BHX: Floats | None = None,
        static_BK: npt.NDArray[np.int64] | None = None,
    ) -> Floats:
        """Forecast, shape (B, H, V, Q).

        Parameters
        ----------
        past_BTC, observed_BTC : array
            History and mask, T from ``context_length`` to ``input_length``.
        horizon : int
            Steps, from 1 to those of the network.
        future_BHX : array, optional
            Known covariates of these steps.
        static_BK : array, optional
            Categories of the static covariates.
        """
