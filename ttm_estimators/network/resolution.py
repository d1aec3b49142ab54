"""Which token tells which sampling resolution, for networks with a resolution prefix (section 3.1).

Shape suffixes: B batch, T time, C channels, A other axes: the resolutions that have a token.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.network.config import TTMConfig

UNKNOWN = 0
"""Token of a resolution that is not known or has no token of its own."""

_MINUTE = 60 * 10**9

STEPS = tuple(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30, 60, 24 * 60, 7 * 24 * 60))
"""Nanoseconds from one point to the next for the tokens from 1 on: those of the published networks,
from a minute over hour and day to a week."""


def unknown_resolution(config: TTMConfig, past_BTC: Tensor) -> Tensor | None:
    """The token of an unknown resolution for every history, None for a network without a prefix."""
    if not config.resolutions:
        return None
    return past_BTC.new_full(past_BTC.shape[:1], UNKNOWN, dtype=torch.long)


def resolution_tokens(step_B: Tensor) -> Tensor:
    """Tokens of steps.

    Parameters
    ----------
    step_B : Tensor
        Nanoseconds from one point to the next, 0 where they are not known or not even.

    Returns
    -------
    Tensor
        Shape (B,).
    """
    same_BA = step_B[:, None] == step_B.new_tensor(STEPS)
    token_A = torch.arange(1, len(STEPS) + 1, device=step_B.device)
    return (same_BA * token_A).sum(dim=1)
