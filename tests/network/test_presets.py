import pytest
import torch
from torch import nn

from ttm_estimators import PRESETS, TinyTimeMixer
from ttm_estimators.network.presets import PUBLISHED, find_config

OURS = sorted(PRESETS.keys() - PUBLISHED.keys() - {"ttm_l6"})


def make_empty(name: str) -> TinyTimeMixer:
    """A network of shapes only, which costs nothing."""
    with torch.device("meta"):
        return TinyTimeMixer(PRESETS[name])


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ttm_512_96", 805_280),
        ("ttm_512_192", 903_680),
        ("ttm_512_336", 1_051_280),
        ("ttm_512_720", 1_444_880),
        ("ttm_512_96_resolution", 855_100),
        ("ttm_512_192_resolution", 965_788),
        ("ttm_512_336_resolution", 1_131_820),
        ("ttm_512_720_resolution", 1_574_572),
        ("ttm_1024_96", 2_964_960),
        ("ttm_1536_96", 3_081_120),
        ("ttm_512_96_exogenous", 817_680),
        ("ttm_512_96_exogenous_mixer", 870_596),
    ],
)
def test_a_published_preset_has_the_published_parameters(name, parameters):
    assert count(make_empty(name)) == parameters


def test_no_published_preset_goes_uncounted():
    assert len(PUBLISHED) == 12
    assert PUBLISHED.items() <= PRESETS.items()


def test_the_six_level_preset_is_small_with_a_decoder_of_a_tenth_to_a_fifth_of_its_backbone():
    network = make_empty("ttm_l6")
    assert count(network) < 1_000_000
    assert PRESETS["ttm_l6"].level_factors == (32, 16, 8, 4, 2, 1)
    assert 0.1 <= count(network.decoder) / count(network.backbone) <= 0.2


@pytest.mark.parametrize("name", OURS)
def test_our_preset_has_at_most_a_million_parameters(name):
    assert count(make_empty(name)) <= 1_000_000


def test_there_is_a_preset_of_ours_with_quantiles_and_masks():
    assert OURS
    assert all(PRESETS[name].quantile_levels and PRESETS[name].mask_input for name in OURS)


@pytest.mark.parametrize("network", ["ttm_1", ["ttm_512_96"], None, 3])
def test_what_names_no_preset_is_told_those_that_there_are(network):
    with pytest.raises(ValueError, match=r"unknown preset .*ttm_512_96"):
        find_config(network)


def test_a_configuration_is_found_by_name_or_made_of_fields():
    assert find_config("ttm_512_96") is PRESETS["ttm_512_96"]
    assert find_config({"horizon": 24}).horizon == 24
