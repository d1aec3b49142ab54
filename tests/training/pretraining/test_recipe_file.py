from dataclasses import fields

import pytest
import yaml

from ttm_estimators.network import PRESETS, TTMConfig
from ttm_estimators.training.pretraining.recipe_file import (
    RecipeError,
    read_recipe,
    shipped_recipes,
)
from ttm_estimators.training.recipe import Recipe
from ttm_estimators.weights import shipped_models

pytest.importorskip("lightning", reason="training needs the extra train")


def write(folder, text):
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_every_shipped_model_has_a_recipe_that_says_everything():
    assert set(shipped_models()) <= set(shipped_recipes())
    for name, path in shipped_recipes().items():
        read_recipe(name)
        named = set(yaml.safe_load(path.read_text()))
        assert named == {"network", *(field.name for field in fields(Recipe))}


def test_a_recipe_names_a_preset_and_settings(tmp_path):
    path = write(tmp_path, "network: ttm_512_96\nsteps: 7\nlearning_rate: 3e-3\ncompile: true\n")
    network, recipe = read_recipe(path)
    assert network == PRESETS["ttm_512_96"]
    assert recipe == Recipe(steps=7, learning_rate=3e-3, compile=True)


def test_a_recipe_may_spell_out_its_network(tmp_path):
    path = write(tmp_path, "network:\n  horizon: 24\n  quantile_levels: [0.1, 0.5, 0.9]\n")
    network, recipe = read_recipe(path)
    assert network == TTMConfig(horizon=24, quantile_levels=(0.1, 0.5, 0.9))
    assert recipe == Recipe()


def test_old_keys_are_read_in_silence(tmp_path, recwarn):
    path = write(tmp_path, "network: ttm_512_96\ndecay_share: 0.5\nreal_share: 0\n")
    assert read_recipe(path)[1] == Recipe(decay_fraction=0.5, real_fraction=0)
    assert not recwarn


def test_old_names_of_a_network_are_read_too(tmp_path, recwarn):
    network, _ = read_recipe(write(tmp_path, "network: {levels: 2}"))
    assert network == TTMConfig(adaptive_patching_levels=2)
    assert not recwarn
    with pytest.raises(RecipeError, match=r"far_factors is no setting.*ForecastConfig"):
        read_recipe(write(tmp_path, "network: {far_factors: [4, 12]}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: 7\n", "no key 'network'"),
        ("- 7\n", "no key 'network'"),
        ("network: [\n", "not YAML"),
        ("network: " + "[" * 20_000, "not YAML"),
        ("a: &a [1, 1]\nb: [*a, *a]\nnetwork: ttm_512_96\n", "it has an alias"),
        ("network: ttm_9\n", "unknown preset 'ttm_9'"),
        ("network: ttm_512_96\nlearning_rat: 1\n", "nearest known one is 'learning_rate'"),
        ("network: {horizn: 7}\n", "nearest known one is 'horizon'"),
        ("network: {horizon: 0}\n", "horizon must be"),
        ("network: ttm_512_96\nsteps: 0\n", "steps must be at least 1"),
        ("network: ttm_512_96\nsteps: many\n", "steps must be of type int"),
        ("network: ttm_512_96\nlearning_rate: fast\n", "learning_rate must be a number"),
    ],
)
def test_a_recipe_that_can_not_be_used_is_refused(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(RecipeError, match=said) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)


def test_an_unknown_recipe_is_refused_with_the_names_of_those_that_ship():
    with pytest.raises(RecipeError, match="ttm-2048-720"):
        read_recipe("no-such-recipe")


def test_a_batch_size_that_is_a_typing_error_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("network: ttm_512_96\nbatch_size: 8589934592\n")
    with pytest.raises(RecipeError, match="batch_size must be at most 1,048,576"):
        read_recipe(path)
