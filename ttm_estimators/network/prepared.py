"""What a network reads of a history, made before any weight: scaling, patches, naive forecasts.

Nothing here has a gradient, so training may do it for many windows at once, on another device.

Shape suffixes: B batch, T time, C channels, P patches, L values in a patch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ttm_estimators.network.config import TTMConfig
from ttm_estimators.network.patching import multi_scale_patches
from ttm_estimators.network.scaling import MAX_DEVIATIONS_BEFORE_CONTEXT, Scaling
from ttm_estimators.network.seasonal.naive_forecasts import (
    SeasonalForecasts,
    seasonal_naive_forecasts,
)


class Prepared(NamedTuple):
    """A history as the first layer reads it, and what decoder and head need beside that."""

    patch_BCPL: Tensor
    """Patches of the normalised history, of the channels that are encoded."""

    recent_BTC: Tensor
    """The latest ``exogenous_context`` steps: targets, then covariates."""

    loc_B1C: Tensor
    scale_B1C: Tensor

    seasons: SeasonalForecasts | None = None


def prepare(
    config: TTMConfig, past_BTC: Tensor, observed_BTC: Tensor | None = None, horizon: int = 1
) -> Prepared:
    """Normalise a history, cut it in patches, and make its seasonal naive forecasts.

    Parameters
    ----------
    config : TTMConfig
        The network.
    past_BTC : Tensor
        History of ``context_length`` to ``input_length`` steps. What is not observed may hold
        anything, NaN too.
    observed_BTC : Tensor, optional
        True where a point was observed. Default: where ``past_BTC`` is not NaN.
    horizon : int, default 1
        Future steps.
    """
    if observed_BTC is None:
        observed_BTC = ~past_BTC.isnan()
    # where, not multiplication: NaN times zero is NaN
    past_BTC = torch.where(observed_BTC, past_BTC, 0.0)
    points = config.context_length
    scaling = Scaling.of(past_BTC[:, -points:], observed_BTC[:, -points:])
    x_BTC = scaling.normalise(past_BTC)
    if x_BTC.shape[1] > points:
        before_BTC = x_BTC[:, :-points].clamp(
            -MAX_DEVIATIONS_BEFORE_CONTEXT, MAX_DEVIATIONS_BEFORE_CONTEXT
        )
        x_BTC = torch.cat([before_BTC, x_BTC[:, -points:]], dim=1)
    encoded = config.encoded_channels
    seen_BTC, known_BTC = x_BTC, observed_BTC
    if encoded:
        seen_BTC, known_BTC = x_BTC[..., encoded], observed_BTC[..., encoded]
    patch_BCPL = multi_scale_patches(
        seen_BTC[:, -points:],
        known_BTC[:, -points:],
        scales=config.scales,
        patch_length=config.patch_length,
        mask_input=config.mask_input,
    )
    seasons = None
    if config.seasons:
        steps, compared = (
            -(-each // config.output_patch_length) * config.output_patch_length
            for each in (horizon, config.horizon)
        )
        seasons = seasonal_naive_forecasts(seen_BTC, known_BTC, steps, points, compared)
    if config.exogenous_scaling == "own":
        past_BTC = torch.where(observed_BTC, x_BTC, 0.0)
    recent_BTC = past_BTC[:, past_BTC.shape[1] - config.exogenous_context :]
    return Prepared(
        patch_BCPL=patch_BCPL,
        recent_BTC=recent_BTC[..., [*config.targets, *config.covariate_channels]]
        if config.exogenous_mixing
        else recent_BTC,
        loc_B1C=scaling.loc,
        scale_B1C=scaling.scale,
        seasons=seasons,
    )
