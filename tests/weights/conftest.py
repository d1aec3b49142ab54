from pathlib import Path

import pytest

from tests.tiny import tiny_network
from ttm_estimators import save_network

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


@pytest.fixture
def folder(tmp_path) -> Path:
    """A weights folder as it should be."""
    return save_network(tiny_network(), tmp_path / "model")
