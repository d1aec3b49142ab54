"""Published checkpoints forecast as they do with the code that wrote them."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ttm_estimators import load_network

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["plain", "resolution", "static", "exogenous"])
def test_a_published_checkpoint_forecasts_as_with_the_published_code(name):
    example = load_file(GOLDEN / name / "example.safetensors")
    expected = example.pop("forecast_BHV")
    with torch.inference_mode():
        forecast = load_network(GOLDEN / name)(**example)
    torch.testing.assert_close(forecast[..., 0], expected, rtol=0, atol=1e-5)
