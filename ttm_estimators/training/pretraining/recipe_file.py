"""Recipe files: a network and how to train it, as YAML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ttm_estimators.network import TTMConfig, config
from ttm_estimators.network.presets import find_config
from ttm_estimators.training.recipe import OLD_NAMES, Recipe


class RecipeError(ValueError):
    """A recipe file that can not be used; the message says why and what to do."""


def shipped_recipes() -> dict[str, Path]:
    """Names and files of the recipes that ship, one for each shipped model."""
    folder = Path(str(resources.files("ttm_estimators.training.pretraining"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_recipe(name_or_file: str | Path) -> tuple[TTMConfig, Recipe]:
    """Read a recipe.

    Parameters
    ----------
    name_or_file : str or Path
        Name of a shipped recipe, or a YAML file. Its key ``network`` holds the name of a preset or
        fields of :class:`~ttm_estimators.network.TTMConfig`, the others are fields of
        :class:`~ttm_estimators.training.recipe.Recipe`.

    Raises
    ------
    RecipeError
        When the file is missing, is not YAML, or holds a setting that is unknown or out of range.
    """
    shipped = shipped_recipes()
    path = shipped.get(str(name_or_file), Path(name_or_file))
    if not path.is_file():
        raise RecipeError(
            f"unknown recipe {str(name_or_file)!r}: neither a file nor one of the shipped recipes "
            f"{list(shipped)}"
        )
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)
    except (UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise RecipeError(f"{path} is not YAML: {error}") from error
    if not isinstance(values, dict) or "network" not in values:
        raise RecipeError(f"{path} has no key 'network': name a preset there, such as ttm_2048_720")
    try:
        network = _read_network(values.pop("network"))
        values = {OLD_NAMES.get(name, name): value for name, value in values.items()}
        kinds = {field.name: field.type for field in fields(Recipe)}
        _refuse_unknown(values, kinds)
        for name, value in values.items():
            if kinds[name] == "float" and isinstance(value, str):  # YAML reads 3e-3 as text
                values[name] = _number(name, value)
        return network, Recipe(**values)
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from error


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc] # has no type information
    """Reads YAML without aliases, of which a few lines can stand for billions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias (*): write the value out")
        return super().compose_node(parent, index)


def _read_network(value: Any) -> TTMConfig:
    if isinstance(value, dict):
        # A configuration reads old names, or refuses them with advice of its own.
        names = [config.OLD_NAMES.get(name, name) for name in value if name != "far_factors"]
        _refuse_unknown(names, (field.name for field in fields(TTMConfig)))
    return find_config(value)


def _refuse_unknown(given: Iterable[object], known: Iterable[str]) -> None:
    known = list(known)
    for name in map(str, given):
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0)
            raise ValueError(f"unknown setting {name!r}: the nearest known one is {near[0]!r}")


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text!r}") from None
