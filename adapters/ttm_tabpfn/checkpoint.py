"""The checkpoint that TabPFN-TS forecasts with: where it is, and what it may be used for.

TabPFN itself looks for it only when it forecasts, and keeps a failed download to itself.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import safe_open

FREE_VERSION = "v2"
"""The one version whose weights may be used commercially (Apache 2.0 with attribution)."""


class TabPFNError(ValueError):
    """TabPFN-TS, or its checkpoint, is not there."""


class Checkpoint(NamedTuple):
    """Weights on disk."""

    path: Path
    version: str
    """Such as "v3.5". TabPFN reads it from the file's name."""

    @property
    def licence(self) -> str:
        """What the weights may be used for."""
        return "Apache-2.0 with attribution" if self.version == FREE_VERSION else "non-commercial"

    def parameters(self) -> int | None:
        """Count the weights. None for the older format, which is not read here."""
        if self.path.suffix != ".safetensors":
            return None
        with safe_open(self.path, "pt") as file:
            return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


def check_installed() -> None:
    """Tell what to install.

    Raises
    ------
    TabPFNError
        When TabPFN-TS is not installed.
    """
    if find_spec("tabpfn_time_series") is None:
        raise TabPFNError(
            "tabpfn-time-series is not installed: pip install 'ttm-estimators[tabpfn]'"
        )


def find_checkpoint(model_path: str | Path | None, *, download: bool) -> Checkpoint:
    """Find a checkpoint, before any work starts.

    Parameters
    ----------
    model_path : str, Path or None
        File, or the name of one in TabPFN's cache folder. None: the one that this version of
        TabPFN-TS was made for, in that folder.
    download : bool
        Whether a missing one is fetched.

    Raises
    ------
    TabPFNError
        When there is none.
    """
    check_installed()
    from tabpfn.model_loading import download_model, resolve_model_path, resolve_model_version
    from tabpfn_time_series.defaults import resolve_default_model_path

    asked: Any = resolve_default_model_path({"model_path": model_path}, client=False)["model_path"]
    version = resolve_model_version(asked)
    (path,), _, (name,), _ = resolve_model_path(asked, "regressor", version.value)
    found = Checkpoint(path, version.value)
    if not path.is_file():
        reason = ""
        if download:
            done = download_model(path, version=version, which="regressor", model_name=name)
            reason = "" if done == "ok" else f", and it could not be downloaded ({done[0]})"
        if not path.is_file():
            raise TabPFNError(
                f"there is no TabPFN checkpoint {path}{reason}: its weights are gated and licensed "
                f"for {found.licence} use, so accept the licence at https://ux.priorlabs.ai and "
                "give the file as model_path, or set TABPFN_TOKEN and give download=True"
            )
    if found.version != FREE_VERSION:
        warnings.warn(
            f"{path.name}: the weights of TabPFN {found.version} are licensed for non-commercial "
            "use only",
            stacklevel=2,
        )
    return found
