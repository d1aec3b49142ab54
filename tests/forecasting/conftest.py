from dataclasses import replace

import pytest
import torch

from ttm_estimators import Forecaster, TinyTimeMixer, TTMConfig

TINY = TTMConfig(
    context_length=64,
    horizon=12,
    patch_length=8,
    hidden_size=16,
    levels=2,
    blocks_per_level=1,
    decoder_hidden_size=8,
    decoder_blocks=1,
    scales=(1, 2),
    mask_input=True,
    gate="sigmoid",
    head="patch",
    output_patch_length=4,
    quantile_levels=(0.1, 0.25, 0.5, 0.75, 0.9),
)


def make_forecaster(**changes: object) -> Forecaster:
    torch.manual_seed(0)
    return Forecaster(TinyTimeMixer(replace(TINY, **changes)))


@pytest.fixture(scope="session")
def forecaster() -> Forecaster:
    """An untrained network in the shape of the one that ships."""
    return make_forecaster()


@pytest.fixture(scope="session")
def point_forecaster() -> Forecaster:
    """An untrained network of the published kind, without mask, scales or quantiles."""
    return make_forecaster(
        scales=(1,), mask_input=False, gate="softmax", head="flat", quantile_levels=()
    )
