from pathlib import Path

import pytest
import torch

from ttm_estimators import TinyTimeMixer, TTMConfig, save_network

TINY = TTMConfig(
    context_length=32,
    horizon=6,
    patch_length=8,
    hidden_size=16,
    levels=1,
    blocks_per_level=1,
    decoder_hidden_size=8,
    decoder_blocks=1,
    quantile_levels=(0.1, 0.5, 0.9),
)

PUBLISHED_SETTINGS = {
    "model_type": "tinytimemixer",
    "context_length": 32,
    "prediction_length": 6,
    "patch_length": 8,
    "patch_stride": 8,
    "d_model": 16,
    "adaptive_patching_levels": 1,
    "num_layers": 1,
    "expansion_factor": 2,
    "decoder_d_model": 8,
    "decoder_num_layers": 1,
    "num_input_channels": 4,
}


def make_network(seed: int = 0) -> TinyTimeMixer:
    torch.manual_seed(seed)
    return TinyTimeMixer(TINY).eval()


@pytest.fixture
def folder(tmp_path) -> Path:
    """A weights folder as it should be."""
    return save_network(make_network(), tmp_path / "model")
