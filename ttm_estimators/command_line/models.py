"""``ttm models``: what ships with the package."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import typer

from ttm_estimators.command_line.errors import InputError


def models(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list instead of lines.")
    ] = False,
) -> None:
    """List the models that ship with the package."""
    found = _describe_models()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for model in found:
        typer.echo(
            f"{model['name']}{' (default)' if model['default'] else ''}: "
            f"{model['parameters']:,} parameters, context {model['context_length']}, "
            f"horizon {model['horizon']}"
        )
        for one in model["accuracy"]:
            told = f"{one['data']}, horizon {one['horizon']}: {one['metric']} {one['value']:.3f}"
            typer.echo(f"  {told}")
        if not model["accuracy"]:
            typer.echo("  accuracy not measured")
    typer.echo("Any horizon may be forecast. How accuracy was measured: ttm models --json")


def _describe_models() -> list[dict[str, Any]]:
    """Facts about every shipped model, the default first, from its weights and its card."""
    from safetensors import safe_open

    from ttm_estimators.forecasting import load
    from ttm_estimators.weights import DEFAULT, WeightsError, read_card, resolve, shipped_models
    from ttm_estimators.weights.folder import WEIGHTS_FILE

    found = []
    for name in shipped_models():
        folder = resolve(name)
        try:
            config = load(name).config
        except (ImportError, WeightsError) as error:
            raise InputError(str(error)) from error
        with safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            shapes = [file.get_slice(each).get_shape() for each in file.keys()]  # noqa: SIM118
        found.append(
            {
                "name": name,
                "default": name == DEFAULT,
                "parameters": sum(map(math.prod, shapes)),
                "context_length": config.context_length,
                "horizon": config.horizon,
                "quantile_levels": config.quantile_levels,
                "accuracy": read_card(folder).get("accuracy", []),
            }
        )
    return found
