import re
from dataclasses import FrozenInstanceError

import pytest

from ttm_estimators import PRESETS, TTMConfig


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_the_way_through_json(name):
    config = PRESETS[name]
    assert TTMConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        *(
            ({name: 0}, f"{name} must be an integer of at least 1")
            for name in (
                "context_length",
                "horizon",
                "patch_length",
                "hidden_size",
                "blocks_per_level",
                "expansion",
                "decoder_hidden_size",
                "decoder_blocks",
                "channels",
                "output_patch_length",
            )
        ),
        *(
            ({name: -1}, f"{name} must be an integer of at least 0")
            for name in (
                "adaptive_patching_levels",
                "resolutions",
                "exogenous_context",
                "exogenous_blocks",
            )
        ),
        ({"horizon": 9.0}, "horizon must be an integer"),
        ({"horizon": True}, "horizon must be an integer"),
        ({"dropout": 1.0}, "dropout must"),
        ({"dropout": "high"}, "dropout must"),
        ({"head_dropout": float("nan")}, "head_dropout must"),
        ({"mix_channels": 1}, "mix_channels must be true or false"),
        ({"exogenous_mixing": "yes"}, "exogenous_mixing must be true or false"),
        ({"mask_input": None}, "mask_input must be true or false"),
        ({"gate": "relu"}, "gate must be one of"),
        ({"head": "deep"}, "head must be one of"),
        ({"exogenous_scaling": "none"}, "exogenous_scaling must be one of"),
        ({"scales": ()}, "scales must"),
        ({"scales": (2, 4)}, "scales must"),
        ({"scales": (1, 4, 2)}, "scales must"),
        ({"scales": 4}, "scales must"),
        ({"scales": (1, 2.0)}, "scales must"),
        ({"scales": (1, 5)}, "context_length 512 must be a multiple of the coarsest scale 5"),
        ({"scales": (1, 3, 4), "context_length": 576}, "every scale must divide"),
        ({"scales": (1, 16)}, "raise context_length or lower patch_length"),
        ({"patch_length": 513}, "raise context_length or lower patch_length"),
        ({"hidden_size": 190}, "hidden_size 190 must be a multiple of 4"),
        ({"target_channels": (1,)}, "target_channels names channel 1"),
        ({"target_channels": (-1,)}, "target_channels names channel -1"),
        ({"target_channels": "0"}, "target_channels must"),
        (
            {"channels": 3, "target_channels": (0,), "covariate_channels": (3,)},
            "covariate_channels",
        ),
        ({"channels": 2, "covariate_channels": (1,), "exogenous_mixing": True}, "target_channels"),
        ({"channels": 2, "target_channels": (0,), "covariate_channels": (1,)}, "exogenous_mixing"),
        (
            {
                "channels": 2,
                "target_channels": (0, 1),
                "covariate_channels": (1,),
                "exogenous_mixing": True,
            },
            "channels [1] are both targets and covariates",
        ),
        ({"exogenous_mixing": True, "exogenous_context": 513}, "exogenous_context 513"),
        ({"static_cardinalities": (3,)}, "static_cardinalities need mix_channels"),
        ({"static_cardinalities": (0,), "mix_channels": True}, "static_cardinalities must"),
        ({"quantile_levels": (0.5, 0.1)}, "quantile_levels must increase"),
        ({"quantile_levels": (0.5, 0.5)}, "quantile_levels must increase"),
        ({"quantile_levels": (0.0, 0.5)}, "quantile_levels must increase inside (0, 1)"),
        ({"quantile_levels": (0.5, 1.0)}, "quantile_levels must increase inside (0, 1)"),
        ({"quantile_levels": (0.1, 0.9)}, "quantile_levels must hold the median"),
        ({"quantile_levels": 0.5}, "quantile_levels must"),
        ({"quantile_levels": ("low", 0.5)}, "quantile_levels must"),
    ],
)
def test_a_wrong_field_is_named(changes, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        TTMConfig(**changes)


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"hidden": 3}', '{"scales": null}'])
def test_text_that_is_no_configuration_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        TTMConfig.from_json(text)


def test_a_field_from_the_future_is_named():
    with pytest.raises(ValueError, match=r"\['attention'\].*newer version"):
        TTMConfig.from_dict({"attention": 4})


def test_files_with_the_old_name_of_a_field_are_read_in_silence(recwarn):
    assert TTMConfig.from_json('{"levels": 2}') == TTMConfig(adaptive_patching_levels=2)
    assert not recwarn


def test_the_old_name_of_a_field_works_and_names_the_new_one():
    with pytest.warns(FutureWarning, match="adaptive_patching_levels"):
        config = TTMConfig(levels=2)
    with pytest.warns(FutureWarning, match="adaptive_patching_levels"):
        assert config.levels == config.adaptive_patching_levels == 2


def test_a_configuration_can_not_change():
    with pytest.raises(FrozenInstanceError):
        TTMConfig().horizon = 7


def test_patches_count_the_prefix_and_every_scale():
    config = TTMConfig(context_length=1024, scales=(1, 2), patch_length=100, resolutions=3)
    assert config.patches == 1 + 2 * (512 // 100)


@pytest.mark.parametrize(
    ("hidden_size", "levels", "factors"),
    [
        (192, 3, (4, 2, 1)),
        (192, 6, (32, 16, 8, 4, 2, 1)),
        (192, 1, (1,)),
        (192, 0, (1,)),
        (16, 3, (1, 2, 1)),
        (24, 4, (1, 4, 2, 1)),
    ],
)
def test_a_level_cuts_patches_unless_pieces_get_too_small(hidden_size, levels, factors):
    assert (
        TTMConfig(hidden_size=hidden_size, adaptive_patching_levels=levels).level_factors == factors
    )


def test_output_patches_cover_the_horizon():
    assert TTMConfig(horizon=97, output_patch_length=48).output_patches == 3
    assert TTMConfig(horizon=96, output_patch_length=48).output_patches == 2
