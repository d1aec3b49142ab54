"""Write the golden checkpoints, with the published code, in the environment of ``make parity``.

Each folder of ``golden/`` holds a tiny published checkpoint and an example: inputs and the forecast
that the published code makes of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from compare import published_forecast, published_model, quieten, random_inputs
from safetensors.torch import save_file

from ttm_estimators import TTMConfig

GOLDEN = Path(__file__).parent / "golden"

PLAIN = TTMConfig(
    context_length=30,
    horizon=8,
    patch_length=6,
    hidden_size=16,
    adaptive_patching_levels=2,
    blocks_per_level=1,
    decoder_hidden_size=12,
    decoder_blocks=1,
)
MIXING = replace(PLAIN, channels=4, mix_channels=True)

GEOMETRIES = {
    "plain": PLAIN,
    "resolution": replace(PLAIN, resolutions=4),
    "static": replace(MIXING, static_cardinalities=(3, 2)),
    "exogenous": replace(
        MIXING,
        target_channels=(0, 2),
        covariate_channels=(1, 3),
        exogenous_mixing=True,
        exogenous_context=2,
        exogenous_blocks=1,
    ),
}


def main() -> None:
    """Write every geometry anew."""
    quieten()
    for name, config in GEOMETRIES.items():
        generator = torch.Generator().manual_seed(0)
        model = published_model(config, config.horizon, generator)
        model.save_pretrained(GOLDEN / name)
        inputs = random_inputs(config, config.horizon, generator)
        forecast = published_forecast(model, config, inputs)
        save_file({**inputs, "forecast_BHV": forecast}, GOLDEN / name / "example.safetensors")


if __name__ == "__main__":
    main()
