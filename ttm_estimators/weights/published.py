"""The published checkpoint layout: its configuration and tensor names in terms of ours.

Settings that the published code offers and this network does not are refused by name, never
ignored.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ttm_estimators.network import TTMConfig

if TYPE_CHECKING:
    from torch import Tensor

MODEL_TYPE = "tinytimemixer"

REQUIRED: dict[str, tuple[Any, ...]] = {
    "mode": ("common_channel",),
    "scaling": ("std", True),
    "minimum_scale": (1e-5,),
    "norm_mlp": ("LayerNorm", "layernorm"),
    "norm_eps": (1e-5,),
    "use_decoder": (True,),
    "decoder_raw_residual": (False,),
    "decoder_adaptive_patching_levels": (0,),
    "decoder_mode": ("common_channel", "mix_channel"),
    "use_positional_encoding": (False,),
    "self_attn": (False,),
    "gate_mode": ("softmax",),
    "fcm_prepend_past": (True,),
    "fcm_prepend_past_offset": (None,),
    "multi_scale": (False,),
    "register_tokens": (0,),
    "fft_length": (0,),
    "multi_quantile_head": (False,),
    "decompose": (False,),
    "enable_base_norm_always": (False,),
}
"""Values that this network can reproduce. A key that is absent has the first of them, which is
the published default everywhere but for the decoder and the adaptive levels."""


RENAMES: tuple[tuple[str, str], ...] = (
    (r"^backbone\.encoder\.patcher\.", "backbone.embedding."),
    (r"^backbone\.encoder\.freq_mod\.0\.", "backbone.prefix.embedding."),
    (r"^backbone\.encoder\.freq_mod\.1\.", "backbone.prefix.projection.0."),
    (r"^backbone\.encoder\.freq_mod\.3\.", "backbone.prefix.projection.2."),
    (
        r"^backbone\.encoder\.mlp_mixer_encoder\.mixers\.(\d+)\.mixer_layers\.(\d+)\.",
        r"backbone.levels.\1.blocks.\2.",
    ),
    (r"^backbone\.encoder\.mlp_mixer_encoder\.mixers\.(\d+)\.", r"backbone.levels.0.blocks.\1."),
    (r"^decoder\.decoder_block\.mixers\.(\d+)\.", r"decoder.blocks.\1."),
    (r"^decoder\.decoder_cat_embedding_layer\.embedding_layers\.(\d+)\.", r"decoder.statics.\1."),
    (r"^head\.base_forecast_block\.", "head.layers.projection."),
    (r"^head\.fcm_block\.exog_mixer\.mixers\.(\d+)\.", r"exogenous.blocks.\1."),
    (r"^head\.fcm_block\.fcm_embedding\.", "exogenous.embedding."),
    (r"^head\.fcm_block\.fcm_gating_block\.attn_layer\.", "exogenous.gate.attention."),
    (r"^head\.fcm_block\.mlp\.", "exogenous.projection."),
    (r"\.channel_feature_mixer\.", ".mixers.channel."),
    (r"\.patch_mixer\.", ".mixers.patch."),
    (r"\.feature_mixer\.", ".mixers.feature."),
    (r"\.norm\.norm\.", ".norm."),
    (r"\.gating_block\.attn_layer\.", ".gate.attention."),
)
"""Published name patterns and ours, applied in this order."""


HEAD = "head.layers.projection."


def rename_published(tensors: dict[str, Tensor], horizon: int) -> dict[str, Tensor]:
    """Give the tensors of a published checkpoint our names.

    Steps beyond ``horizon`` are cut from its head: a checkpoint that was tuned with a
    ``prediction_filter_length`` has learnt nothing there.
    """
    renamed = {}
    for name, tensor in tensors.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor[:horizon] if name.startswith(HEAD) else tensor
    return renamed


def read_published_config(values: dict[str, Any]) -> TTMConfig:
    """Translate a published configuration.

    Raises
    ------
    ValueError
        When a key is missing, or asks for what this network does not do.
    """
    for name, allowed in REQUIRED.items():
        value = values.get(name, allowed[0])
        if value not in allowed:
            raise ValueError(f"{name} = {value!r} is not supported, only {allowed}")
    quantile = values.get("quantile", 0.5)
    if values.get("loss") == "pinball" and quantile != 0.5:
        raise ValueError(f"quantile = {quantile!r} is not supported, only the median 0.5")
    try:
        patch_length = values["patch_length"]
        if values["patch_stride"] != patch_length:
            raise ValueError(
                f"patch_stride {values['patch_stride']} must equal patch_length {patch_length}: "
                "overlapping patches are not supported"
            )
        exogenous = bool(values.get("enable_forecast_channel_mixing", False))
        gated = bool(values.get("gated_attn", True))
        if exogenous and bool(values.get("fcm_gated_attn", True)) != gated:
            raise ValueError("fcm_gated_attn must equal gated_attn")
        covariates = sorted(values.get("exogenous_channel_indices") or ())
        targets = sorted(values.get("prediction_channel_indices") or ())
        if covariates and not targets:
            targets = sorted(set(range(values["num_input_channels"])) - set(covariates))
        prefix = bool(values.get("resolution_prefix_tuning", False))
        mixed = exogenous and values.get("fcm_use_mixer", False)
        return TTMConfig(
            context_length=values["context_length"],
            horizon=values.get("prediction_filter_length") or values["prediction_length"],
            patch_length=patch_length,
            hidden_size=values["d_model"],
            adaptive_patching_levels=values["adaptive_patching_levels"],
            blocks_per_level=values["num_layers"],
            expansion=values["expansion_factor"],
            gate="softmax" if gated else "none",
            dropout=values.get("dropout", 0.2),
            decoder_hidden_size=values["decoder_d_model"],
            decoder_blocks=values["decoder_num_layers"],
            head_dropout=values.get("head_dropout", 0.2),
            channels=values["num_input_channels"],
            mix_channels=values.get("decoder_mode") == "mix_channel",
            resolutions=values["frequency_token_vocab_size"] if prefix else 0,
            static_cardinalities=tuple(values.get("categorical_vocab_size_list") or ()),
            target_channels=tuple(targets),
            covariate_channels=tuple(covariates) if exogenous else (),
            exogenous_mixing=exogenous,
            exogenous_context=values.get("fcm_context_length", 1) if exogenous else 0,
            exogenous_blocks=values.get("fcm_mix_layers", 2) if mixed else 0,
            exogenous_scaling="published" if exogenous else "own",
        )
    except KeyError as error:
        raise ValueError(f"the key {error} is missing") from error


def published_config(config: TTMConfig) -> dict[str, Any]:
    """Write a configuration in the terms of the published code.

    Returns
    -------
    dict
        Arguments of its ``TinyTimeMixerConfig``, which :func:`read_published_config` reads back.

    Raises
    ------
    ValueError
        When a field has a value that the published network does not offer. The message names it.
    """
    values = {
        "context_length": config.context_length,
        "prediction_length": config.horizon,
        "patch_length": config.patch_length,
        "patch_stride": config.patch_length,
        "d_model": config.hidden_size,
        "adaptive_patching_levels": config.adaptive_patching_levels,
        "num_layers": config.blocks_per_level,
        "expansion_factor": config.expansion,
        "gated_attn": config.gate == "softmax",
        "scaling": "std",
        "use_decoder": True,
        "dropout": config.dropout,
        "head_dropout": config.head_dropout,
        "decoder_d_model": config.decoder_hidden_size,
        "decoder_num_layers": config.decoder_blocks,
        "decoder_mode": "mix_channel" if config.mix_channels else "common_channel",
        "num_input_channels": config.channels,
        "resolution_prefix_tuning": config.resolutions > 0,
        "frequency_token_vocab_size": config.resolutions or 5,
        "categorical_vocab_size_list": list(config.static_cardinalities) or None,
        "prediction_channel_indices": list(config.target_channels) or None,
        "exogenous_channel_indices": list(config.covariate_channels) or None,
        "enable_forecast_channel_mixing": config.exogenous_mixing,
        "fcm_gated_attn": config.gate == "softmax",
        "fcm_context_length": config.exogenous_context,
        "fcm_use_mixer": config.exogenous_blocks > 0,
        "fcm_mix_layers": config.exogenous_blocks or 2,
    }
    again = replace(read_published_config(values), exogenous_scaling=config.exogenous_scaling)
    lost = [
        one.name for one in fields(config) if getattr(again, one.name) != getattr(config, one.name)
    ]
    if lost:
        raise ValueError(f"the published network has no such {', '.join(lost)}")
    return values
