"""A model for others: its weights folder on the Hugging Face Hub."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ttm_estimators.extras import check_installed
from ttm_estimators.weights.card import Card, read_card, write_card
from ttm_estimators.weights.folder import load_network, save_network
from ttm_estimators.weights.hub import FILES, README_FILE, check_repository, library, told_of
from ttm_estimators.weights.shipped import resolve

if TYPE_CHECKING:
    from ttm_estimators.forecasting import Forecaster
    from ttm_estimators.network import TinyTimeMixer
    from ttm_estimators.training.fine_tuning.result import FineTuneResult


def save_to_hub(
    model: str | Path | TinyTimeMixer | Forecaster | FineTuneResult,
    repository: str,
    *,
    revision: str | None = None,
    private: bool | None = None,
    message: str = "Add weights",
) -> str:
    """Put a model on the Hugging Face Hub. ``pip install 'ttm-estimators[hub]'``.

    ``config.json``, ``model.safetensors``, ``card.json`` and ``README.md`` are sent, and nothing
    else. The README begins with the metadata that the hub shows, unless it has its own.

    Parameters
    ----------
    model : str, Path, TinyTimeMixer, Forecaster or FineTuneResult
        Shipped model or weights folder, with its card and README where it has them; a network; or
        what forecasts with one, or fine-tuning gave, with the names of its covariates.
    repository : str
        "owner/name". It is made if need be.
    revision : str, optional
        Branch, which is made if need be. Default: the main one.
    private : bool, optional
        Whether a new repository is private. Default: what its owner has set on the hub.
    message : str, default "Add weights"
        Of the commit.

    Returns
    -------
    str
        Address of the commit, for :func:`ttm_estimators.load`: "hf://owner/name@commit".

    Raises
    ------
    ttm_estimators.WeightsError
        When the model is unknown or damaged, ``huggingface_hub`` is not installed, or the hub
        refuses: log in with ``hf auth login``, or set ``HF_TOKEN``.
    """
    check_repository(repository)
    check_installed("save_to_hub", "torch", "torch")
    hub = library()
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(model, folder)
        _write_readme(folder, repository)
        with told_of(f"hf://{repository}"):
            api = hub.HfApi(library_name="ttm-estimators")
            api.create_repo(repository, private=private, exist_ok=True)
            if revision is not None:
                api.create_branch(repository, branch=revision, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repository,
                folder_path=folder,
                allow_patterns=[*FILES],
                revision=revision,
                commit_message=message,
            )
    return f"hf://{repository}@{commit.oid}"


def _write(model: Any, folder: Path) -> None:
    """Write the weights folder of a model."""
    from ttm_estimators.network import TinyTimeMixer  # imports torch

    if isinstance(model, str | Path):
        source = resolve(model)
        load_network(source)  # refuses what is damaged
        read_card(source)
        for name in FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
    elif hasattr(model, "save"):  # of fine-tuning, with a card
        model.save(folder)
    else:
        network = model if isinstance(model, TinyTimeMixer) else model.network
        save_network(network, folder, getattr(model, "forecasting", None))
        card: Card = {"parameters": sum(tensor.numel() for tensor in network.parameters())}
        if getattr(model, "roles", None):
            card["covariates"] = asdict(model.roles)
        write_card(folder, card)


def _write_readme(folder: Path, repository: str) -> None:
    """Put the metadata that the hub shows before a README."""
    path = folder / README_FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.startswith("---"):
        return
    lines = [
        "library_name: ttm-estimators",
        "pipeline_tag: time-series-forecasting",
        "tags: [forecasting, time-series, tinytimemixer, zero-shot]",
    ]
    licence = read_card(folder).get("licence", "")
    if licence and not any(sign.isspace() for sign in licence):  # an identifier, no sentence
        lines.append(f"license: {licence.lower()}")
    if not text:
        text = (
            f"# {repository.partition('/')[2]}\n\nWeights of a TinyTimeMixer, which forecasts time "
            "series:\n\n```python\nimport ttm_estimators\n\n"
            f'model = ttm_estimators.load("hf://{repository}")\n```\n'
        )
    metadata = "\n".join(("---", *lines, "---", ""))
    path.write_text(f"{metadata}\n{text}", encoding="utf-8")
