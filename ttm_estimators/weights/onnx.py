"""A network as an ONNX file, which runs without torch.

All that is done between a history on any scale and its quantiles is in the file: normalisation,
patches, the search for cycles. Batch and horizon are free. A file holds two networks that share
their weights, for histories of ``context_length`` and of ``input_length`` points, and the
configuration.

Matrices can be stored as whole numbers of 8 bits. The graph makes float32 of them first, so that
all is computed as ever, and the file is a third as large.

Shape suffixes: B batch, T time, F future patches.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ttm_estimators import __version__
from ttm_estimators.atomic import read_json, replacing
from ttm_estimators.inputs.aggregation import ForecastConfig, forecasting_of
from ttm_estimators.weights.folder import CONFIG_FILE, FORMAT, ONNX_PREFIX, sha256_of
from ttm_estimators.weights.seal import sealed

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

    from ttm_estimators.network import TinyTimeMixer

OPSET = 18
"""Version of the operators."""

Precision = Literal["float32", "int8"]
"""Number format of stored matrices."""

INT8_MAX = 127
"""Largest absolute value stored: -128 has no counterpart."""

MAX_FOLDED_VALUES = 64
"""Of an array that is stored rather than made at each forecast."""

EXAMPLE_SERIES = 3
EXAMPLE_PATCHES = 2
"""Sizes to trace with. A size of one would be taken for a constant."""


def export_onnx(
    network: TinyTimeMixer,
    path: str | Path,
    *,
    forecasting: ForecastConfig | None = None,
    weights_file: Path | None = None,
    weights: Precision = "float32",
) -> Path:
    """Write a network as an ONNX file.

    Its inputs are ``past``, float32 of shape (batch, time), ``observed``, bool of the same shape,
    and ``horizon``, a whole number. Time is ``context_length`` or ``input_length``, and what was
    not observed may hold anything but NaN. Its output ``quantiles`` has shape (batch, horizon,
    levels). :func:`ttm_estimators.load` takes the file.

    Parameters
    ----------
    network : TinyTimeMixer
        Network that forecasts every channel by itself.
    path : str or Path
        File to write, ``.onnx``.
    forecasting : ForecastConfig, optional
        How to forecast with it. Default: what was kept with the network, or is usual.
    weights_file : Path, optional
        Safetensors file beside ``path`` that holds the weights. The ONNX file then refers to it,
        and is small. Default: the weights are in the ONNX file.
    weights : {"float32", "int8"}, default "float32"
        How matrices are stored: as they are, or as whole numbers of 8 bits with one float32 scale
        for each output, which moves forecasts a little. All is computed in float32.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        When the network is tied to its channels, as after fine-tuning with covariates, or
        ``weights`` is "int8" and there is a ``weights_file``, which holds others.
    """
    import onnx
    from safetensors.torch import save as format_safetensors

    config = network.config
    if weights == "int8" and weights_file is not None:
        raise ValueError(f"weights of 8 bits are not those of {weights_file}: leave one out")
    if config.tied_channels:
        raise ValueError(
            "this network mixes channels or takes covariates, which an ONNX file can not hold: "
            "export one that forecasts every channel by itself"
        )
    forecasting = forecasting_of(network) if forecasting is None else forecasting
    forecasting.check(config)
    lengths = sorted({config.context_length, config.input_length})
    model = _joined([_exported(network, length) for length in lengths], network)
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    data = format_safetensors(tensors)
    if weights == "int8":
        data = _store_as_int8(model)
    elif weights_file is not None:
        _refer_to(model, weights_file)
        data = weights_file.read_bytes()
    onnx.helper.set_model_props(
        model,
        {
            "format": FORMAT,
            "version": __version__,
            "network": json.dumps(json.loads(config.to_json())),
            "forecasting": json.dumps(asdict(forecasting)),
            "weights_sha256": sha256_of(data),
            "weights_file": "" if weights_file is None else weights_file.name,
        },
    )
    path = Path(path)
    with replacing(path) as partial:
        partial.write_bytes(sealed(model.SerializeToString(deterministic=True)))
    return path


def is_ours(folder: Path) -> bool:
    """Whether a weights folder has our layout, with our names of weights."""
    return read_json(folder / CONFIG_FILE).get("format") == FORMAT


def _refer_to(model: ModelProto, weights_file: Path) -> None:
    """Leave the weights out of a model that are in a safetensors file, and say where they are.

    Such a file holds plain arrays one after the other, as ONNX wants external data.
    """
    import onnx

    with weights_file.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    for one in model.graph.initializer:
        begin, end = header[one.name.removeprefix(ONNX_PREFIX)]["data_offsets"]
        one.ClearField("raw_data")
        one.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (
            ("location", weights_file.name),
            ("offset", 8 + size + begin),
            ("length", end - begin),
        ):
            one.external_data.add(key=key, value=str(value))


def _store_as_int8(model: ModelProto) -> bytes:
    """Store matrices as whole numbers of 8 bits, and return the bytes of all weights.

    A row, which makes one output, has the scale at which its largest number is 127.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    kept, nodes = [], []
    for one in model.graph.initializer:
        if len(one.dims) != 2:
            kept.append(one)
            continue
        values = numpy_helper.to_array(one)
        scale = np.abs(values).max(axis=1) / INT8_MAX
        scale[scale == 0] = 1
        whole = np.round(values / scale[:, None]).astype(np.int8)
        names = [f"{one.name}.int8", f"{one.name}.scale"]
        kept += map(numpy_helper.from_array, (whole, scale), names)
        nodes.append(helper.make_node("DequantizeLinear", names, [one.name], axis=0))
    nodes += model.graph.node
    for field, entries in ((model.graph.initializer, kept), (model.graph.node, nodes)):
        del field[:]
        field.extend(entries)
    return b"".join(one.SerializeToString(deterministic=True) for one in kept)


def _exported(network: TinyTimeMixer, length: int) -> ModelProto:
    """Export a network for histories of one length."""
    import torch
    from onnxscript import opset18
    from torch import Tensor, nn

    from ttm_estimators.network.resolution import unknown_resolution

    op: Any = opset18
    config = network.config
    patch_length = _patch_length(network)

    class Quantiles(nn.Module):
        """One channel, and as many future patches as ``steps`` is long."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, past_BT: Tensor, observed_BT: Tensor, steps_F: Tensor) -> Tensor:
            quantiles: Tensor = self.network(
                past_BT[..., None],
                observed_BT[..., None],
                horizon=steps_F.shape[0] * patch_length,
                resolution_B=unknown_resolution(config, past_BT),
            )
            return quantiles[:, :, 0]

    def cummax(x: Any, dim: int) -> Any:
        """The maximum so far: with copies that are shifted by 1, 2, 4 and so on."""
        size, shift, far = x.shape[dim], 1, 2**31 - 1
        while shift < size:
            first = op.Slice(x, [0], [shift], [dim])
            later = op.Slice(x, [shift], [far], [dim])
            x = op.Concat(first, op.Max(later, op.Slice(x, [0], [-shift], [dim])), axis=dim)
            shift *= 2
        return x, x

    batch = torch.export.Dim("batch")
    future = config.horizon // patch_length
    patches = torch.export.Dim("patches", min=1, max=future) if future > 1 else None
    past = torch.randn(EXAMPLE_SERIES, length)
    with _quiet():
        program = torch.export.export(
            Quantiles().eval(),
            (past, past > -1, torch.zeros(min(EXAMPLE_PATCHES, future))),
            dynamic_shapes=({0: batch}, {0: batch}, {0: patches} if patches else None),
            strict=False,
        )
        exported = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            optimize=False,  # see _fold
            input_names=["past", "observed", "steps"],
            output_names=["quantiles"],
            custom_translation_table={torch.ops.aten.cummax.default: cummax},
            verbose=False,
        )
    assert exported is not None
    return _fold(exported.model_proto, _names(network))


def _patch_length(network: TinyTimeMixer) -> int:
    """Steps that can be forecast apart: the whole horizon, if not patches of it."""
    config = network.config
    whole = config.horizon % config.output_patch_length == 0
    return config.output_patch_length if config.head == "patch" and whole else config.horizon


def _joined(models: list[ModelProto], network: TinyTimeMixer) -> ModelProto:
    """One model of those for each length of a history, with a horizon as input."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    config = network.config
    weights: dict[str, TensorProto] = {}
    for model in models:
        assert not model.functions
        _keep_apart(model.graph, weights, _names(network))
    patch = _patch_length(network)
    constants = {
        "patch": np.int64(patch),
        "patch_less_one": np.int64(patch - 1),
        "axis": np.array([0]),
        "steps_axis": np.array([1]),
        "zero": np.array([0]),
        "context": np.array([config.context_length]),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))
        for name, value in constants.items()
    ]
    nodes += [
        helper.make_node("Add", ["horizon", "patch_less_one"], ["raised"]),
        helper.make_node("Div", ["raised", "patch"], ["count"]),
        helper.make_node("Unsqueeze", ["count", "axis"], ["counts"]),
        helper.make_node("ConstantOfShape", ["counts"], ["steps"]),
        helper.make_node("Shape", ["past"], ["points"], start=1, end=2),
        helper.make_node("Equal", ["points", "context"], ["is_context"]),
        helper.make_node("Squeeze", ["is_context"], ["is_short"]),
        helper.make_node(
            "If",
            ["is_short"],
            ["all_quantiles"],
            then_branch=models[0].graph,
            else_branch=models[-1].graph,
        ),
        helper.make_node("Unsqueeze", ["horizon", "axis"], ["end"]),
        helper.make_node("Slice", ["all_quantiles", "zero", "end", "steps_axis"], ["quantiles"]),
    ]
    shape = ["batch", "time"]
    graph = helper.make_graph(
        nodes,
        "TinyTimeMixer",
        [
            helper.make_tensor_value_info("past", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("observed", TensorProto.BOOL, shape),
            helper.make_tensor_value_info("horizon", TensorProto.INT64, []),
        ],
        [
            helper.make_tensor_value_info(
                "quantiles",
                TensorProto.FLOAT,
                ["batch", "horizon", max(1, len(config.quantile_levels))],
            )
        ],
        list(weights.values()),
    )
    return helper.make_model(
        graph,
        producer_name=FORMAT,
        opset_imports=list(models[0].opset_import),
        ir_version=models[0].ir_version,
    )


def _keep_apart(graph: GraphProto, weights: dict[str, TensorProto], names: set[str]) -> None:
    """Make a graph a branch of another, to which its weights go, and leave out what only tells
    where in Python it comes from.
    """
    for node in graph.node:
        del node.metadata_props[:]
        node.ClearField("doc_string")
    initializers = [*graph.initializer]
    for field in (graph.initializer, graph.input, graph.value_info, graph.metadata_props):
        del field[:]
    for one in initializers:
        del one.metadata_props[:]
    weights |= {one.name: one for one in initializers if one.name in names}
    graph.initializer.extend(one for one in initializers if one.name not in names)


def _names(network: TinyTimeMixer) -> set[str]:
    """Names of the weights in ONNX files."""
    return {ONNX_PREFIX + name for name in network.state_dict()}


def _fold(model: ModelProto, names: set[str]) -> ModelProto:
    """Work out what follows from constants, unless it is large, and once what is the same.

    It leaves a third of the nodes, of which a runtime makes a session in a fifth of the time. What
    runtimes round is not touched. The exporter's own rewriting leaves hardly fewer, and takes
    longer than all else.
    """
    import onnx_ir as ir
    from onnx import helper
    from onnx_ir.passes import common
    from onnxscript import optimizer

    weights = [one for one in model.graph.initializer if one.name in names]
    for one in weights:  # as inputs, for nothing is to be made of them beforehand
        model.graph.initializer.remove(one)
        info = helper.make_tensor_value_info(one.name, one.data_type, one.dims)
        model.graph.input.append(info)
    folded = ir.serde.deserialize_model(model)
    optimizer.fold_constants(
        folded,
        onnx_shape_inference=True,
        input_size_limit=MAX_FOLDED_VALUES,
        output_size_limit=MAX_FOLDED_VALUES,
    )
    passes = ir.passes.Sequential(
        common.RemoveUnusedNodesPass(),
        common.IdentityEliminationPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.RemoveUnusedNodesPass(),
    )
    model = ir.serde.serialize_model(passes(folded).model)
    model.graph.initializer.extend(weights)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of packages that are of no use here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
