"""Short gaps in a history are filled, for forecasts and training windows alike.

Shape suffixes: B batch, T time, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", "np.ndarray", "Tensor")

FORWARD_FILL_LIMIT_STEPS = 64
"""Missing steps that take the last observed value before them: a patch of the default network."""


def forward_fill(
    past_BTC: Values, observed_BTC: Values, context_length: int
) -> tuple[Values, Values]:
    """Fill missing values with the last observed one, up to ``FORWARD_FILL_LIMIT_STEPS`` steps.

    The network was trained to see gaps, but takes one in its latest patch for a return to the mean
    (ours; last-value imputation is what the published pipelines do). The latest longer gaps of a
    forecast are filled before, see :mod:`ttm_estimators.inputs.gaps`. The rest of a longer gap
    stays missing. The context, which is
    the latest ``context_length`` points, takes no value from before it: that may be out of date.
    Returns the histories, and where they are known: arrays of arrays, which forecasts have, and
    tensors of tensors, which training has, on any device.
    """
    if isinstance(past_BTC, np.ndarray):
        step_T1 = np.arange(past_BTC.shape[1])[:, None]
        last_BTC = np.maximum.accumulate(np.where(observed_BTC, step_T1, -1), axis=1)
        known_BTC = _known(step_T1, last_BTC, context_length)
        filled_BTC = np.take_along_axis(past_BTC, last_BTC.clip(min=0), axis=1)
        return np.where(known_BTC, filled_BTC, past_BTC), known_BTC
    import torch

    step_T1 = torch.arange(past_BTC.shape[1], device=past_BTC.device)[:, None]
    last_BTC = torch.where(observed_BTC, step_T1, -1).cummax(dim=1).values
    known_BTC = _known(step_T1, last_BTC, context_length)
    filled_BTC = past_BTC.gather(1, last_BTC.clamp(min=0))
    return torch.where(known_BTC, filled_BTC, past_BTC), known_BTC


def _known(step_T1: Values, last_BTC: Values, context_length: int) -> Values:
    """Where a step is close enough to the last observed one, on its side of the context."""
    context_start = max(0, len(step_T1) - context_length)
    first_T1 = (step_T1 >= context_start) * context_start
    known_BTC: Values = (last_BTC >= first_T1) & (step_T1 - last_BTC <= FORWARD_FILL_LIMIT_STEPS)
    return known_BTC
