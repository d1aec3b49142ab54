"""The settings of fine-tuning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal, get_args

from ttm_estimators.renamed import renamed_fields

Strategy = Literal["head", "decoder", "bias", "full"]

OLD_NAMES = {"validation_share": "validation_fraction"}
"""New names of fields by their old ones. Checkpoints may have either."""


@renamed_fields(**OLD_NAMES)
@dataclass(frozen=True, kw_only=True)
class FineTuneConfig:
    """How to fine-tune.

    Raises
    ------
    ValueError
        When a field is out of range.
    """

    strategy: Strategy = "decoder"
    """What is trained. "decoder": decoder and head, the backbone stays (the paper's). "head": the
    head alone. "bias": every bias. "full": all weights. What mixes channels and covariates is
    always trained, for it is new."""

    mix_channels: bool = False
    """Whether the decoder mixes the channels of series that have several."""

    windows: int = 10_000
    """Channels of windows to train on, at most. Of more, this many are drawn at random. Long series
    that a forecaster also forecasts from block medians give windows of these blocks too."""

    validation_fraction: float = 0.2
    """Fraction of each series, at its end, that is not trained on but chooses the learning rate and
    the weights. It has at least one horizon and at most a third of the series."""

    steps: int = 1000
    """Optimiser steps at most."""

    minutes: float | None = None
    """Minutes at most, over everything: what would take longer is trained on fewer windows and for
    fewer steps, and the learning rate has decayed to zero all the same. A resumed run counts those
    before it was interrupted. None: as many as it takes, and two runs give the same weights."""

    shortest_history: int | None = None
    """Points before the first future at least. None: as many as the network sees, but at most half
    of what a series has to train on."""

    patience: int = 5
    """Epochs, of 10 to 50 steps, without a lower validation loss after which training ends."""

    batch_size: int = 64
    """Windows in a step."""

    learning_rate: float | None = None
    """Peak learning rate of AdamW. None: that of 1e-4, 3e-4, 1e-3 and 3e-3 which has the lowest
    validation loss after 50 steps (ours; a range test by training loss says little of a trained
    network)."""

    head_dropout: float | None = None
    """Dropout of the head's last layer. None: 0.7 for fewer than 1,000 windows, as the paper has
    for small data, or else what the network has."""

    keep_outliers: bool = False
    """Whether single impossible readings stay, as in
    :meth:`ttm_estimators.Forecaster.forecast`. Else they are taken as missing, and a warning says
    so."""

    seed: int = 0
    """Of the draw of windows, their order and dropout."""

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            raise ValueError(f"strategy must be one of {get_args(Strategy)}, got {self.strategy!r}")
        names = ["windows", "steps", "patience", "batch_size", "seed"]
        for name in names + ["shortest_history"] * (self.shortest_history is not None):
            value, lowest = getattr(self, name), int(name != "seed")
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ValueError(
                    f"{name} must be a whole number of at least {lowest}, got {value!r}"
                )
        for name in ("mix_channels", "keep_outliers"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false, got {getattr(self, name)!r}")
        for name in ("validation_fraction", "learning_rate", "head_dropout", "minutes"):
            value = getattr(self, name)
            absent = value is None and name != "validation_fraction"
            if isinstance(value, bool) or not (absent or isinstance(value, Real)):
                raise ValueError(f"{name} must be a number, got {value!r}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must lie in (0, 1), got {self.validation_fraction}"
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes must be positive, got {self.minutes}")
        if self.head_dropout is not None and not 0 <= self.head_dropout < 1:
            raise ValueError(f"head_dropout must lie in [0, 1), got {self.head_dropout}")
