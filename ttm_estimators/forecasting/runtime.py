"""What runs a network: torch, or onnxruntime where torch is not installed.

A forecaster prepares arrays, asks a runtime for quantiles on their scale, and does the rest itself,
so that both give the same forecasts.

Shape suffixes: B batch, T time, C channels, V target channels, H horizon, Q quantile levels, X
covariates known in the future, K static covariates.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal, Protocol, runtime_checkable

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

    @property
    def weights_sha256(self) -> str:
        """What tells its weights from others that it may run, as a hexadecimal number."""

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


MODULES = {"torch": "torch", "onnx": "onnxruntime"}
"""What each runtime imports, the preferred one first."""


def check_runtime(wanted: str | None) -> Literal["torch", "onnx"]:
    """Name the runtime to use: the one that is wanted, or the first that is installed.

    Raises
    ------
    ImportError
        When it is not installed, or none is.
    ValueError
        When it is unknown.
    """
    if wanted is not None and wanted not in MODULES:
        raise ValueError(f"runtime {wanted!r} is unknown: give one of {', '.join(MODULES)}")
    for name in ("torch", "onnx") if wanted is None else (wanted,):
        if find_spec(MODULES[name]) is not None:
            return name
    if wanted is not None:
        raise ImportError(
            f"{MODULES[wanted]} is not installed: pip install 'ttm-estimators[{wanted}]'"
        )
    raise ImportError(
        "neither torch nor onnxruntime is installed: pip install 'ttm-estimators[torch]', or "
        "pip install 'ttm-estimators[onnx]' to forecast without torch"
    )
