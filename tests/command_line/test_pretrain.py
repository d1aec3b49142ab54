import re
import sys

import pytest

import ttm_estimators
from ttm_estimators import TTMConfig
from ttm_estimators.network import presets


@pytest.fixture
def tiny(monkeypatch):
    config = TTMConfig(
        context_length=32,
        horizon=8,
        patch_length=8,
        hidden_size=8,
        levels=1,
        blocks_per_level=1,
        decoder_hidden_size=8,
        decoder_blocks=1,
        quantile_levels=(0.1, 0.5, 0.9),
    )
    monkeypatch.setitem(presets.PRESETS, "tiny", config)
    return config


@pytest.mark.filterwarnings("ignore")  # Lightning's, about few workers and short runs
def test_a_pretrained_folder_can_be_forecast_with(run, tiny, tmp_path):
    output = tmp_path / "model"
    options = ["--steps", 2, "--batch-size", 4, "--workers", 0]
    code, out, _ = run("pretrain", output, "--preset", "tiny", *options)
    assert code == 0
    assert "--model" in out
    assert ttm_estimators.load(output).config == tiny


@pytest.mark.filterwarnings("ignore")
def test_a_folder_with_another_run_is_left_alone(run, tiny, tmp_path):
    options = ["--preset", "tiny", "--steps", 2, "--batch-size", 4, "--workers", 0]
    run("pretrain", tmp_path, *options)
    before = (tmp_path / "model.safetensors").read_bytes()
    code, _, err = run("pretrain", tmp_path, *options, "--seed", 5)
    assert (code, err.count("\n")) == (2, 1)
    assert "holds a run whose seed is 0, not 5" in err
    assert (tmp_path / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--preset", "no-such-preset"],
            "unknown preset 'no-such-preset': choose one of ttm_512_96",
        ),
        (["--preset", "ttm_512_96_exogenous"], "choose another"),
        (["--preset", "ttm_512_96_resolution"], "choose another"),
        (["--learning-rate", "-1"], "learning_rate must be positive"),
        (["--precision", "8"], "precision must be one of"),
        (["--steps", "0"], "--steps"),
        (["--batch-size", "x"], "--batch-size"),
    ],
)
def test_what_can_not_be_trained_is_one_line(run, tmp_path, options, said):
    code, _, err = run("pretrain", tmp_path / "model", *options)
    assert code == 2
    assert re.fullmatch(r"error: .+\n", err)
    assert said in err
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_a_file(run, tmp_path):
    (tmp_path / "model").write_text("precious")
    code, _, err = run("pretrain", tmp_path / "model")
    assert (code, err.count("\n")) == (2, 1)
    assert (tmp_path / "model").read_text() == "precious"


def test_a_missing_training_library_is_told_with_the_pip_command(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    code, _, err = run("pretrain", tmp_path / "model")
    assert (code, err.count("\n")) == (2, 1)
    assert 'pip install "ttm-estimators[train]"' in err
