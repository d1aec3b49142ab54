"""A network on disk: a folder with ``config.json`` and ``model.safetensors``.

Nothing is ever unpickled. ``config.json`` holds the network's configuration and the SHA-256 of the
weights file, so that damage is noticed before it becomes a forecast.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as format_safetensors
from torch import Tensor

from ttm_estimators.network import TinyTimeMixer, TTMConfig
from ttm_estimators.weights.published import MODEL_TYPE, read_published_config, rename_published

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = "ttm-estimators"
FORMAT_VERSION = 1


class WeightsError(ValueError):
    """A weights folder that can not be used; the message says why and what to do."""


def save_network(network: TinyTimeMixer, folder: str | Path) -> Path:
    """Write a network to a folder, which is made if need be. Files that stood there are replaced
    only once the new ones are complete.

    Returns
    -------
    Path
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    data = format_safetensors(tensors)
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sha256": hashlib.sha256(data).hexdigest(),
        "network": json.loads(network.config.to_json()),
    }
    for name, content in {
        WEIGHTS_FILE: data,
        CONFIG_FILE: (json.dumps(config, indent=2) + "\n").encode(),
    }.items():
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        os.replace(partial, folder / name)
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
        The network on the CPU, in evaluation mode.

    Raises
    ------
    WeightsError
        When a file is missing, damaged, or of another model.
    """
    folder = Path(folder)
    config_values = _read_config(folder / CONFIG_FILE)
    weights_path = folder / WEIGHTS_FILE
    if not weights_path.is_file():
        raise WeightsError(
            f"{folder} has no {WEIGHTS_FILE}. Only safetensors are read: convert other formats "
            "with the library that wrote them"
        )
    data = weights_path.read_bytes()
    if config_values.get("format") == FORMAT:
        config = _our_config(config_values, folder)
        if hashlib.sha256(data).hexdigest() != config_values.get("sha256"):
            raise WeightsError(
                f"{weights_path} is damaged: its checksum is not the one in {CONFIG_FILE}. "
                "Restore the file, or write the folder again with save_network"
            )
        tensors = _parse(data, weights_path)
    elif config_values.get("model_type") == MODEL_TYPE:
        try:
            config = read_published_config(config_values)
        except ValueError as error:
            raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error
        tensors = rename_published(_parse(data, weights_path))
    else:
        raise WeightsError(
            f"{folder / CONFIG_FILE} describes neither a network of this package nor a published "
            f'TinyTimeMixer (model_type "{MODEL_TYPE}")'
        )
    return _build(config, tensors, weights_path)


def _read_config(path: Path) -> dict[str, Any]:
    if not path.parent.is_dir():
        raise WeightsError(f"{path.parent} is not a folder")
    if not path.is_file():
        raise WeightsError(f"{path.parent} has no {CONFIG_FILE}: is it a weights folder?")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WeightsError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path} must hold a JSON object")
    return values


def _our_config(values: dict[str, Any], folder: Path) -> TTMConfig:
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise WeightsError(
            f"{folder} has weights format {version!r}, this version reads {FORMAT_VERSION}: "
            "update ttm-estimators"
        )
    try:
        return TTMConfig.from_dict(values["network"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{folder / CONFIG_FILE} has no valid network: {error}") from error


def _parse(data: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return parse_safetensors(data)
    except SafetensorError as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file ({error}): fetch or write it again"
        ) from error


def _build(config: TTMConfig, tensors: dict[str, Tensor], path: Path) -> TinyTimeMixer:
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
            f"(expected {expected.get(first, 'none')}, found {found.get(first, 'none')})"
        )
    broken = [name for name, t in tensors.items() if not torch.isfinite(t).all()]
    if broken:
        raise WeightsError(f"{path} holds NaN or infinity in {broken[0]}: the weights are damaged")
    network.load_state_dict({name: t.float() for name, t in tensors.items()})
    return network.eval()
