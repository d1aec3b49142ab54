import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.gift_eval import fine_tuned
from ttm_benchmarks.gift_eval.data import read_task
from ttm_benchmarks.gift_eval.fine_tuned import SETTINGS, compare, holds_bar, mean
from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_gluonts import TTMEstimator


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    quick = replace(SETTINGS, windows=40, steps=10, batch_size=8)
    monkeypatch.setattr(fine_tuned, "SETTINGS", quick)


def test_zero_shot_stands_beside_what_was_tuned_in_the_same_run(
    bench, gift, model_folder, tmp_path
):
    arguments = ("gift-eval", "--data", gift, "--output", tmp_path / "out", "--finetune")
    arguments += ("--model", model_folder, "--tasks", "us_births/*,hospital/*", "--seed", 3)
    _, text, error = bench(*arguments)
    assert error == ""
    tuned, before = (
        pd.read_csv(folder / "all_results.csv")
        for folder in (tmp_path / "out", tmp_path / "out" / "zero_shot")
    )
    assert list(tuned["dataset"]) == list(before["dataset"])
    assert set(tuned["model"]) == {f"{model_folder.name}-fine-tuned"}
    assert "geometric mean" in text
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["model_type"], config["fine_tuning"]["seed"]) == ("fine-tuned", 3)
    again = bench(*arguments)
    assert "2 of 2 tasks are already in" in again[1]


def test_zero_shot_without_a_calendar_stands_beside_that_with_one(
    bench, gift, model_folder, tmp_path
):
    arguments = ("gift-eval", "--data", gift, "--output", tmp_path / "out", "--calendar")
    arguments += ("--model", model_folder, "--tasks", "us_births/*,hospital/*")
    code, text, error = bench(*arguments)
    assert error == ""
    assert "geometric mean" in text
    given, before = (
        pd.read_csv(folder / "all_results.csv").set_index("dataset")
        for folder in (tmp_path / "out", tmp_path / "out" / "zero_shot")
    )
    assert set(given["model"]) == {f"{model_folder.name}-calendar"}
    assert list(given.index) == list(before.index)
    changes = compare(
        fine_tuned._read(tmp_path / "out" / "zero_shot"), fine_tuned._read(tmp_path / "out")
    )
    assert code == int((mean(changes) > fine_tuned.MAX_MEAN_LOSS_WITH_CALENDAR).any())
    assert bench(*arguments, "--finetune")[0] == 2


def test_what_is_none_of_ours_takes_no_calendar(bench, gift, tmp_path):
    options = ("--model", "naive", "--tasks", "us_births/*", "--calendar")
    code, _, error = bench("gift-eval", "--data", gift, "--output", tmp_path / "out", *options)
    assert code == 2
    assert re.search("naive takes no calendar", error)


def test_no_test_window_is_trained_on(bench, gift, model_folder, tmp_path, monkeypatch):
    seen = []
    train = TTMEstimator.train

    def remember(self, training_data, *rest):
        seen.append([entry["target"] for entry in training_data])
        return train(self, training_data, *rest)

    monkeypatch.setattr(TTMEstimator, "train", remember)
    options = ("--model", model_folder, "--tasks", "us_births/*", "--finetune")
    bench("gift-eval", "--data", gift, "--output", tmp_path / "out", *options)
    first, _ = next(iter(read_task(gift, TASKS["us_births/M/short"]).test))
    np.testing.assert_array_equal(seen[0][0], first["target"])


def test_what_is_none_of_ours_can_not_be_tuned(bench, gift, tmp_path):
    options = ("--model", "naive", "--tasks", "us_births/*", "--finetune")
    code, _, error = bench("gift-eval", "--data", gift, "--output", tmp_path / "out", *options)
    assert code == 2
    assert re.search("naive can not be fine-tuned", error)


@pytest.mark.parametrize(
    ("after", "holds"),
    [((0.9, 0.99), True), ((0.9, 1.03), False), ((0.99, 0.99), False)],
)
def test_the_bar_looks_at_the_mean_and_at_the_worst_task(after, holds):
    before = pd.DataFrame({"MASE": [1.0, 2.0], "CRPS": [0.5, 0.25]}, index=["a", "b"])
    changes = compare(before, before.mul(after, axis=0))
    assert holds_bar(changes) is holds
    np.testing.assert_allclose(mean(changes), np.sqrt(np.prod(after)) - 1)
