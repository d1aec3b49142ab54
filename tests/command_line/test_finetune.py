import json
import platform
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_estimators import load, load_network
from ttm_estimators.command_line.finetune import CHECKPOINT
from ttm_estimators.tables.covariates import categories
from ttm_estimators.tables.files import read_file
from ttm_estimators.tables.panel import read_panel
from ttm_estimators.tables.reading import Reading

QUICK = ("--steps", 10, "--batch-size", 16, "--learning-rate", 0.01)
HORIZON = 6


def driven(rows=120, future=HORIZON):
    """Two shops whose sales follow the price, in a long table that ends in a known future."""
    frames = []
    for seed, shop in enumerate(("north", "south")):
        random = np.random.default_rng(seed)
        price = random.normal(size=rows + future)
        sales = 10 - 3 * price + 0.1 * random.normal(size=rows + future)
        sales[rows:] = np.nan
        frames.append(
            pd.DataFrame(
                {
                    "shop": shop,
                    "day": pd.date_range("2024-01-01", periods=rows + future),
                    "sales": sales,
                    "price": price,
                    "visits": random.poisson(20, rows + future),
                    "size": {"north": "large", "south": "small"}[shop],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def table(tmp_path):
    def write(frame):
        frame.to_csv(tmp_path / "sales.csv", index=False)
        return tmp_path / "sales.csv"

    return write


@pytest.fixture
def finetune(run, model, tmp_path):
    def call(data, *options):
        arguments = [data, "--horizon", HORIZON, "--output", tmp_path / "tuned"]
        return run("finetune", *arguments, "--model", model, *QUICK, *options)

    return call


COLUMNS = ("--value", "sales", "--id", "shop")


def test_a_folder_is_written_that_forecasts_the_file(run, finetune, table, model, tmp_path):
    data = table(driven(future=0)[["shop", "day", "sales"]])
    code, out, err = finetune(data, "--strategy", "full")
    assert (code, err) == (0, "")
    assert re.search(r"10 steps on \d+ windows in .* s, learning rate 0.01", out)
    assert load(tmp_path / "tuned").config == load_network(model).config
    card = json.loads((tmp_path / "tuned" / "card.json").read_text())
    assert card["start"] == str(model)
    assert (card["fine_tuning"]["strategy"], card["horizon"], card["steps"]) == (
        "full",
        HORIZON,
        10,
    )
    assert card["validation_loss"] <= card["zero_shot_validation_loss"]
    assert not (tmp_path / "tuned" / CHECKPOINT).exists()
    assert run("forecast", data, "--horizon", 5, "--model", tmp_path / "tuned").code == 0


def test_columns_are_told_before_training_and_weights_that_are_replaced_after(finetune, table):
    data = table(driven(future=0)[["shop", "day", "sales"]])
    for verb in ("Wrote", "Replaced"):
        code, out, _ = finetune(data, "--steps", 2)
        assert code == 0
        assert out.startswith("Read ")
        assert out.splitlines()[-1].startswith(f"{verb} ")


def test_columns_are_told_where_training_fails(finetune, table, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("no training")

    monkeypatch.setattr("ttm_estimators.tables.fine_tune.fine_tune_panel", fail)
    code, out, err = finetune(table(driven(future=0)[["shop", "day", "sales"]]))
    assert (code, err) == (2, "error: no training\n")
    assert out.startswith("Read ")


def test_a_folder_of_other_files_is_left_alone(finetune, table, tmp_path):
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "thesis.txt").write_text("mine")
    code, _, err = finetune(table(driven(future=0)[["shop", "day", "sales"]]))
    assert code == 2
    assert err.endswith("holds other files than weights: name another folder\n")
    assert [path.name for path in (tmp_path / "tuned").iterdir()] == ["thesis.txt"]


def test_minutes_are_kept_and_told(run, table, model, tmp_path):
    data = table(driven(future=0)[["shop", "day", "sales"]])
    arguments = [data, "--horizon", HORIZON, "--output", tmp_path / "tuned", "--model", model]
    code, out, _ = run("finetune", *arguments, "--minutes", 0.05, "--learning-rate", 0.01)
    assert code == 0
    assert float(re.search(r"in ([\d.]+) s", out).group(1)) < 1.2 * 60 * 0.05
    assert (
        json.loads((tmp_path / "tuned" / "card.json").read_text())["fine_tuning"]["minutes"] == 0.05
    )


def test_steps_that_are_asked_for_are_all_taken(run, finetune, table):
    code, out, _ = finetune(table(driven(future=0)[["shop", "day", "sales"]]), "--steps", 123)
    assert code == 0
    assert ": 123 steps on" in out


def test_covariates_are_columns_whose_names_the_model_keeps(run, finetune, table, tmp_path):
    data = table(driven())
    roles = ("--known", "price", "--past", "visits", "--static", "size")
    code, _, err = finetune(data, *COLUMNS, *roles)
    assert (code, err) == (0, "")
    card = json.loads((tmp_path / "tuned" / "card.json").read_text())
    assert card["covariates"] == {
        "known": ["price"],
        "past": ["visits"],
        "static": {"size": ["large", "small"]},
    }
    output = tmp_path / "forecast.csv"
    arguments = ["--model", tmp_path / "tuned", "--output", output, *COLUMNS]
    code, _, err = run("forecast", data, "--horizon", HORIZON, *arguments)
    assert (code, err) == (0, "")
    result = pd.read_csv(output)
    assert list(result["shop"]) == ["north"] * HORIZON + ["south"] * HORIZON
    assert result["day"].iloc[0] == "2024-04-30"  # the day after the last sale
    code, _, err = run("forecast", data, "--horizon", HORIZON + 2, *arguments)
    assert code == 2
    assert (
        "series 'north' has no future values of the covariates 'price' for the steps 7 to 8" in err
    )


def test_an_unknown_category_is_told(run, finetune, table, tmp_path):
    assert finetune(table(driven()), *COLUMNS, "--static", "size").code == 0
    data = table(driven().replace("small", "tiny"))
    code, _, err = run("forecast", data, "--horizon", 5, "--model", tmp_path / "tuned", *COLUMNS)
    assert code == 2
    assert (
        "series 'south' has the size 'tiny', but the model was fine-tuned on 'large', 'small'"
        in err
    )


@pytest.mark.parametrize("codes", [(1, 2), (1.5, 2), ("007", "8")])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_category_does_not_depend_on_empty_cells(codes, suffix, tmp_path):
    frame = driven()
    frame["code"] = frame["shop"].map(dict(zip(("north", "south"), codes, strict=True)))
    for empty in ([], [3, 200]):
        frame.loc[empty, "code"] = None
        path = tmp_path / f"sales.{suffix}"
        frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
        reading = Reading(id=["shop"], value=["sales"], static=["code"], known=["price"])
        panel = read_panel(read_file(path), reading)
        assert categories(panel, ["code"]) == {"code": [*map(str, codes)]}


def test_value_columns_see_each_other_when_they_are_mixed(run, finetune, table, tmp_path):
    wide = driven(future=0)[lambda frame: frame["shop"] == "north"][["day", "sales", "visits"]]
    data, output = table(wide), tmp_path / "forecast.csv"
    assert finetune(data, "--mix-channels").code == 0
    config = load(tmp_path / "tuned").config
    assert (config.channels, config.mix_channels) == (2, True)
    arguments = ["--horizon", HORIZON, "--model", tmp_path / "tuned", "--output", output]
    assert run("forecast", data, *arguments).code == 0
    result = pd.read_csv(output)
    assert list(result["variable"]) == ["sales"] * HORIZON + ["visits"] * HORIZON
    visits = result["median"][result["variable"] == "visits"]
    assert abs(visits.mean() - wide["visits"].mean()) < 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--known", "cost"), "has no column 'cost'"),
        (("--known", "sales"), "a column was chosen twice"),
        (("--static", "price"), "column 'price' must be the same in all rows of a series"),
        (("--strategy", "backbone"), "strategy must be one of"),
        (("--model", "no-such-model"), "unknown model 'no-such-model'"),
        (("--minutes", "0"), "minutes must be positive"),
        (("--head-dropout", "1"), "head_dropout must lie in [0, 1)"),
    ],
)
def test_what_can_not_be_is_told_in_one_line(finetune, table, options, said):
    code, _, err = finetune(table(driven()), *COLUMNS, *options)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def test_impossible_readings_are_missing_to_fine_tuning_unless_they_are_kept(run, model, tmp_path):
    frame = driven()
    frame.loc[50, "sales"] = -999
    data = tmp_path / "sales.csv"
    frame.to_csv(data, index=False)
    arguments = ["finetune", data, "--horizon", HORIZON, "--model", model, "--value", "sales"]
    arguments += ["--id", "shop", "--time", "day", *QUICK]
    outcome = run(*arguments, "--output", tmp_path / "a")
    assert outcome.code == 0, outcome.err
    assert outcome.err.startswith("warning: 1 reading is impossible by the rest")
    assert " in series 'north': give --keep-outliers to keep it" in outcome.err
    kept = run(*arguments, "--keep-outliers", "--output", tmp_path / "b")
    assert kept.code == 0, kept.err
    assert kept.err == ""


def test_a_run_that_is_stopped_before_its_first_checkpoint_leaves_no_folder(
    finetune, table, tmp_path, monkeypatch
):
    def stop(*_, **__):
        raise SystemExit(143)

    monkeypatch.setattr("ttm_estimators.tables.fine_tune.fine_tune_panel", stop)
    data = table(driven()[["shop", "day", "sales"]])
    assert finetune(data).code == 143
    assert not (tmp_path / "tuned").exists()
    (tmp_path / "tuned").mkdir()
    assert finetune(data).code == 143
    assert (tmp_path / "tuned").exists()


def test_what_a_killed_run_left_aside_is_no_file_of_the_user(finetune, table, tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    aside = tmp_path / "tuned" / f".{platform.node()}-{killed.pid}-abc.partial"
    aside.mkdir(parents=True)
    (aside / CHECKPOINT).write_text("half")
    done = finetune(table(driven()[["shop", "day", "sales"]]))
    assert (done.code, aside.exists()) == (0, False), done.err


def test_a_folder_that_is_removed_while_a_model_is_tuned(finetune, table, tmp_path, monkeypatch):
    place = "ttm_estimators.training.fine_tuning.module.FineTuneModule.on_train_start"

    def remove(_):
        shutil.rmtree(tmp_path / "tuned", ignore_errors=True)

    monkeypatch.setattr(place, remove, raising=False)
    code, _, err = finetune(table(driven()[["shop", "day", "sales"]]))
    assert code == 2
    assert re.fullmatch(rf"error: {tmp_path}/tuned\S*: no such file or directory\n", err)
    assert not (tmp_path / "tuned").exists()


@pytest.mark.parametrize("options", [(), ("--learning-rate", 0.01)], ids=["trial", "training"])
def test_ctrl_c_ends_training_with_code_130_and_is_heard_again(
    run, model, table, tmp_path, monkeypatch, options
):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "ttm_estimators.training.fine_tuning.module.FineTuneModule.training_step", interrupt
    )
    data = table(driven()[["shop", "day", "sales"]])
    before = signal.getsignal(signal.SIGINT)
    command = ("finetune", data, "--horizon", 6, "--output", tmp_path / "tuned", "--model", model)
    assert run(*command, "--steps", 4, *options).code == 130
    assert signal.getsignal(signal.SIGINT) == before
