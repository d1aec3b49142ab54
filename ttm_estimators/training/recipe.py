"""The settings of training."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from ttm_estimators.renamed import renamed_fields

Precision = Literal["32-true", "bf16-mixed"]

MAX_BATCH_WINDOWS = 2**20
"""Windows of a step, beyond which a number is a typing error: ours."""

OLD_NAMES = {
    "decay_share": "decay_fraction",
    "averaged_share": "averaged_fraction",
    "real_share": "real_fraction",
}
"""New names of fields by their old ones. Files of runs and recipes may have either."""


@renamed_fields(**OLD_NAMES)
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
    """Peak learning rate of AdamW, after warm-up and before decay. That of Muon, which trains the
    matrices of mixers in pre-training, is three times as large."""

    warmup_steps: int = 200
    """Steps of linear warm-up."""

    decay_fraction: float = 0.35
    """Fraction of the steps over which the learning rate falls linearly to zero at the end."""

    weight_decay: float = 0.02
    """On weight matrices, in learning rates."""

    gradient_clip: float = 1.0
    """Largest norm of the gradient."""

    averaged_fraction: float = 0.02
    """Pre-training only. The weights that are kept are a running mean over about this fraction of
    the steps behind them. 0: the last weights."""

    real_fraction: float = 0.5
    """Pre-training only. Fraction of windows cut from a corpus. The others are synthetic."""

    augmentation: bool = True
    """Pre-training only. Whether windows are changed in the ways of ``data/augmentation.py``."""

    validation_every: int = 1000
    """Pre-training only. Steps from one validation to the next."""

    seed: int = 0
    """Of the first weights and the data."""

    compile: bool = False
    """Whether to compile the network: up to a minute of waiting, then half as fast again."""

    precision: Precision = "32-true"
    """Number format: float32, or bfloat16 where autocast takes it. Named as Lightning does."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = {"int": (int,), "float": (int, float), "bool": (bool,), "Precision": (str,)}
            kind = kinds[str(field.type)]
            if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kind):
                raise ValueError(f"{field.name} must be of type {field.type}, got {value!r}")
        for name in ("steps", "batch_size", "warmup_steps", "validation_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.batch_size > MAX_BATCH_WINDOWS:
            raise ValueError(
                f"batch_size must be at most {MAX_BATCH_WINDOWS:,}, got {self.batch_size}"
            )
        for name in ("learning_rate", "gradient_clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        for name in ("decay_fraction", "averaged_fraction", "real_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision must be one of {get_args(Precision)}")

    @property
    def stable_steps(self) -> int:
        """Steps before the decay."""
        return int((1 - self.decay_fraction) * self.steps)

    def steps_for(self, stable_steps: int) -> int:
        """Fewest steps of a run with so many before its decay. ``decay_fraction`` is below 1."""
        steps = max(1, math.ceil(stable_steps / (1 - self.decay_fraction)))
        while replace(self, steps=steps).stable_steps < stable_steps:
            steps += 1  # rounding
        return steps

    def learning_rate_factor(self, step: int) -> float:
        """Factor on the learning rate: warm up, stay, decay."""
        warm = (step + 1) / self.warmup_steps
        decay_steps = max(1, self.steps - self.stable_steps)
        return max(0.0, min(1.0, warm, (self.steps - step) / decay_steps))


FROM_SCRATCH = {"steps": 500, "batch_size": 64, "learning_rate": 3e-4, "warmup_steps": 50}
"""What training from scratch on series of a user changes in a recipe: few steps, small batches."""
