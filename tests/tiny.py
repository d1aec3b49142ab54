"""The tiny network of the tests, in the shape of the one that ships."""

from dataclasses import replace

import torch

from ttm_estimators import TinyTimeMixer, TTMConfig

TINY = TTMConfig(
    context_length=64,
    horizon=12,
    patch_length=8,
    hidden_size=16,
    adaptive_patching_levels=2,
    blocks_per_level=1,
    decoder_hidden_size=8,
    decoder_blocks=1,
    scales=(1, 2),
    mask_input=True,
    gate="sigmoid",
    head="patch",
    shortcut=True,
    seasons=True,
    seasons_length=128,
    output_patch_length=4,
    quantile_levels=(0.1, 0.25, 0.5, 0.75, 0.9),
)

PUBLISHED_KIND = {
    "scales": (1,),
    "mask_input": False,
    "gate": "softmax",
    "head": "flat",
    "shortcut": False,
    "seasons": False,
    "seasons_length": 0,
    "quantile_levels": (),
}
"""What makes of it a network of the published kind, which forecasts a point."""


def tiny_network(seed: int = 0, **changes: object) -> TinyTimeMixer:
    """Random weights, also in the layers that begin at zero."""
    torch.manual_seed(seed)
    network = TinyTimeMixer(replace(TINY, **changes)).eval()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network
