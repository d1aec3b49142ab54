"""Horizons beyond the head: forecast, take the forecast as history, forecast again.

Shape suffixes: B batch, T time, C channels, H horizon, J forecasts (paths, one for
each quantile), Q quantile levels, X covariates known in the future, K static covariates.
"""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor

from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.network.resolution import unknown_resolution


def roll_out(
    network: TinyTimeMixer,
    past_BTC: Tensor,
    observed_BTC: Tensor,
    horizon: int,
    *,
    future_BHX: Tensor | None = None,
    static_BK: Tensor | None = None,
) -> Tensor:
    """Forecast any horizon.

    Within the head's horizon this is one forward pass. Beyond it the path of every quantile so far
    becomes a history of its own. The next block is centred on the median that the median path
    leads to. Two distances from it are uncertain apart and add as squares: how far the median of
    each path lies, which is what is uncertain already, and how far each quantile lies that the
    median path leads to, which is what is added. A random walk so widens as it should, and what
    returns to its mean hardly does (ours; feeding back the median alone forgets the first part).

    Parameters
    ----------
    past_BTC, observed_BTC : Tensor
        History and mask, shape (B, T, C), T from ``context_length`` to ``input_length``.
    horizon : int
        Steps, at least 1.
    future_BHX : Tensor, optional
        Known covariates of all steps.
    static_BK : Tensor, optional
        Categories of the static covariates.

    Returns
    -------
    Tensor
        Shape (B, H, C, Q).

    Raises
    ------
    ValueError
        When the network forecasts only some of its channels: the others have no future.
    """
    config = network.config
    resolution = unknown_resolution(config, past_BTC)
    if horizon > config.horizon and config.target_channels:
        raise ValueError(
            f"horizon {horizon} is beyond the {config.horizon} steps of this network, which "
            "forecasts only some of its channels and so can not be rolled out"
        )
    block = network(
        past_BTC,
        observed_BTC,
        horizon=min(horizon, config.horizon),
        future_BHX=future_BHX,
        resolution_B=resolution,
        static_BK=static_BK,
    )
    if horizon <= config.horizon:
        return block
    levels = config.quantile_levels or (0.5,)
    median = levels.index(0.5)
    side_Q = torch.arange(len(levels), device=past_BTC.device).sub(median).sign()
    blocks, done = [block], block.shape[1]
    past = repeat(past_BTC, "b t c -> (b j) t c", j=len(levels))
    observed = repeat(observed_BTC, "b t c -> (b j) t c", j=len(levels))
    if resolution is not None:
        resolution = repeat(resolution, "b -> (b j)", j=len(levels))
    if static_BK is not None:
        static_BK = repeat(static_BK, "b k -> (b j) k", j=len(levels))
    while done < horizon:
        path = rearrange(block, "b h c j -> (b j) h c")
        past = torch.cat([past, path], dim=1)[:, -past.shape[1] :]
        known = torch.ones_like(path, dtype=torch.bool)
        observed = torch.cat([observed, known], dim=1)[:, -observed.shape[1] :]
        steps = min(horizon - done, config.horizon)
        each = network(past, observed, horizon=steps, resolution_B=resolution, static_BK=static_BK)
        each_BHCJQ = rearrange(each, "(b j) h c q -> b h c j q", j=len(levels))
        middle = each_BHCJQ[..., median, median, None]
        already = each_BHCJQ[..., :, median] - middle
        added = each_BHCJQ[..., median, :] - middle
        block = (middle + side_Q * torch.hypot(already, added)).sort(dim=-1).values
        blocks.append(block)
        done += steps
    return torch.cat(blocks, dim=1)
