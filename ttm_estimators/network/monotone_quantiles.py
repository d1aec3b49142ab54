"""Quantiles that can not cross, by construction.

Shape suffixes: Q quantile levels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def monotone_quantiles(raw_Q: Tensor, median: int) -> Tensor:
    """Turn free numbers into quantiles that can not cross.

    The number at ``median`` is the median. Every other quantile lies a softplus, and so a positive
    step, further out than its inner neighbour (ours; the published network forecasts points).

    Parameters
    ----------
    raw_Q : Tensor
        Any shape, quantile levels last.
    median : int
        Index of the quantile level 0.5.
    """
    if raw_Q.shape[-1] == 1:
        return raw_Q
    middle = raw_Q[..., median : median + 1]
    step_Q = functional.softplus(raw_Q)
    above = middle + step_Q[..., median + 1 :].cumsum(dim=-1)
    below = middle - step_Q[..., :median].flip(-1).cumsum(dim=-1).flip(-1)
    return torch.cat([below, middle, above], dim=-1)
