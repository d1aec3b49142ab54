"""What is done with the series of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.tables.panel import Panel
    from ttm_estimators.tables.reading import Reading


class Task(Protocol):
    """What a worker does with each batch of whole series. It is pickled on its way there."""

    @property
    def reading(self) -> Reading:
        """How a file is read."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """All options that decide a number, for JSON."""

    def __call__(
        self, forecaster: Forecaster, panel: Panel
    ) -> pd.DataFrame | Mapping[str, pd.DataFrame]:
        """Rows of the output; or several tables by the folder in the output that they belong to,
        the main one by "".

        Raises
        ------
        ValueError
            When a series can not be used.
        """
