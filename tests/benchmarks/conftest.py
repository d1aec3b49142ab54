from pathlib import Path

import pytest
import torch

from ttm_benchmarks.command_line import main
from ttm_estimators import TinyTimeMixer, TTMConfig, save_network


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """An untrained network with deciles, on disk."""
    torch.manual_seed(0)
    config = TTMConfig(
        context_length=64,
        horizon=12,
        patch_length=8,
        hidden_size=16,
        levels=1,
        blocks_per_level=1,
        decoder_hidden_size=8,
        decoder_blocks=1,
        mask_input=True,
        quantile_levels=tuple(k / 10 for k in range(1, 10)),
    )
    return save_network(TinyTimeMixer(config), tmp_path_factory.mktemp("model"))


@pytest.fixture
def bench(capsys):
    """Run ``ttm-bench`` and return its exit code, its output and its error output."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run
