"""Published settings are understood or refused by name. Forecasts: see tests/parity."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.weights.conftest import PUBLISHED_SETTINGS
from ttm_estimators import PRESETS, WeightsError, load_network, save_network
from ttm_estimators.network.presets import PUBLISHED
from ttm_estimators.weights.published import published_config, read_published_config

GOLDEN = Path(__file__).parents[1] / "parity" / "golden"

EXOGENOUS = {
    **PUBLISHED_SETTINGS,
    "decoder_mode": "mix_channel",
    "enable_forecast_channel_mixing": True,
    "prediction_channel_indices": [2, 0],
    "exogenous_channel_indices": [3, 1],
}


def test_the_geometry_is_read():
    config = read_published_config(
        {**PUBLISHED_SETTINGS, "resolution_prefix_tuning": True, "frequency_token_vocab_size": 7}
    )
    assert (config.context_length, config.horizon, config.patch_length) == (32, 6, 8)
    assert (config.hidden_size, config.adaptive_patching_levels, config.blocks_per_level) == (
        16,
        1,
        1,
    )
    assert (config.decoder_hidden_size, config.decoder_blocks) == (8, 1)
    assert (config.resolutions, config.gate, config.mix_channels) == (7, "softmax", False)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_geometry_is_written_as_it_is_read(name):
    config = PUBLISHED[name]
    again = read_published_config(published_config(config))
    assert replace(again, exogenous_scaling=config.exogenous_scaling) == config


def test_what_the_published_network_lacks_is_not_written():
    with pytest.raises(ValueError, match=r"no such gate, .*scales, mask_input, head"):
        published_config(PRESETS["ttm_2048_720"])


def test_a_head_is_cut_to_the_steps_that_were_tuned():
    config = read_published_config({**PUBLISHED_SETTINGS, "prediction_filter_length": 4})
    assert config.horizon == 4


def test_channels_are_sorted_as_the_published_code_does():
    config = read_published_config(EXOGENOUS)
    assert (config.target_channels, config.covariate_channels) == ((0, 2), (1, 3))


def test_without_named_targets_they_are_what_is_not_exogenous():
    for mixing in (True, False):
        settings = {**EXOGENOUS, "enable_forecast_channel_mixing": mixing}
        config = read_published_config({**settings, "prediction_channel_indices": None})
        assert config.target_channels == (0, 2)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mode": "mix_channel"}, "mode = 'mix_channel' is not supported"),
        ({"scaling": "mean"}, "scaling = 'mean' is not supported"),
        ({"scaling": None}, "scaling = None is not supported"),
        ({"minimum_scale": 1e-3}, "minimum_scale"),
        ({"norm_mlp": "BatchNorm"}, "norm_mlp"),
        ({"norm_eps": 1e-6}, "norm_eps"),
        ({"use_decoder": False}, "use_decoder"),
        ({"decoder_raw_residual": True}, "decoder_raw_residual"),
        ({"decoder_adaptive_patching_levels": 2}, "decoder_adaptive_patching_levels"),
        ({"decoder_mode": "other"}, "decoder_mode"),
        ({"use_positional_encoding": True}, "use_positional_encoding"),
        ({"self_attn": True}, "self_attn"),
        ({"gate_mode": "sigmoid"}, "gate_mode"),
        ({"fcm_prepend_past": False}, "fcm_prepend_past"),
        ({"fcm_prepend_past_offset": 3}, "fcm_prepend_past_offset"),
        ({"multi_scale": True}, "multi_scale"),
        ({"register_tokens": 2}, "register_tokens"),
        ({"fft_length": 4}, "fft_length"),
        ({"multi_quantile_head": True}, "multi_quantile_head"),
        ({"decompose": True}, "decompose"),
        ({"enable_base_norm_always": True}, "enable_base_norm_always"),
        ({"patch_stride": 4}, "patch_stride 4 must equal patch_length 8"),
        ({"loss": "pinball", "quantile": 0.9}, "quantile = 0.9 is not supported"),
        ({"enable_forecast_channel_mixing": True, "fcm_gated_attn": False}, "fcm_gated_attn"),
        ({"categorical_vocab_size_list": [3]}, "static_cardinalities need mix_channels"),
        ({"prediction_channel_indices": 3}, "config.json"),
        ({"d_model": "wide"}, "hidden_size"),
    ],
)
def test_what_the_network_can_not_do_is_refused_by_name(tmp_path, changes, complaint):
    (tmp_path / "config.json").write_text(json.dumps({**PUBLISHED_SETTINGS, **changes}))
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(WeightsError, match=complaint) as error:
        load_network(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("name", sorted(PUBLISHED_SETTINGS.keys() - {"model_type"}))
def test_a_missing_setting_is_named(name):
    settings = {key: value for key, value in PUBLISHED_SETTINGS.items() if key != name}
    with pytest.raises(ValueError, match=f"the key '{name}' is missing"):
        read_published_config(settings)


def test_settings_that_change_no_forecast_are_welcome():
    for changes in ({"scaling": True}, {"loss": "pinball"}, {"num_parallel_samples": 7}):
        config = read_published_config({**PUBLISHED_SETTINGS, **changes})
        assert config == read_published_config(PUBLISHED_SETTINGS)


@pytest.mark.parametrize("name", ["plain", "exogenous"])
def test_a_published_checkpoint_can_be_saved_in_our_layout(tmp_path: Path, name: str):
    published = load_network(GOLDEN / name)
    again = load_network(save_network(published, tmp_path))
    assert again.config == published.config
    weights = again.state_dict()
    assert all(torch.equal(t, weights[key]) for key, t in published.state_dict().items())
