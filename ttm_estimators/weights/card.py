"""The card of a weights folder: facts about a model and its training, for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, cast

from ttm_estimators.atomic import read_json, write_json

CARD_FILE = "card.json"

RENAMED = {"share": "fraction", "real_share": "real_fraction"}
"""Entries of older cards, and what they are called now."""


class Card(TypedDict, total=False):
    """Entries of ``card.json``. Each may be absent, and a card may have others."""

    # Of every model
    name: str
    parameters: int
    date: str
    data: str
    """Training data, in words."""
    licence: str
    accuracy: list[dict[str, Any]]
    """Each with data, horizon, metric, value, and the command that measures it."""
    overlaps_found: int
    """Windows of benchmarks that ``ttm corpus check`` found in the training data."""

    # Of training: pre-training and fine-tuning
    start: Any
    """Model that training started from: its name or folder, with a checksum after pre-training."""
    seed: int
    steps: int
    windows: int
    hardware: str

    # Of pre-training
    runs: list[dict[str, Any]]
    """Runs of which a model is the outcome, where there were several."""
    real_fraction: float
    """Fraction of windows that are cut from real series."""
    hours: float
    cores: int
    core_hours: float
    gpu_hours: float
    windows_per_second: int
    peak_memory_gb: float | None

    # Of fine-tuning
    horizon: int
    fine_tuning: dict[str, Any]
    """All its settings."""
    covariates: dict[str, Any]
    """Names of columns that are covariates, as fields of ``Roles``."""
    learning_rate: float
    validation_windows: int
    validation_loss: float
    zero_shot_validation_loss: float
    fraction: float
    """How far the weights lie from the first ones (0) towards the last ones of training (1)."""
    seconds: float


def read_card(folder: Path) -> Card:
    """Read the card of a weights folder.

    Parameters
    ----------
    folder : Path
        Weights folder.

    Returns
    -------
    Card
        Facts about the model, none where the folder has no card.

    Raises
    ------
    ValueError
        When the card is damaged.
    """
    path = folder / CARD_FILE
    try:
        found = read_json(path) if path.is_file() else {}
    except ValueError as error:
        raise ValueError(f"{error}: restore the card, or remove it") from error
    return cast(Card, {RENAMED.get(name, name): value for name, value in found.items()})


def write_card(folder: Path, card: Card, **others: Any) -> None:
    """Write the card of a weights folder, with other entries before its own."""
    write_json(folder / CARD_FILE, {**others, **card})
