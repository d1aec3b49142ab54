"""``ttm export``: a model as an ONNX file, which runs without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.options import Model
from ttm_estimators.command_line.output import check_output, replacing


def export(
    output: Annotated[Path, typer.Argument(help="File to write: .onnx.", metavar="OUT.onnx")],
    model: Model = None,
    weights: Annotated[
        Literal["float32", "int8"],
        typer.Option(help="float32, or int8: a third of the bytes, nearly as accurate."),
    ] = "float32",
) -> None:
    """Write a model as an ONNX file, which onnxruntime runs without torch.

    Into the folder of the model itself it writes a small one that refers to the weights there,
    unless they are to be of 8 bits.
    """
    check_output(output, "OUT.onnx", (".onnx",))
    require("torch", "export", "ttm export")
    require("onnxscript", "export", "ttm export")
    from ttm_estimators.weights import load_network, resolve
    from ttm_estimators.weights.folder import WEIGHTS_FILE
    from ttm_estimators.weights.onnx import export_onnx, is_ours
    from ttm_estimators.weights.shipped import ONNX_FILE

    try:
        folder = resolve(model)
        network = load_network(folder)
        same = weights == "float32" and output.parent.resolve() == folder.resolve()
        if output.name == ONNX_FILE and (output.parent / WEIGHTS_FILE).exists() and not same:
            raise InputError(
                f"load takes {output} for the weights of its folder, and these would be others: "
                f"give another name, such as mine-{weights}.onnx"
            )
        file = folder / WEIGHTS_FILE if same and is_ours(folder) else None
        with replacing(output) as path:
            export_onnx(network, path, weights_file=file, weights=weights)
    except ValueError as error:
        raise InputError(str(error)) from error
    typer.echo(f"Wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")
