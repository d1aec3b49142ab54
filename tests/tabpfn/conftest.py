import dataclasses
from pathlib import Path

import pytest
import torch

NON_COMMERCIAL = "ignore:.*licensed for non-commercial use only"


def pytest_collection_modifyitems(items):
    """Tests do not trade with the forecasts. One test asks for this warning."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(NON_COMMERCIAL), append=False)


def write_checkpoint(path: Path) -> Path:
    """Write random weights of TabPFN's latest network: they forecast nothing."""
    pytest.importorskip("tabpfn_time_series", reason="needs the extra tabpfn: make tabpfn")
    import ttm_tabpfn  # noqa: F401 (no telemetry)

    arch = pytest.importorskip("tabpfn.architectures.tabpfn_v3_5")
    from tabpfn.checkpoint import save_as_safetensors
    from tabpfn.constants import ModelVersion
    from tabpfn.inference_config import InferenceConfig

    config = arch.TabPFNV3p5Config(
        max_num_classes=10,
        num_buckets=100,
        embed_dim=16,
        dist_embed_num_blocks=1,
        dist_embed_num_heads=2,
        dist_embed_num_inducing_points=8,
        feat_agg_num_blocks=1,
        feat_agg_num_heads=2,
        feat_agg_num_cls_tokens=2,
        nlayers=2,
        icl_num_heads=2,
        icl_num_kv_heads_test=1,
        decoder_head_dim=8,
        decoder_num_heads=2,
    )
    inference = dataclasses.replace(
        InferenceConfig.get_default("regression", ModelVersion.V2_5), N_ESTIMATORS=1
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = arch.get_architecture(config)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)  # else forecasts do not depend on dates
    save_as_safetensors(
        {
            "state_dict": network.state_dict(),
            "config": dataclasses.asdict(config),
            "architecture_name": "tabpfn_v3_5",
            "inference_config": dataclasses.asdict(inference),
        },
        path,
    )
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """Random weights of version 3.5."""
    return write_checkpoint(tmp_path_factory.mktemp("tabpfn") / "tiny-tabpfn-v3.5.safetensors")
