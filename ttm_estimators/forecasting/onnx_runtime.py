"""A network run by onnxruntime, without torch, on a processor.

Shape suffixes: B batch, T time, C channels, H horizon, Q quantile levels, X covariates known in the
future, K static covariates.
"""

from __future__ import annotations

import json
import os
from ctypes import py_object, pythonapi
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as parse_safetensors

from ttm_estimators.forecasting.runtime import Floats
from ttm_estimators.inputs.aggregation import ForecastConfig
from ttm_estimators.inputs.arrays import Mask
from ttm_estimators.network.config import TTMConfig
from ttm_estimators.weights.folder import ONNX_PREFIX, WEIGHTS_FILE, WeightsError, sha256_of
from ttm_estimators.weights.seal import fault_of

ONLY_ERRORS = 3
"""Of what onnxruntime logs."""

REFERENCE = b"\x0a\x0cweights_file\x12\x11" + WEIGHTS_FILE.encode()
"""In the metadata of a file that refers to the weights beside it. They are read here, for
onnxruntime refuses links that leave the folder, as caches of downloads have them."""


class OnnxRuntime:
    """A :class:`~ttm_estimators.forecasting.runtime.Runtime` of a file that ``ttm export`` wrote.

    It takes as many threads as ``OMP_NUM_THREADS`` says, all processors by default, as torch does.

    Parameters
    ----------
    path : str or Path
        ONNX file.

    Raises
    ------
    ttm_estimators.WeightsError
        When the file is damaged or foreign, or refers to weights that are damaged.
    """

    device = "cpu"

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.threads = _threads()
        self._model = self.path.read_bytes()
        fault = fault_of(self._model)
        if fault is not None:
            raise WeightsError(f"{self.path} {fault}: write it with ttm export")
        self._weights = self._read_weights() if REFERENCE in self._model else {}
        self._open()
        facts = self._session.get_modelmeta().custom_metadata_map
        try:
            self.config = TTMConfig.from_json(facts["network"])
            factors = json.loads(facts["forecasting"])["aggregation_factors"]
            self.forecasting = ForecastConfig(tuple(factors))
            self.weights_sha256 = facts["weights_sha256"]
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"{self.path} has no valid configuration ({error}): write it with ttm export"
            ) from error

    def _read_weights(self) -> dict[str, npt.NDArray[Any]]:
        """Read the weights beside the file, by the names that they have in it."""
        path = self.path.with_name(WEIGHTS_FILE)
        if not path.is_file():
            raise WeightsError(
                f"there is no {path}, to which {self.path.name} refers: put the weights there, or "
                "write a file that holds them with ttm export"
            )
        data = path.read_bytes()
        if sha256_of(data).encode() not in self._model:  # it is in the metadata
            raise WeightsError(
                f"{path} are not the weights that {self.path.name} was made for, or are damaged: "
                "restore the folder, or write it anew with ttm export"
            )
        return {ONNX_PREFIX + name: values for name, values in parse_safetensors(data).items()}

    def _open(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = ONLY_ERRORS
        # Rewriting the graph takes half a second, and forecasts are no faster for it.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Threads that spin while they wait take the time of other programs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            options.add_external_initializers(
                [*self._weights],
                [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in self._weights.values()],
            )
            self._session = onnxruntime.InferenceSession(
                self._model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has many classes, without a common one
            raise WeightsError(
                f"{self.path} can not be read by onnxruntime ({error}): write it with ttm export"
            ) from error
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def __call__(
        self,
        past_BTC: Floats,
        observed_BTC: Mask,
        horizon: int,
        *,
        future_BHX: Floats | None = None,
        static_BK: npt.NDArray[np.int64] | None = None,
    ) -> Floats:
        """Forecast, see :class:`~ttm_estimators.forecasting.runtime.Runtime`.

        An exported network takes no covariates, so there are none.
        """
        if self._process != os.getpid():  # a fork has none of the threads of its parent
            _never_end(self._session)
            self.threads = 1
            self._open()
        (quantiles_BHQ,) = self._session.run(
            ["quantiles"],
            {
                "past": past_BTC[..., 0],
                "observed": observed_BTC[..., 0],
                "horizon": np.asarray(horizon, dtype=np.int64),
            },
        )
        values: Floats = quantiles_BHQ[:, :, None]
        return values


def _never_end(session: Any) -> None:
    """Keep a session that a fork has from its parent: its end waits for threads of the parent."""
    pythonapi.Py_IncRef(py_object(session))


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
