"""Synthetic priors: random series that look like what people forecast, made as fast as read.

Every family is a function of its own file that turns a :class:`Draw` into series of shape
(series, length).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ttm_estimators.data.synthetic.autoregressive import autoregressive
from ttm_estimators.data.synthetic.calendar import calendar
from ttm_estimators.data.synthetic.components import Draw, mixture
from ttm_estimators.data.synthetic.counts import counts
from ttm_estimators.data.synthetic.fractional_noise import fractional_noise
from ttm_estimators.data.synthetic.growth import growth
from ttm_estimators.data.synthetic.kernel_gaussian_process import kernel_gaussian_process
from ttm_estimators.data.synthetic.local_level import local_level
from ttm_estimators.data.synthetic.ornstein_uhlenbeck import ornstein_uhlenbeck
from ttm_estimators.data.synthetic.pulses import pulses
from ttm_estimators.data.synthetic.regimes import regimes
from ttm_estimators.data.synthetic.saturation import saturation
from ttm_estimators.data.synthetic.schedules import schedules
from ttm_estimators.data.synthetic.seasonal_trend import seasonal_trend
from ttm_estimators.data.synthetic.structural_breaks import structural_breaks
from ttm_estimators.data.synthetic.telemetry import telemetry
from ttm_estimators.data.synthetic.threshold_autoregressive import threshold_autoregressive

Family = Callable[[Draw], Tensor]

FAMILIES: dict[Family, float] = {
    seasonal_trend: 0.16,
    local_level: 0.14,
    calendar: 0.08,
    kernel_gaussian_process: 0.04,
    saturation: 0.04,
    telemetry: 0.06,
    schedules: 0.12,
    autoregressive: 0.04,
    counts: 0.04,
    fractional_noise: 0.04,
    growth: 0.04,
    ornstein_uhlenbeck: 0.04,
    structural_breaks: 0.04,
    threshold_autoregressive: 0.04,
    pulses: 0.04,
    regimes: 0.04,
}
"""Every family with its fraction of a sample."""


def sample(series: int, length: int, generator: torch.Generator) -> Tensor:
    """Draw series from all families, interleaved at random.

    Parameters
    ----------
    series, length : int
        Shape of the result.
    generator : torch.Generator
        Source of randomness; its device makes the series.

    Returns
    -------
    Tensor
        Finite values of shape (series, length). Their scale carries no meaning.
    """
    return mixture(Draw(series, length, generator), FAMILIES)


__all__ = ["FAMILIES", "Draw", "Family", "sample"]
