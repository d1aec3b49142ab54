"""A network on disk: a folder with ``config.json`` and ``model.safetensors``.

Nothing is ever unpickled. ``config.json`` holds the configuration of the network, that of forecasts
with it, and the SHA-256 of these and of the weights file, so that damage is noticed before it
becomes a forecast.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ttm_estimators.atomic import read_json, replacing
from ttm_estimators.extras import check_installed
from ttm_estimators.inputs.aggregation import ForecastConfig, forecasting_of, keep_forecasting
from ttm_estimators.network import TTMConfig
from ttm_estimators.weights.published import MODEL_TYPE, read_published_config, rename_published

if TYPE_CHECKING:
    from torch import Tensor

    from ttm_estimators.network import TinyTimeMixer

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = "ttm-estimators"
FORMAT_VERSION = 1

ONNX_PREFIX = "network."
"""In ONNX files, before the names that weights have in safetensors files."""

MAX_SAID_CHARACTERS = 300
"""Of a message that shows what a damaged file holds, which may be anything."""

RESTORE = "restore the folder, or write it again with save_network"


class WeightsError(ValueError):
    """A weights folder that can not be used; the message says why and what to do."""


def save_network(
    network: TinyTimeMixer, folder: str | Path, forecasting: ForecastConfig | None = None
) -> Path:
    """Write a network to a folder, which is made if need be.

    Files that stood there are replaced only once both new ones are complete. A save that is cut off
    leaves the old network, or two files whose checksums differ, which :func:`load_network` refuses.

    Parameters
    ----------
    network : TinyTimeMixer
        Network.
    folder : str or Path
        Folder. :func:`ttm_estimators.load` takes it.
    forecasting : ForecastConfig, optional
        How to forecast with it. Default: what the weights that it comes from were saved with, or
        what is usual for its geometry.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        When a weight is NaN or infinite, as training has diverged, or ``forecasting`` does not fit.
    """
    check_installed("save_network", "torch", "torch")
    from safetensors.torch import save as format_safetensors

    network = getattr(network, "_orig_mod", network)  # what torch.compile wraps
    folder = Path(folder)
    forecasting = forecasting_of(network) if forecasting is None else forecasting
    forecasting.check(network.config)
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    broken = _not_finite(tensors)
    if broken:
        raise ValueError(f"{broken[0]} holds NaN or infinity: the network is not worth keeping")
    folder.mkdir(parents=True, exist_ok=True)
    data = format_safetensors(tensors)
    configs = {
        "network": json.loads(network.config.to_json()),
        "forecasting": json.loads(json.dumps(asdict(forecasting))),
    }
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sha256": sha256_of(data),
        "config_sha256": _config_checksum(configs),
        **configs,
    }
    with replacing(folder / CONFIG_FILE) as config_path, replacing(folder / WEIGHTS_FILE) as path:
        path.write_bytes(data)
        config_path.write_bytes((json.dumps(config, indent=2) + "\n").encode())
    return folder


def load_network(folder: str | Path) -> TinyTimeMixer:
    """Read a network from a folder in our layout or in the published one.

    Parameters
    ----------
    folder : str or Path
        Folder with ``config.json`` and ``model.safetensors``.

    Returns
    -------
    TinyTimeMixer
        The network on the CPU, in evaluation mode. A forecaster of it forecasts as it was saved to.

    Raises
    ------
    WeightsError
        When a file is missing, damaged, or of another model.
    """
    check_installed("load_network", "torch", "torch")
    folder = Path(folder)
    config_path, weights_path = folder / CONFIG_FILE, folder / WEIGHTS_FILE
    config_values = _read_config(config_path)
    if not weights_path.is_file():
        raise WeightsError(
            f"{folder} has no {WEIGHTS_FILE}. Only safetensors are read: convert other formats "
            "with the library that wrote them"
        )
    data = weights_path.read_bytes()
    forecasting = ForecastConfig()
    if config_values.get("format") == FORMAT:
        config, forecasting = _our_configs(config_values, config_path)
        checksum = config_values.get("config_sha256")  # version 0.1.0 wrote none
        if checksum is not None and checksum != _config_checksum(config_values):
            raise WeightsError(
                f"{config_path} is damaged or was edited, its checksum is another: {RESTORE}"
            )
        if config_values.get("sha256") != sha256_of(data):
            raise WeightsError(
                f"{weights_path} is damaged, its checksum is not that in {CONFIG_FILE}: {RESTORE}"
            )
        tensors = _parse(data, weights_path)
    elif config_values.get("model_type") == MODEL_TYPE:
        try:
            config = read_published_config(config_values)
        except (TypeError, ValueError) as error:
            raise WeightsError(f"{config_path}: {error}") from error
        tensors = rename_published(_parse(data, weights_path), config.horizon)
    else:
        raise WeightsError(
            f"{config_path} describes neither a network of this package nor a published "
            f'TinyTimeMixer (model_type "{MODEL_TYPE}"): give the folder of one of these'
        )
    network = _build(config, tensors, weights_path)
    keep_forecasting(network, forecasting)
    return network


def sha256_of(data: bytes) -> str:
    """SHA-256 of a weights file."""
    return hashlib.sha256(data).hexdigest()


def _read_config(path: Path) -> dict[str, Any]:
    if not path.parent.is_dir():
        raise WeightsError(f"{path.parent} is not a folder")
    if not path.is_file():
        raise WeightsError(f"{path.parent} has no {CONFIG_FILE}: is it a weights folder?")
    try:
        return read_json(path)
    except ValueError as error:
        raise WeightsError(f"{error}: {RESTORE}") from error


def _config_checksum(values: dict[str, Any]) -> str:
    configs = {name: values.get(name) for name in ("network", "forecasting")}
    return hashlib.sha256(json.dumps(configs, sort_keys=True).encode()).hexdigest()


def _our_configs(values: dict[str, Any], path: Path) -> tuple[TTMConfig, ForecastConfig]:
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise WeightsError(
            f"{path} has weights format {version!r}, this version reads {FORMAT_VERSION}: "
            "update ttm-estimators"
        )
    try:
        network = {**values["network"]}
        factors = network.pop("far_factors", ())  # where they stood in version 0.1.0
        factors = values.get("forecasting", {"aggregation_factors": factors})["aggregation_factors"]
        config, forecasting = TTMConfig.from_dict(network), ForecastConfig(tuple(factors))
        forecasting.check(config)
        return config, forecasting
    except (KeyError, TypeError, ValueError) as error:
        said = str(error)
        if len(said) > MAX_SAID_CHARACTERS:
            said = said[:MAX_SAID_CHARACTERS] + "…"
        raise WeightsError(f"{path} has no valid network ({said}): {RESTORE}") from error


def _parse(data: bytes, path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load as parse_safetensors

    try:
        return parse_safetensors(data)
    except (SafetensorError, KeyError) as error:  # KeyError: a number format torch does not know
        raise WeightsError(f"{path} is no whole safetensors file ({error}): {RESTORE}") from error


def _build(config: TTMConfig, tensors: dict[str, Tensor], path: Path) -> TinyTimeMixer:
    import torch

    from ttm_estimators.network import TinyTimeMixer

    with torch.device("meta"):  # shapes only: a wrong configuration may ask for any size
        network = TinyTimeMixer(config)
    expected = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    if expected != found:
        wrong = sorted(
            name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
        )
        first = wrong[0]
        raise WeightsError(
            f"{path} does not fit its {CONFIG_FILE}: {len(wrong)} tensors differ, such as {first} "
            f"(expected {expected.get(first, 'none')}, found {found.get(first, 'none')}): {RESTORE}"
        )
    tensors = {name: t.float() for name, t in tensors.items()}
    broken = _not_finite(tensors)
    if broken:
        raise WeightsError(f"{path} holds NaN or infinity in {broken[0]}: {RESTORE}")
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def _not_finite(tensors: dict[str, Tensor]) -> list[str]:
    return [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
