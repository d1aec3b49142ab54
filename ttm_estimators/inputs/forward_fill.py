"""Short gaps in a history are filled, for forecasts and training windows alike.

Shape suffixes: B batch, T time, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

FORWARD_FILL_LIMIT_STEPS = 64
"""Missing steps that take the last observed value before them: a patch of the default network."""


def forward_fill(
    past_BTC: Tensor, observed_BTC: Tensor, context_length: int
) -> tuple[Tensor, Tensor]:
    """Fill missing values with the last observed one, up to ``FORWARD_FILL_LIMIT_STEPS`` steps.

    A series whose latest values are missing so keeps its level. The network was trained to see
    gaps, but takes one in its latest patch for a return to the mean (ours; last-value imputation is
    what the published pipelines do). The rest of a longer gap stays missing. The context, which is
    the latest ``context_length`` points, takes no value from before it: that may be out of date.
    Returns the histories, and where they are known.
    """
    step_T1 = torch.arange(past_BTC.shape[1], device=past_BTC.device)[:, None]
    last_BTC = torch.where(observed_BTC, step_T1, -1).cummax(dim=1).values
    context_start = max(0, len(step_T1) - context_length)
    first_T1 = torch.where(step_T1 < context_start, 0, context_start)
    known_BTC = (last_BTC >= first_T1) & (step_T1 - last_BTC <= FORWARD_FILL_LIMIT_STEPS)
    filled_BTC = past_BTC.gather(1, last_BTC.clamp(min=0))
    return torch.where(known_BTC, filled_BTC, past_BTC), known_BTC
