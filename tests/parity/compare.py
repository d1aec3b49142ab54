"""Compare this network with the published code, geometry by geometry.

``make parity`` runs it in an environment of its own, which has the published code. For each
geometry the published model gets random weights and is saved; this package loads that folder, and
both forecast the same histories, in float64 and in float32. Exits with 1 where they differ.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers.utils.logging import disable_progress_bar
from tsfm_public.models.tinytimemixer import TinyTimeMixerConfig, TinyTimeMixerForPrediction

from ttm_estimators import PRESETS, TTMConfig, load_network
from ttm_estimators.network.presets import PUBLISHED
from ttm_estimators.weights.published import published_config

TOLERANCE = 1e-9
"""Largest difference of forecasts in float64, of which the largest are 25."""

ROUNDING = 4.0
"""How far float32 moves our forecasts from those in float64, in what it moves the published ones.
Both round the same sums, each in an order of its own, which differs by processor too."""

TINY = TTMConfig(
    context_length=40,
    horizon=12,
    patch_length=8,
    hidden_size=32,
    decoder_hidden_size=24,
)
MIXING = replace(TINY, channels=4, mix_channels=True)
EXOGENOUS = replace(
    MIXING,
    target_channels=(0, 2),
    covariate_channels=(1, 3),
    exogenous_mixing=True,
    exogenous_context=3,
    exogenous_scaling="published",
)

EDGES = {
    "plain backbone": replace(TINY, adaptive_patching_levels=0),
    "no gates": replace(TINY, gate="none"),
    "pieces of 4 features": replace(TINY, hidden_size=16),
    "pieces of 3, 6, 12, 24 features": replace(TINY, hidden_size=24, adaptive_patching_levels=4),
    "width that 4 does not divide": replace(TINY, hidden_size=14),
    "no adapter": replace(TINY, decoder_hidden_size=32),
    "one patch": replace(TINY, patch_length=32),
    "history of 5.5 patches": replace(TINY, context_length=44),
    "some targets": replace(TINY, channels=4, target_channels=(1, 3)),
    "mixed channels": MIXING,
    "static covariates": replace(MIXING, static_cardinalities=(5, 2)),
    "static covariates and resolution": replace(MIXING, static_cardinalities=(3,), resolutions=4),
    "exogenous": EXOGENOUS,
    "exogenous, wide mixer": replace(EXOGENOUS, exogenous_blocks=3, expansion=4),
    "exogenous, no gates": replace(EXOGENOUS, exogenous_blocks=1, gate="none"),
    "exogenous, no neighbours": replace(EXOGENOUS, exogenous_context=0),
    "exogenous, no covariates": replace(EXOGENOUS, target_channels=(), covariate_channels=()),
    "exogenous, everything": replace(
        EXOGENOUS,
        exogenous_blocks=2,
        resolutions=4,
        static_cardinalities=(5, 2),
        adaptive_patching_levels=2,
    ),
}
"""Geometries of which no preset is an example."""


def quieten() -> None:
    """Hide warnings and progress bars of the published code."""
    logging.disable(logging.WARNING)
    disable_progress_bar()


def published_model(config: TTMConfig, horizon: int, generator: torch.Generator) -> nn.Module:
    """Build the published model with weights so random that no term can hide."""
    settings = TinyTimeMixerConfig(
        **published_config(config),
        prediction_filter_length=None if horizon == config.horizon else horizon,
    )
    model = TinyTimeMixerForPrediction(settings)
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            noise = torch.randn(parameter.shape, generator=generator)
            if isinstance(module, nn.LayerNorm):
                noise = 0.3 * noise + (name == "weight")
            elif isinstance(module, nn.Linear) and name == "weight":
                noise *= 1.5 / parameter.shape[1] ** 0.5
            parameter.data = noise
    # Sharp gates need large weights; forecasts near 1 need a small last layer.
    model.head.base_forecast_block.weight.data *= 0.1
    model.head.base_forecast_block.bias.data *= 0.1
    if config.exogenous_mixing:
        model.head.fcm_block.mlp.weight.data *= 0.3
    return model.eval()


def random_inputs(config: TTMConfig, horizon: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw histories with missing points, and whatever else the network takes."""
    batch, channels = 6, config.channels if config.tied_channels else 3
    past = torch.randn(batch, config.context_length, channels, generator=generator)
    level = torch.randn(batch, 1, channels, generator=generator)
    observed = torch.rand(past.shape, generator=generator) < 0.8
    observed[0] = True
    observed[1, : config.context_length * 2 // 3] = False
    observed[2, :, 0] = False
    past = past * (1 + level.abs()) + 2 * level
    past[3] *= 0.003  # where the floor of the variance counts
    inputs = {"past_BTC": past * observed, "observed_BTC": observed}
    if config.covariate_channels:
        shape = (batch, horizon, len(config.covariate_channels))
        inputs["future_BHX"] = torch.randn(shape, generator=generator)
    if config.resolutions:
        inputs["resolution_B"] = torch.arange(batch) % config.resolutions
    if config.static_cardinalities:
        inputs["static_BK"] = torch.stack(
            [(torch.arange(batch) + k) % n for k, n in enumerate(config.static_cardinalities)], 1
        )
    return inputs


@torch.no_grad()
def published_forecast(model: nn.Module, config: TTMConfig, inputs: dict[str, Tensor]) -> Tensor:
    """Forecast with the published code, shape (batch, horizon, targets)."""
    future = None
    if config.covariate_channels:
        batch, horizon = inputs["future_BHX"].shape[:2]
        future = inputs["future_BHX"].new_zeros(batch, horizon, config.channels)
        future[..., list(config.covariate_channels)] = inputs["future_BHX"]
    forecast: Tensor = model(
        past_values=inputs["past_BTC"],
        past_observed_mask=inputs["observed_BTC"],
        future_values=future,
        freq_token=inputs.get("resolution_B"),
        static_categorical_values=inputs.get("static_BK"),
        return_loss=False,
    ).prediction_outputs
    return forecast.contiguous()


class Compared(NamedTuple):
    """The published model and ours, side by side."""

    published: int
    ours: int
    """Parameters."""

    difference: float
    """Largest difference of their forecasts in float64."""

    rounding: float
    """How far ours are moved by float32, in what the published ones are."""

    @property
    def close(self) -> bool:
        """Whether both forecast the same."""
        return self.difference <= TOLERANCE and self.rounding <= ROUNDING


@torch.no_grad()
def compare(config: TTMConfig, horizon: int) -> Compared:
    """Forecast the same with both."""
    generator = torch.Generator().manual_seed(0)
    if config.exogenous_mixing:
        config = replace(config, exogenous_scaling="published")
    model = published_model(config, horizon, generator)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        network = load_network(folder)
    if network.config != replace(config, horizon=horizon):
        raise ValueError(f"the saved configuration was read as {network.config}, not as {config}")
    inputs = random_inputs(config, horizon, generator)
    theirs, ours = [], []
    for dtype in (torch.float32, torch.float64):  # from float32 weights, which are exact in both
        given = {name: to(dtype, tensor) for name, tensor in inputs.items()}
        theirs.append(published_forecast(model.to(dtype), config, given).double())
        # The published code needs zeros where nothing was observed; ours may find anything there.
        given["past_BTC"] = given["past_BTC"].masked_fill(~given["observed_BTC"], torch.nan)
        ours.append(network.to(dtype)(**given)[..., 0].double())
    exact = theirs[1]
    rounded, moved = (float((each[0] - exact).abs().max()) for each in (theirs, ours))
    return Compared(
        *(sum(p.numel() for p in each.parameters()) for each in (model, network)),
        difference=float((ours[1] - exact).abs().max()),
        rounding=moved / rounded,
    )


def to(dtype: torch.dtype, tensor: Tensor) -> Tensor:
    """Bring floats to a number format, and leave masks and categories."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def main() -> int:
    """Print one line for each geometry; 1 when any differs, else 0."""
    quieten()
    geometries = {**PUBLISHED, "ttm_l6": PRESETS["ttm_l6"], **EDGES}
    print(f"{'':33}{'parameters':>22}{'float64, difference':>22}{'float32, rounding':>22}")
    print(
        f"{'geometry':33}{'published':>11}{'ours':>11}" + 2 * f"{'horizon':>11}{'half of it':>11}"
    )
    failures = 0
    for name, config in geometries.items():
        both = [compare(config, steps) for steps in (config.horizon, config.horizon // 2)]
        same = both[0].published == both[0].ours and all(each.close for each in both)
        failures += not same
        differences = "".join(f"{each.difference:11.1e}" for each in both)
        roundings = "".join(f"{each.rounding:11.2f}" for each in both)
        parameters = f"{both[0].published:11,}{both[0].ours:11,}"
        verdict = "" if same else "  DIFFERS"
        print(f"{name:33}{parameters}{differences}{roundings}{verdict}", flush=True)
    agree = len(geometries) - failures
    print(
        f"{agree} of {len(geometries)} agree within {TOLERANCE} in float64, and round no more than "
        f"{ROUNDING} times as much in float32"
    )
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
