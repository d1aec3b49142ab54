"""Horizons beyond the head: forecast, take the forecast as history, forecast again.

Shape suffixes: B batch, T time, C channels, H horizon, J forecasts (paths, one for
each quantile), Q quantile levels, X covariates known in the future, K static covariates.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from einops import rearrange, repeat

from ttm_estimators.forecasting.runtime import Floats, Runtime
from ttm_estimators.inputs.arrays import Mask


def roll_out(
    network: Runtime,
    past_BTC: Floats,
    observed_BTC: Mask,
    horizon: int,
    *,
    future_BHX: Floats | None = None,
    static_BK: npt.NDArray[np.int64] | None = None,
) -> Floats:
    """Forecast any horizon.

    Within the head's horizon this is one forward pass. Beyond it the path of every quantile so far
    becomes a history of its own. The next block is centred on the median that the median path
    leads to. Two distances from it are uncertain apart and add as squares: how far the median of
    each path lies, which is what is uncertain already, and how far each quantile lies that the
    median path leads to, which is what is added. A random walk so widens as it should, and what
    returns to its mean hardly does (ours; feeding back the median alone forgets the first part).

    Parameters
    ----------
    network : Runtime
        What forecasts up to the head's horizon.
    past_BTC, observed_BTC : array
        History and mask, shape (B, T, C), T from ``context_length`` to ``input_length``.
    horizon : int
        Steps, at least 1.
    future_BHX : array, optional
        Known covariates of all steps.
    static_BK : array, optional
        Categories of the static covariates.

    Returns
    -------
    array
        Shape (B, H, C, Q).

    Raises
    ------
    ValueError
        When the network forecasts only some of its channels: the others have no future.
    """
    config = network.config
    if horizon > config.horizon and config.target_channels:
        raise ValueError(
            f"horizon {horizon} is beyond the {config.horizon} steps of this network, which "
            "forecasts only some of its channels and so can not be rolled out"
        )
    block = network(
        past_BTC,
        observed_BTC,
        min(horizon, config.horizon),
        future_BHX=future_BHX,
        static_BK=static_BK,
    )
    if horizon <= config.horizon:
        return block
    levels = config.quantile_levels or (0.5,)
    median = levels.index(0.5)
    side_Q = np.sign(np.arange(len(levels)) - median).astype(np.float32)
    blocks, done = [block], block.shape[1]
    past = repeat(past_BTC, "b t c -> (b j) t c", j=len(levels))
    observed = repeat(observed_BTC, "b t c -> (b j) t c", j=len(levels))
    if static_BK is not None:
        static_BK = repeat(static_BK, "b k -> (b j) k", j=len(levels))
    while done < horizon:
        path = rearrange(block, "b h c j -> (b j) h c")
        past = np.concatenate([past, path], axis=1)[:, -past.shape[1] :]
        known = np.ones_like(path, dtype=bool)
        observed = np.concatenate([observed, known], axis=1)[:, -observed.shape[1] :]
        steps = min(horizon - done, config.horizon)
        each = network(past, observed, steps, static_BK=static_BK)
        each_BHCJQ = rearrange(each, "(b j) h c q -> b h c j q", j=len(levels))
        middle = each_BHCJQ[..., median, median, None]
        already = each_BHCJQ[..., :, median] - middle
        added = each_BHCJQ[..., median, :] - middle
        block = np.sort(middle + side_Q * np.hypot(already, added), axis=-1)
        blocks.append(block)
        done += steps
    return np.concatenate(blocks, axis=1)
