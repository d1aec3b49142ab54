import re
import shutil
import sys
from importlib import import_module

import pytest

import ttm_estimators
from ttm_estimators import TTMConfig
from ttm_estimators.command_line.errors import InputError
from ttm_estimators.command_line.pretrain import _read_budget

TINY = TTMConfig(
    context_length=32,
    horizon=8,
    patch_length=8,
    hidden_size=8,
    adaptive_patching_levels=1,
    blocks_per_level=1,
    decoder_hidden_size=8,
    decoder_blocks=1,
    quantile_levels=(0.1, 0.5, 0.9),
)

RECIPE = f"network: {TINY.to_json()}\nsteps: 2\nbatch_size: 4\nreal_share: 0\n"


@pytest.fixture
def recipe(tmp_path):
    def write(text=RECIPE):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_pretrained_folder_can_be_forecast_with(run, recipe, tmp_path):
    output = tmp_path / "model"
    code, out, err = run("pretrain", recipe(), "--output", output, "--workers", 0)
    assert (code, err) == (0, "")
    assert re.search(r"2 steps in .* hours on .*, .* windows a second, .* GB", out)
    assert "Epoch" not in out
    assert "--model" in out
    assert ttm_estimators.load(output).config == TINY


def test_a_folder_with_another_run_is_left_alone(run, recipe, tmp_path):
    options = ["--output", tmp_path / "model", "--workers", 0]
    run("pretrain", recipe(), *options)
    before = (tmp_path / "model" / "model.safetensors").read_bytes()
    code, _, err = run("pretrain", recipe(RECIPE + "seed: 5\n"), *options)
    assert (code, err.count("\n")) == (2, 1)
    assert "holds a run whose seed is 0, not 5" in err
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("network: tiny\n", [], "unknown preset 'tiny': choose one of ttm_512_96"),
        ("network: ttm_512_96_exogenous\nreal_share: 0\n", [], "choose another"),
        (RECIPE + "stepz: 2\n", [], "the nearest known one is 'steps'"),
        (RECIPE, ["--steps", "0"], "--steps"),
        (RECIPE, ["--budget", "2 days"], "is no time: write it as 2h, 90m or 1h30m"),
        (RECIPE, ["--budget", "2h", "--steps", "5"], "leave out --steps"),
        (RECIPE, ["--start", "no-such-model"], "unknown model 'no-such-model'"),
        (RECIPE, ["--start", "ttm-2048-720"], "another network than the recipe's"),
        (RECIPE, ["--corpus", "no-such-folder"], "holds no parquet files"),
        ("network: ttm_512_96\n", [], "name a corpus"),
    ],
)
def test_what_can_not_be_trained_is_one_line(run, recipe, tmp_path, text, options, said):
    code, _, err = run("pretrain", recipe(text), "--output", tmp_path / "model", *options)
    assert code == 2
    assert re.fullmatch(r"error: .+\n", err)
    assert said in err
    assert not (tmp_path / "model").exists()


def test_a_finished_run_whose_card_is_damaged_is_one_line(run, recipe, tmp_path):
    command = ("pretrain", recipe(), "--output", tmp_path / "model", "--workers", 0)
    assert run(*command).code == 0
    card = tmp_path / "model" / "card.json"
    card.write_text("{}")
    code, _, err = run(*command)
    assert (code, err.count("\n")) == (2, 1)
    assert "card.json is damaged: remove it" in err
    card.unlink()
    assert run(*command).code == 0
    assert card.exists()


def test_an_unknown_recipe_is_one_line(run, tmp_path):
    code, _, err = run("pretrain", "no-such-recipe", "--output", tmp_path / "model")
    assert (code, err.count("\n")) == (2, 1)
    assert "ttm-2048-720" in err


def test_an_output_that_is_a_file(run, recipe, tmp_path):
    (tmp_path / "model").write_text("precious")
    code, _, err = run("pretrain", recipe(), "--output", tmp_path / "model")
    assert (code, err.count("\n")) == (2, 1)
    assert (tmp_path / "model").read_text() == "precious"


def test_a_missing_training_library_is_told_with_the_pip_command(
    run, recipe, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "lightning", None)
    code, _, err = run("pretrain", recipe(), "--output", tmp_path / "model")
    assert (code, err.count("\n")) == (2, 1)
    assert 'pip install "ttm-estimators[train]"' in err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("1.5h", 5400), ("1d", 86_400), ("45s", 45)],
)
def test_a_budget_is_a_time(text, seconds):
    assert _read_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2x", "-2h", "0h", "2h x"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError, match="is no time"):
        _read_budget(text)


@pytest.mark.parametrize("when", ["start_or_resume", "chunk_loss", "__exit__"])
def test_a_run_whose_folder_is_removed_ends_in_one_line_and_leaves_nothing(
    run, recipe, tmp_path, monkeypatch, when
):
    """Before there are logs, in a step, and before the weights are written."""
    output = tmp_path / "model"
    place = import_module("ttm_estimators.training.pretraining.pretrain")
    place = place.RunLog if when == "__exit__" else place
    original = getattr(place, when)

    def then_remove(*arguments, **options):
        found = original(*arguments, **options)
        shutil.rmtree(output, ignore_errors=True)
        return found

    monkeypatch.setattr(place, when, then_remove)
    code, _, err = run("pretrain", recipe(), "--output", output, "--workers", 0)
    assert code == 2
    assert re.fullmatch(rf"error: {re.escape(str(output))}\S*: no such file or directory\n", err)
    assert not output.exists()
