"""Named geometries: the published ones, the paper's six-level one and the one that we ship."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ttm_estimators.network.config import TTMConfig

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

_512 = TTMConfig()
_LONG = TTMConfig(context_length=1024, patch_length=128, hidden_size=384, decoder_hidden_size=256)
_EXOGENOUS = replace(
    _512,
    channels=7,
    mix_channels=True,
    target_channels=(0, 1),
    covariate_channels=(4, 5, 6),
    exogenous_mixing=True,
    exogenous_context=10,
)

PUBLISHED: dict[str, TTMConfig] = {
    **{f"ttm_512_{h}": replace(_512, horizon=h) for h in (96, 192, 336, 720)},
    **{
        f"ttm_512_{h}_resolution": replace(_512, horizon=h, resolutions=10)
        for h in (96, 192, 336, 720)
    },
    "ttm_1024_96": _LONG,
    "ttm_1536_96": replace(_LONG, context_length=1536),
    "ttm_512_96_exogenous": _EXOGENOUS,
    "ttm_512_96_exogenous_mixer": replace(_EXOGENOUS, exogenous_blocks=2),
}
"""Geometries whose parameter counts the published code reproduces exactly."""

PRESETS: dict[str, TTMConfig] = {
    **PUBLISHED,
    # K = 32 makes patch mixers of 256 tokens: with gates, or with wider MLPs, they alone and a
    # decoder of a tenth of their size are past a million parameters.
    "ttm_l6": replace(_512, adaptive_patching_levels=6, expansion=1, gate="none"),
    "ttm_2048_720": TTMConfig(
        context_length=2048,
        horizon=720,
        scales=(1, 4),
        mask_input=True,
        gate="sigmoid",
        head="patch",
        shortcut=True,
        seasons=True,
        seasons_length=4096,
        quantile_levels=DECILES,
        dropout=0.0,
        head_dropout=0.0,
    ),
}
"""Every named geometry. ``ttm_2048_720`` is ours."""


def find_config(network: str | dict[str, Any]) -> TTMConfig:
    """Find the configuration that a preset's name or fields of :class:`TTMConfig` stand for.

    Raises
    ------
    ValueError
        When no preset has the name, or a field is unknown or out of range.
    """
    if isinstance(network, dict):
        return TTMConfig.from_dict(network)
    if not isinstance(network, str) or network not in PRESETS:
        raise ValueError(f"unknown preset {network!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[network]
