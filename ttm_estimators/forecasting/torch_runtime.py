"""A network run by torch, on any device.

Shape suffixes: B batch, T time, C channels, H horizon, X covariates known in the future, K static
covariates.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import torch

from ttm_estimators.forecasting.runtime import Floats
from ttm_estimators.inputs.arrays import Mask
from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.resolution import unknown_resolution


class TorchRuntime:
    """A :class:`~ttm_estimators.forecasting.runtime.Runtime` of a network.

    Parameters
    ----------
    network : TinyTimeMixer
        Trained network. It is put in evaluation mode and moved to ``device``.
    device : str, default "cpu"
        Any torch device.
    """

    def __init__(self, network: TinyTimeMixer, device: str | torch.device = "cpu") -> None:
        self.network = network.eval().to(device)
        self.device = torch.device(device)

    @property
    def config(self) -> TTMConfig:
        """Configuration of the network."""
        return self.network.config

    @property
    def threads(self) -> int | None:
        """Threads that torch takes on a processor."""
        return torch.get_num_threads() if self.device.type == "cpu" else None

    @property
    def weights_sha256(self) -> str:
        """Of their names and values, as they are now."""
        digest = hashlib.sha256()
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @torch.inference_mode()
    def __call__(
        self,
        past_BTC: Floats,
        observed_BTC: Mask,
        horizon: int,
        *,
        future_BHX: Floats | None = None,
        static_BK: npt.NDArray[np.int64] | None = None,
    ) -> Floats:
        """Forecast, see :class:`~ttm_estimators.forecasting.runtime.Runtime`."""
        past = torch.from_numpy(past_BTC).to(self.device)
        quantiles = self.network(
            past,
            torch.from_numpy(observed_BTC).to(self.device),
            horizon=horizon,
            future_BHX=None if future_BHX is None else torch.from_numpy(future_BHX).to(self.device),
            resolution_B=unknown_resolution(self.config, past),
            static_BK=None if static_BK is None else torch.from_numpy(static_BK).to(self.device),
        )
        values: Floats = quantiles.cpu().numpy()
        return values
