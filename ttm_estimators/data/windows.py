"""What a network is trained on."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

MIN_HISTORY_POINTS = 8
"""Points of history before a cut, at least, where the series is long enough."""


class Window(NamedTuple):
    """History of shape (B, T) and future of shape (B, H), NaN for what is missing."""

    past: Tensor
    future: Tensor

    resolution: Tensor
    """Token of the sampling resolution of each row, shape (B,): see ``network/resolution.py``."""
