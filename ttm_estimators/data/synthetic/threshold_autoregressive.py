"""Autoregressions that behave differently above and below a threshold."""

from __future__ import annotations

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.components import Draw, recursion, seasonal

ROUNDS = 3


def threshold_autoregressive(draw: Draw) -> Tensor:
    """AR(1) with two sets of gain, intercept and noise, chosen by the value some steps ago.

    A self-exciting threshold model, solved by iteration instead of step by step: each round takes
    the regime of every step from the series of the round before. The rounds are few, so the regime
    follows the past series closely, not exactly.
    """
    shocks = draw.normal(draw.length)
    above_gain, below_gain = 1.0 - draw.log_uniform(0.02, 1.6), 1.0 - draw.log_uniform(0.01, 1.0)
    above_shift, below_shift = -draw.uniform(0.0, 1.0), draw.uniform(0.0, 1.0)
    above_noise, below_noise = draw.log_uniform(0.2, 2.0), draw.log_uniform(0.2, 2.0)
    threshold = draw.uniform(-1.0, 1.0)
    delay = min(1 + int(draw.uniform(0.0, 6.0)[0]), draw.length - 1)
    series = recursion(below_gain, shocks)
    for _ in range(ROUNDS):
        above = torch.cat((series[:, :delay], series[:, :-delay]), dim=-1) > threshold
        gain = torch.where(above, above_gain, below_gain)
        noise = torch.where(above, above_noise, below_noise) * shocks
        series = recursion(gain, torch.where(above, above_shift, below_shift) + noise)
    season = seasonal(draw, draw.choice((4.0, 7.0, 12.0, 24.0, 48.0, 96.0)))
    return series + season * draw.log_uniform(0.2, 3.0) * draw.chance(0.35)
