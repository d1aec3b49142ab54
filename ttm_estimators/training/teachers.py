"""Trained networks that a new one learns from, beside what came: distillation.

Their mean forecast is better than that of any of them, and has no chance in it, where what came has
(Hinton, Vinyals and Dean, arXiv 1503.02531; the mean of quantiles is ours).

Shape suffixes: B batch, H horizon, V target channels, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.network.prepared import Prepared
from ttm_estimators.training.loss import TARGET_BOUND
from ttm_estimators.weights import load_network, resolve

SAME_INPUT = (
    "context_length",
    "horizon",
    "patch_length",
    "scales",
    "mask_input",
    "seasons",
    "seasons_length",
    "output_patch_length",
)
"""Fields of a configuration that say how a history is prepared."""


class Teachers:
    """Networks whose quantiles are averaged.

    Parameters
    ----------
    models : sequence of str or Path
        Shipped models or weights folders, at least one.
    config : TTMConfig
        The network that learns from them.
    device : torch.device
        Where they forecast.
    compiled : bool
        Whether they are compiled.

    Raises
    ------
    ValueError
        When one of them is prepared for in another way than the network, has a resolution prefix,
        or has quantile levels that the network or another teacher lacks.
    """

    def __init__(
        self,
        models: Sequence[str | Path],
        config: TTMConfig,
        *,
        device: torch.device,
        compiled: bool = False,
    ) -> None:
        self.networks = [load_network(resolve(model)).eval() for model in models]
        self.levels = self.networks[0].config.quantile_levels
        for model, network in zip(models, self.networks, strict=True):
            self._check(model, network.config, config)
            network.requires_grad_(False).to(device)
        self.device = device
        self.forecast = torch.compile(_forecast) if compiled else _forecast

    @torch.no_grad()
    def mean(self, prepared: Prepared, horizon: int) -> Tensor:
        """Mean of their quantiles of prepared windows, shape (B, H, V, Q).

        In float16, which a GPU is fast at and bfloat16 is eight times as coarse as.
        """
        with torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda"):
            forecasts = [self.forecast(network, prepared, horizon) for network in self.networks]
        mean_BHVQ = torch.stack(forecasts).float().mean(dim=0)
        return mean_BHVQ.nan_to_num(0.0).clamp(-TARGET_BOUND, TARGET_BOUND).half()

    def _check(self, model: str | Path, found: TTMConfig, config: TTMConfig) -> None:
        differ = [name for name in SAME_INPUT if getattr(found, name) != getattr(config, name)]
        if differ:
            raise ValueError(
                f"{model} can not teach this network, from which it differs in {', '.join(differ)}"
            )
        if found.resolutions:
            raise ValueError(f"{model} can not teach: it has a resolution prefix")
        if found.quantile_levels != self.levels or not set(self.levels) <= set(
            config.quantile_levels
        ):
            raise ValueError(
                f"{model} can not teach: its quantile levels {found.quantile_levels} must be those "
                f"of the other teachers, and be among those of the network, "
                f"{config.quantile_levels}"
            )


def _forecast(network: TinyTimeMixer, prepared: Prepared, horizon: int) -> Tensor:
    return network.forecast_prepared(prepared, horizon=horizon)
