"""The settings of training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Raises
    ------
    ValueError
        When a field is out of range.
    """

    steps: int = 10_000
    """Optimiser steps."""

    batch_size: int = 256
    """Windows in a step."""

    learning_rate: float = 3e-3
    """Peak rate of AdamW, after warm-up and before decay."""

    warmup_steps: int = 200
    """Steps of linear warm-up."""

    decay_share: float = 0.35
    """Share of the steps over which the rate falls linearly to zero at the end."""

    weight_decay: float = 0.02
    """Of AdamW, on weight matrices."""

    gradient_clip: float = 1.0
    """Largest norm of the gradient."""

    seed: int = 0
    """Of the first weights and the data."""

    compile: bool = False
    """Whether to compile the network: a minute of waiting, then half as fast again."""

    precision: Precision = "32-true"
    """Lightning's name of the number format."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "warmup_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "gradient_clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")
        if not 0 <= self.decay_share <= 1:
            raise ValueError(f"decay_share must lie in [0, 1], got {self.decay_share}")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision must be one of {get_args(Precision)}")

    def rate(self, step: int) -> float:
        """Factor on the learning rate: warm up, stay, decay."""
        warm = (step + 1) / self.warmup_steps
        decay_steps = max(1.0, self.decay_share * self.steps)
        return max(0.0, min(1.0, warm, (self.steps - step) / decay_steps))
