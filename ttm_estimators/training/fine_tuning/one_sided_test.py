"""Whether a smaller validation loss is more than chance.

Shape suffixes: N series (windows of them), R rows or blocks of windows.
"""

from __future__ import annotations

import torch
from torch import Tensor

ONE_SIDED_Z = 1.645
"""Standard errors that a gain must have: the 5 % critical value of a one-sided normal test."""

PRIOR_DEVIATION_FRACTION = 0.25
"""Standard deviation of the gains of independent windows before any is seen, as a fraction of the
loss (ours). A single one has to gain two fifths of it, ten that are alike a twenty-fifth."""


def is_significant(before_N: Tensor, after_N: Tensor, block_N: Tensor) -> bool:
    """Whether losses of windows have become smaller by more than chance.

    Windows that overlap, and channels at the same time, rise and fall together: only blocks of them
    count. Windows without a loss, whose future is not known, do not. As few
    blocks tell little of the variance, it is shrunk towards a prior that counts as one more block
    (ours).

    Parameters
    ----------
    before_N, after_N : Tensor
        Loss of each window.
    block_N : Tensor
        Number of its block.
    """
    known_N = before_N > 0
    if not known_N.any():
        return False
    before_N, after_N = before_N[known_N], after_N[known_N]
    _, index_N, size_R = torch.unique(block_N[known_N], return_inverse=True, return_counts=True)
    blocks = len(size_R)
    gain_R = torch.bincount(index_N, before_N - after_N) / size_R
    expected = PRIOR_DEVIATION_FRACTION * before_N.mean()
    variance = (expected.square() + (gain_R - gain_R.mean()).square().sum()) / blocks
    return bool(gain_R.mean() > ONE_SIDED_Z * (variance / blocks).sqrt())
