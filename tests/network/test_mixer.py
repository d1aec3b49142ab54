from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.network.conftest import PLAIN
from ttm_estimators.network.backbone import AdaptivePatchingLevel
from ttm_estimators.network.mixer import GatedAttention, MixerBlock, make_gate


def make_block(**changes) -> MixerBlock:
    torch.manual_seed(0)
    return MixerBlock(PLAIN, 0.0, **{"patches": 3, "features": 6, **changes})


def changed(block: nn.Module, at: tuple[int, int, int]) -> torch.Tensor:
    """Where the output, shape (channels, patches, features), moves when one input does."""
    x = torch.randn(1, 4, 3, 6, generator=torch.Generator().manual_seed(1))
    y = x.clone()
    y[(0, *at)] += 1.0
    return (block(x) != block(y))[0]


def test_patch_and_feature_mixers_stay_within_a_channel():
    moved = changed(make_block(), (2, 1, 3))
    assert moved[2].all()
    assert not moved[[0, 1, 3]].any()


def test_a_channel_mixer_reaches_every_channel():
    moved = changed(make_block(channels=4), (2, 1, 3))
    assert moved.flatten(1).any(dim=1).all()


def test_the_feature_mixer_stays_within_a_patch():
    moved = changed(make_block().mixers["feature"], (2, 1, 3))
    assert moved[2, 1].all()
    assert not moved[2, [0, 2]].any()


def test_one_patch_needs_no_patch_mixer():
    assert list(make_block(patches=1).mixers) == ["feature"]
    assert list(make_block(patches=2, channels=4).mixers) == ["channel", "patch", "feature"]


@pytest.mark.parametrize("gate", ["softmax", "sigmoid"])
def test_a_gate_weighs_its_input(gate):
    torch.manual_seed(0)
    layer, x = GatedAttention(5, gate=gate), torch.randn(7, 5)
    weights = layer(x) / x
    assert ((weights > 0) & (weights < 1)).all()
    if gate == "softmax":
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(7))


def test_no_gate_passes_its_input():
    x = torch.randn(7, 5)
    assert make_gate(5, "none")(x) is x


def test_a_level_cuts_each_patch_in_consecutive_pieces_and_joins_them_again():
    level = AdaptivePatchingLevel(PLAIN, factor=2)
    seen = []
    level.blocks = nn.Identity()
    level.blocks.register_forward_hook(lambda module, args, output: seen.append(output))
    x_BCPD = torch.randn(2, 3, PLAIN.patches, PLAIN.hidden_size)
    torch.testing.assert_close(level(x_BCPD), x_BCPD, rtol=0, atol=0)
    expected = x_BCPD.reshape(2, 3, 2 * PLAIN.patches, PLAIN.hidden_size // 2)
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=0)


@pytest.mark.parametrize("gate", ["softmax", "sigmoid", "none"])
@pytest.mark.parametrize("channels", [None, 4])
def test_inference_mode_gives_the_same_bits_and_keeps_its_input(gate, channels):
    torch.manual_seed(0)
    block = MixerBlock(replace(PLAIN, gate=gate), 0.0, 3, 6, channels)
    x = torch.randn(2, 4, 3, 6)
    given, expected = x.clone(), block(x).detach()
    with torch.inference_mode():
        found = block(x)
    assert torch.equal(found, expected)
    assert torch.equal(x, given)
