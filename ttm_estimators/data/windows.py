"""What a network is trained on."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

YOUNGEST = 8
"""Points of history of the youngest series."""


class Window(NamedTuple):
    """History of shape (B, T) and future of shape (B, H), NaN for what is missing."""

    past: Tensor
    future: Tensor

    resolution: Tensor
    """Token of the sampling resolution of each row, shape (B,): see ``network/resolution.py``."""
