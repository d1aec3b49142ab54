from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ttm_benchmarks.ltsf import few_shot
from ttm_benchmarks.ltsf.few_shot import first_windows, holds_bar, validation_windows
from ttm_benchmarks.ltsf.protocol import borders

ROWS, HORIZON, CONTEXT = 1000, 4, 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A made Exchange of two waves, whose borders are 700, 800 and 1000."""
    steps = np.arange(ROWS)
    noise = np.random.default_rng(0).normal(size=(2, ROWS))
    table = pd.DataFrame({"a": np.sin(steps / 2) + 0.1 * noise[0], "OT": np.cos(steps / 3)})
    folder = tmp_path_factory.mktemp("ltsf")
    table.to_csv(folder / "exchange_rate.csv", index=False)
    return folder


@pytest.fixture
def measure(bench, folder, model_folder, tmp_path, monkeypatch):
    quick = replace(few_shot.SETTINGS, steps=20, batch_size=8, learning_rate=1e-2)
    monkeypatch.setattr(few_shot, "SETTINGS", replace(quick, head_dropout=0.0))

    def run(*options: object) -> tuple[pd.DataFrame, str]:
        path = tmp_path / "few_shot.csv"
        common = ("--data", folder, "--output", path, "--datasets", "Exchange")
        _, text, error = bench(
            "few-shot", *common, "--model", model_folder, "--horizons", HORIZON, *options
        )
        assert error == ""
        return pd.read_csv(path), text

    return run


def test_zero_shot_stands_beside_what_was_tuned(measure, bench, folder, model_folder, tmp_path):
    table, text = measure()
    (row,) = table.to_dict("records")
    assert row["mse"] < row["zero_shot_mse"]
    assert row["windows"] == 2 * round(0.05 * (700 - CONTEXT - HORIZON + 1))
    assert "zero-shot" in text
    plain = tmp_path / "plain.csv"
    common = ("--data", folder, "--output", plain, "--datasets", "Exchange")
    bench("ltsf", *common, "--model", model_folder, "--horizons", HORIZON)
    expected = pd.read_csv(plain)
    np.testing.assert_allclose(row["zero_shot_mse"], expected["mse"][0])


def test_a_run_goes_on_where_it_was_and_another_seed_is_another_row(measure, monkeypatch):
    first, _ = measure("--every", 7)
    monkeypatch.setattr(few_shot, "measure", None)  # nothing is to be measured again
    again, _ = measure("--every", 7)
    pd.testing.assert_frame_equal(first, again)
    monkeypatch.undo()


def test_training_and_validation_end_before_the_test_part():
    values = np.arange(2.0 * ROWS).reshape(ROWS, 2)
    split = borders("Exchange", ROWS)
    training = first_windows(values, split, CONTEXT, HORIZON)
    windows = len(training) - CONTEXT - HORIZON + 1
    assert windows == round(0.05 * (split.train_end - CONTEXT - HORIZON + 1))
    held = validation_windows(values, split, CONTEXT, HORIZON)
    assert {len(one) for one in held} == {CONTEXT + HORIZON}
    assert held[0][-HORIZON, 0] == values[split.train_end, 0]
    assert held[-1][-1, 0] == values[split.test_start - 1, 0]
    with pytest.raises(ValueError, match="the training part has 700 rows"):
        first_windows(values, split, 700, HORIZON)


@pytest.mark.parametrize(
    ("after", "holds"),
    [([0.9, 1.0], True), ([0.9, 1.006], False), ([0.99, 0.99], False)],
)
def test_the_bar_looks_at_the_mean_and_at_the_worst_set(after, holds):
    rows = pd.DataFrame({"zero_shot_mse": [1.0, 1.0], "mse": after})
    assert holds_bar(rows) is holds
