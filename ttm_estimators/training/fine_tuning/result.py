"""A network that was trained on series of a user."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lightning

from ttm_estimators.forecasting import Forecaster
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.inputs.outliers import Outlier
from ttm_estimators.network import TinyTimeMixer
from ttm_estimators.renamed import renamed_fields
from ttm_estimators.training.hardware import describe_hardware
from ttm_estimators.weights import Card, save_network, write_card


@renamed_fields(share="fraction")
@dataclass(frozen=True)
class FineTuneResult:
    """A fine-tuned network and what came of it. As text, a line for people."""

    network: TinyTimeMixer = field(repr=False)
    """In evaluation mode on the CPU."""

    fraction: float
    """Where its weights lie on the line from the first weights, 0, to those of the best epoch, 1.
    At 0 nothing forecast the validation part better than the first weights."""

    zero_shot_loss: float
    """Quantile loss of the first weights on the validation part, without covariates where these
    are learnt. 0 where that has no values, NaN where training began from random weights."""

    loss: float
    """Quantile loss of the kept weights there, never above that of the first ones. Infinite without
    a validation part."""

    learning_rate: float
    steps: int
    windows: int
    validation_windows: int
    seconds: float
    trainer: lightning.Trainer = field(repr=False)

    outliers: tuple[Outlier, ...] = field(default=(), repr=False)
    """Impossible readings of the series that were taken as missing. Validation series, where some
    were given, are counted on after the others."""

    roles: Roles = field(default_factory=Roles)
    """Names of covariates, where they came in a table."""

    @property
    def forecaster(self) -> Forecaster:
        """What forecasts with the network."""
        return Forecaster(self.network, roles=self.roles)

    def save(self, folder: str | Path, **facts: Any) -> Path:
        """Write a weights folder, with a card of how it was trained.

        Parameters
        ----------
        folder : str or Path
            Folder. :func:`ttm_estimators.load` takes it.
        **facts
            Further lines of the card.

        Returns
        -------
        Path
            The folder.
        """
        path = save_network(self.network, folder)
        card: Card = {
            "parameters": sum(tensor.numel() for tensor in self.network.parameters()),
            "covariates": asdict(self.roles),
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "windows": self.windows,
            "validation_windows": self.validation_windows,
            "validation_loss": self.loss,
            "zero_shot_validation_loss": self.zero_shot_loss,
            "fraction": self.fraction,
            "seconds": round(self.seconds, 1),
            "hardware": describe_hardware(1, 1, 0)[0],
        }
        write_card(path, card, **facts)
        return path

    def __str__(self) -> str:
        trained = (
            f"{self.steps} steps on {self.windows:,} windows in {self.seconds:.1f} s, learning "
            f"rate {self.learning_rate:g}; {self.validation_windows:,} windows for validation"
        )
        if math.isnan(self.zero_shot_loss):
            return f"trained from random weights: {trained}"
        if not self.zero_shot_loss:
            return f"kept the zero-shot weights, for validation has no values: {trained}"
        if not self.fraction:
            return f"kept the zero-shot weights, no others did better: {trained}"
        config = self.network.config
        covariates = config.channels > len(config.targets) or config.static_cardinalities
        before = "the same network without covariates" if covariates else "zero-shot"
        gain = 1 - self.loss / self.zero_shot_loss
        part = "" if self.fraction == 1 else f", with {self.fraction:.0%} of what training changed"
        return f"validation loss {self.loss:.4f}, {gain:.1%} below {before}{part}: {trained}"
