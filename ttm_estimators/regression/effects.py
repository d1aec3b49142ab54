"""What known covariates add to a forecast."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ttm_estimators.inputs.arrays import Array


@dataclass(frozen=True)
class CovariateEffects:
    """What known covariates add to the forecast of one series, or of one channel of it."""

    names: tuple[str, ...]
    """One for each covariate. Columns "weekday=Mon" and "weekday=Tue" are one, "weekday"."""

    values: Array = field(repr=False)
    """Shape (horizon, covariates): what each adds to the point forecast, in units of the series. 0
    where the regression is not kept."""

    gain: float
    """Fraction of the quantile loss of held-out windows that it saves, 0.0 where it is not kept."""

    windows: int
    """Held-out windows that it was judged on."""

    @property
    def kept(self) -> bool:
        """Whether the forecast uses the covariates."""
        return self.gain > 0

    def __str__(self) -> str:
        """One line: whether they count, and the largest effects."""
        judged = f"on {self.windows} held-out window{'' if self.windows == 1 else 's'}"
        if not self.kept:
            return f"covariates not used: they lowered the error by no more than chance {judged}"
        sizes = dict(zip(self.names, np.abs(self.values).mean(axis=0), strict=True))
        largest = sorted(sizes, key=lambda name: -sizes[name])
        each = ", ".join(f"{name} {sizes[name]:.3g}" for name in largest)
        return (
            f"covariates lower the error by {self.gain:.0%} {judged}; mean absolute effect: {each}"
        )
