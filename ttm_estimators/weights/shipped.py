"""The models that ship inside the package."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from ttm_estimators.weights.folder import CONFIG_FILE, WeightsError
from ttm_estimators.weights.hub import fetch, is_address

ONNX_SUFFIX = ".onnx"
ONNX_FILE = f"model{ONNX_SUFFIX}"
"""In a weights folder: its network for onnxruntime."""

ON_HUB = re.compile(
    r"https?:/{1,2}(?:www\.)?(?:huggingface|hf)\.co/([\w.-]+/[\w.-]+)|([\w-][\w.-]*/[\w.-]+)$"
)
"""What may be meant as a repository of the hub: its page, or ``owner/name``."""

DEFAULT = "ttm-2048-720"
"""The model that is used when none is named."""


def shipped_folder() -> Path:
    """Folder that holds one folder for each shipped model."""
    return Path(str(resources.files("ttm_estimators.weights")))


def shipped_models() -> list[str]:
    """Names of the shipped models, the default first."""
    names = sorted(path.parent.name for path in shipped_folder().glob(f"*/{CONFIG_FILE}"))
    return sorted(names, key=lambda name: name != DEFAULT)


def resolve(name_or_folder: str | Path | None) -> Path:
    """Find the folder of a shipped model, of one on disk, or of one on the Hugging Face Hub.

    Raises
    ------
    WeightsError
        When the name is neither a shipped model nor a folder, or the hub does not give it. The
        message lists the names. Of a file, it says which folder to give.
    """
    if name_or_folder is None:
        name_or_folder = DEFAULT
    if str(name_or_folder) in shipped_models():
        return shipped_folder() / str(name_or_folder)
    if is_address(name_or_folder):
        return fetch(str(name_or_folder))
    folder = Path(os.path.expanduser(name_or_folder))  # leaves names of unknown users as they are
    if str(name_or_folder) and folder.is_dir():
        return folder
    if folder.is_file():
        what = "an ONNX file, which only forecasts" if is_onnx_file(folder) else "a file"
        of_folder = (folder.parent / CONFIG_FILE).is_file()
        give = f"its folder {folder.parent}" if of_folder else "the folder of its weights"
        raise WeightsError(f"model {str(name_or_folder)!r} is {what}: give {give}")
    meant = ON_HUB.match(str(name_or_folder))
    raise WeightsError(
        f"unknown model {str(name_or_folder)!r}: neither a folder nor one of the shipped models "
        f"{shipped_models()}" + (f"; of the hub, give hf://{meant[1] or meant[2]}" if meant else "")
    )


def is_onnx_file(name_or_path: str | Path | None) -> bool:
    """Whether a model is named by an ONNX file, be it there or not."""
    text = str(name_or_path)
    return text.endswith(ONNX_SUFFIX) and not (
        is_address(text) or Path(os.path.expanduser(text)).is_dir()
    )


def onnx_file(name_or_path: str | Path | None) -> Path:
    """Find the ONNX file of a shipped model, of a folder, or one on disk.

    Raises
    ------
    WeightsError
        When there is none. The message says how to make it.
    """
    if is_onnx_file(name_or_path):
        path = Path(os.path.expanduser(str(name_or_path)))
        if not path.is_file():
            raise WeightsError(f"there is no file {path}: write it with ttm export")
        return path
    folder = resolve(name_or_path)
    path = folder / ONNX_FILE
    if not path.is_file():
        raise WeightsError(
            f"{folder} has no {ONNX_FILE}, which onnxruntime needs: where torch is installed, "
            f"write it with ttm export {path} --model {folder}"
        )
    return path
