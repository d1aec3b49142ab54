"""Tiny networks of every kind, and inputs for them."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ttm_estimators import TinyTimeMixer, TTMConfig

PLAIN = TTMConfig(
    context_length=36,
    horizon=10,
    patch_length=8,
    hidden_size=16,
    adaptive_patching_levels=2,
    blocks_per_level=1,
    decoder_hidden_size=12,
    decoder_blocks=1,
)
MIXING = replace(PLAIN, channels=4, mix_channels=True)
EXOGENOUS = replace(
    MIXING,
    target_channels=(2, 0),
    covariate_channels=(1,),
    exogenous_mixing=True,
    exogenous_context=2,
)
OURS = replace(
    PLAIN,
    gate="sigmoid",
    scales=(1, 2, 4),
    patch_length=3,
    mask_input=True,
    head="patch",
    shortcut=True,
    seasons=True,
    output_patch_length=4,
    quantile_levels=(0.1, 0.3, 0.5, 0.9),
)


@pytest.fixture
def config():
    """A network that is shown cycles and simple forecasts of 128 points."""
    return TTMConfig(
        context_length=128,
        horizon=20,
        patch_length=16,
        hidden_size=16,
        decoder_hidden_size=8,
        output_patch_length=8,
        head="patch",
        seasons=True,
        quantile_levels=(0.1, 0.5, 0.9),
    )


GEOMETRIES = {
    "plain": PLAIN,
    "resolution": replace(PLAIN, resolutions=3),
    "mixing": MIXING,
    "static": replace(MIXING, static_cardinalities=(3, 2)),
    "exogenous": EXOGENOUS,
    "exogenous mixer": replace(EXOGENOUS, exogenous_blocks=1),
    "exogenous quantiles": replace(EXOGENOUS, quantile_levels=(0.1, 0.5, 0.8)),
    "exogenous published": replace(EXOGENOUS, exogenous_scaling="published"),
    "flat quantiles": replace(PLAIN, quantile_levels=(0.2, 0.5, 0.8)),
    "ours": OURS,
}


def make_network(config: TTMConfig, seed: int = 0) -> TinyTimeMixer:
    torch.manual_seed(seed)
    return TinyTimeMixer(config).eval()


def make_inputs(config: TTMConfig, batch: int = 3, seed: int = 0) -> dict[str, Any]:
    """Complete histories on varied scales, and whatever else the network takes."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    channels = config.channels if config.tied_channels else 2
    past = normal(batch, config.context_length, channels)
    inputs = {"past_BTC": 3 * normal(batch, 1, channels) + 2 * past}
    if config.covariate_channels:
        inputs["future_BHX"] = normal(batch, config.horizon, len(config.covariate_channels))
    if config.resolutions:
        inputs["resolution_B"] = torch.arange(batch) % config.resolutions
    if config.static_cardinalities:
        inputs["static_BK"] = torch.stack(
            [torch.arange(batch) % n for n in config.static_cardinalities], dim=1
        )
    return inputs
