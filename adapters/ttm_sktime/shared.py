"""Weights that a process loads once, for all forecasters."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ttm_estimators import Forecaster, TinyTimeMixer, load_network
from ttm_estimators.weights import resolve


class SharedForecaster(Forecaster):
    """A forecaster that stays one object when what holds it is copied.

    Nothing changes it after it is made, so two hundred clones need one network.

    Parameters
    ----------
    columns : list, optional
        Columns of X that the network learnt from. None: it is not known.
    **rest
        Arguments of a :class:`~ttm_estimators.Forecaster`.
    """

    def __init__(
        self, network: TinyTimeMixer, *, columns: list[Any] | None = None, **rest: Any
    ) -> None:
        super().__init__(network, **rest)
        self.columns = columns

    @property
    def uses_covariates(self) -> bool:
        """Whether the network takes covariates that are known in the future."""
        return bool(self.config.covariate_channels)

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedForecaster:
        return self


def shared_forecaster(model: str | Path | None, device: str) -> SharedForecaster:
    """Forecaster of a shipped model or a weights folder, loaded if this process has not yet.

    A folder that has been written anew is loaded anew.

    Raises
    ------
    ttm_estimators.WeightsError
        When the model is unknown or its folder damaged.
    """
    folder = resolve(model).absolute()
    return _load(folder, tuple(sorted(f.stat().st_mtime_ns for f in folder.glob("*.*"))), device)


@lru_cache(maxsize=8)
def _load(folder: Path, written: tuple[int, ...], device: str) -> SharedForecaster:
    return SharedForecaster(load_network(folder), device=device)
